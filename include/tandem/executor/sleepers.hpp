// SPDX-License-Identifier: BSL-1.0
// tandem/executor/sleepers.hpp: which of a pool's threads search for work, which sleep, whom to wake.        level 2
#pragma once

#include <tandem/core/config.hpp>
#include <tandem/core/parker.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace tandem::detail {

// How std::atomic sleeps and wakes; a test brings its own.
struct thread_parking {
    static void park(const std::atomic<std::uint32_t>& word, std::uint32_t expected) noexcept {
        detail::park(word, expected);
    }
    static void unpark(const std::atomic<std::uint32_t>& word, int how_many) noexcept {
        detail::unpark(word, how_many);
    }
};

// A thread of a pool works, searches, or sleeps. Whoever publishes work wakes one sleeper, but only
// if nobody searches; who searches and finds something wakes the next one if there is more. So at
// most one thread at a time is being woken, and a flood of work wakes as many as it can use. (The
// scheme of Go's scheduler, tokio and folly's ThrottledLifoSem.) The one that went to sleep last is
// woken first: its caches are warm, and the others sleep on. (A stack as in Treiber, "Systems
// programming: coping with parallelism", 1986, with a tag against ABA.)
//
// No work is missed. It is published, then the state is read; a thread announces that it sleeps,
// then looks for work once more; all seq_cst. If the publisher does not see the sleeper, the
// sleeper sees the work. If the publisher sees a searcher, that one either finds the work, and
// looks for more after it is counted out, or it announces its own sleep later and looks once more.
//
// Thread safety: every member may be called concurrently; a thread passes its own number.
template <template <class> class Atomic = std::atomic, class Parking = thread_parking>
class basic_sleepers {
   public:
    // For threads with the numbers 0 to `threads` - 1, at most 65 534.
    explicit basic_sleepers(std::size_t threads) : threads_(std::make_unique<one[]>(threads)) {}

    // Work was published, by seq_cst operations or under a mutex that those who look take too.
    void work_came() noexcept {
        auto seen = state_.load(std::memory_order_seq_cst);
        while (searching(seen) == 0 && top(seen) != nobody) {
            if (take_top(seen)) return wake(top(seen));
        }
    }

    // working -> searching. Returns whether nobody else searches.
    bool begin_search() noexcept {
        return searching(state_.fetch_add(one_searching, std::memory_order_seq_cst)) == 0;
    }
    // searching -> working. Returns whether nobody else searches: the caller then looks for more
    // work and, if there is some, calls work_came(), since others may have left it to this thread.
    bool end_search() noexcept {
        const auto before = state_.fetch_sub(one_searching, std::memory_order_seq_cst);
        return searching(before) == 1;
    }

    // searching -> sleeping -> searching: returns when there may be something to find.
    // `has_work()` looks everywhere, by seq_cst loads.
    template <class HasWork>
    void sleep(std::size_t me, HasWork has_work) noexcept(
        noexcept(Parking::park(std::declval<const Atomic<std::uint32_t>&>(), 0))) {
        auto& mine = threads_[me];
        mine.woken.store(0, std::memory_order_seq_cst);
        auto seen = state_.load(std::memory_order_seq_cst);
        do {
            mine.below.store(top(seen), std::memory_order_seq_cst);
        } while (!state_.compare_exchange_weak(
            seen, with_top(seen, static_cast<std::uint64_t>(me) + 1) - one_searching,
            std::memory_order_seq_cst));
        // Whoever is on top may be another by now: that one looks for the work instead.
        if (has_work()) wake_top();
        while (mine.woken.load(std::memory_order_seq_cst) == 0) Parking::park(mine.woken, 0);
    }

    // Wakes all that sleep now.
    void wake_all() noexcept {
        while (wake_top()) {
        }
    }

   private:
    // The state's parts, from bit 0 on.
    static constexpr std::uint64_t one_searching = 1;
    static constexpr std::uint64_t one_top = 1U << 16;
    static constexpr std::uint64_t one_tag = std::uint64_t{1} << 32;
    static constexpr std::uint64_t nobody = 0;

    static std::uint64_t searching(std::uint64_t state) noexcept { return state % one_top; }
    static std::uint64_t top(std::uint64_t state) noexcept { return state / one_top % one_top; }
    static std::uint64_t with_top(std::uint64_t state, std::uint64_t number) noexcept {
        return state + one_tag - top(state) * one_top + number * one_top;
    }

    // sleeping -> searching, for the thread on top of the state that the caller saw.
    bool take_top(std::uint64_t& seen) noexcept {
        // The one below may be out of date, if the top was taken meanwhile: the tag tells.
        const auto below = threads_[top(seen) - 1].below.load(std::memory_order_seq_cst);
        const auto before = seen;
        if (!state_.compare_exchange_weak(seen, with_top(seen, below) + one_searching,
                                          std::memory_order_seq_cst)) {
            return false;
        }
        seen = before;
        return true;
    }
    bool wake_top() noexcept {
        auto seen = state_.load(std::memory_order_seq_cst);
        while (top(seen) != nobody) {
            if (!take_top(seen)) continue;
            wake(top(seen));
            return true;
        }
        return false;
    }
    void wake(std::uint64_t number) noexcept {
        auto& woken = threads_[number - 1].woken;
        woken.store(1, std::memory_order_seq_cst);
        Parking::unpark(woken, 1);
    }

    struct alignas(cache_line) one {
        // 1 while the thread does not sleep; the word to sleep on while it is 0. Cleared by the
        // thread before it is on the stack, set by whoever took it off.
        Atomic<std::uint32_t> woken{1};
        // The number of the thread below on the stack. Written by the thread before it is on it.
        Atomic<std::uint64_t> below{nobody};
    };
    std::unique_ptr<one[]> threads_;
    // How many threads search; the number of the sleeper on top of the stack, 1 for the first
    // thread, and 0 for none; a tag that changes with the top. Each thread counts itself, except
    // that whoever wakes one counts it as searching from then on. seq_cst throughout: see above.
    alignas(cache_line) Atomic<std::uint64_t> state_{0};
};

using sleepers = basic_sleepers<>;

}  // namespace tandem::detail
