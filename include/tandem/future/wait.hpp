// SPDX-License-Identifier: BSL-1.0
// tandem/future/wait.hpp: wait for all of many futures, or for the first.        level 1
#pragma once

#include <tandem/future/future.hpp>

#include <cstddef>
#include <memory>
#include <ranges>
#include <vector>

namespace tandem {

/// When wait() returns. Python: ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION.
enum class return_when {
    all_completed,
    first_completed,
    first_exception,  // or when all are done; a cancel is no exception here
};

/// The indices of the futures that are ready, and of the others, each in rising order.
struct wait_result {
    std::vector<std::size_t> done;
    std::vector<std::size_t> not_done;
};

namespace detail {

// What a thread that waits for many states sleeps on.
class many_waiter final : public waker {
   public:
    many_waiter(return_when when, std::size_t count) noexcept : when_(when), left_(count) {}

    void one_done(const future_state& done) noexcept {
        const bool last = left_.fetch_sub(1, std::memory_order_acq_rel) == 1;
        const bool enough = last || when_ == return_when::first_completed ||
                            (when_ == return_when::first_exception && done.has_failed());
        if (!enough) return;
        enough_.store(true, std::memory_order_seq_cst);
        point_.notify_all();
    }
    bool enough() const noexcept { return enough_.load(std::memory_order_seq_cst); }
    // There may be something to help with that was not there before.
    void wake() noexcept override {
        wakes_.fetch_add(1, std::memory_order_seq_cst);
        point_.notify_all();
    }
    std::size_t wakes() const noexcept { return wakes_.load(std::memory_order_seq_cst); }
    // Returns false when there is no more reason to wait: enough are done, or the time is up.
    bool wait(std::size_t wakes_seen, deadline until) noexcept {
        const auto woken = [&] { return enough() || wakes() != wakes_seen; };
        return point_.wait_until(woken, until) && !enough();
    }

    void abandon() noexcept { abandoned_.store(true, std::memory_order_relaxed); }
    bool abandoned() const noexcept { return abandoned_.load(std::memory_order_relaxed); }

   private:
    const return_when when_;
    // How many states are not done yet; each completing thread takes one off.
    std::atomic<std::size_t> left_;
    // false, then true by a completing thread. seq_cst with the wait point's protocol.
    std::atomic<bool> enough_{false};
    // How often it was woken for another reason; by anybody, as above.
    std::atomic<std::size_t> wakes_{0};
    // false, then true by the waiter when it leaves; a hint for those that clean up.
    std::atomic<bool> abandoned_{false};
    wait_point point_;
};

class many_callback final : public callback {
   public:
    explicit many_callback(ref<many_waiter> waiter) noexcept : waiter_(std::move(waiter)) {}
    void call(future_state& done) override { waiter_->one_done(done); }
    bool is_internal() const noexcept override { return true; }
    bool is_dropped() const noexcept override { return waiter_->abandoned(); }

   private:
    ref<many_waiter> waiter_;
};

inline void wait_for_many(const std::vector<ref<future_state>>& states, return_when when,
                          deadline until) {
    if (states.empty()) return;
    const auto waiter = make_ref<many_waiter>(when, states.size());
    for (const auto& state : states) {
        state->add_callback(std::make_unique<many_callback>(waiter));
    }
    std::size_t wakes = 0;
    do {
        wakes = waiter->wakes();
        for (const auto& state : states) {
            if (waiter->enough() || !until.is_never()) break;
            if (!state->ready()) state->help_all(*waiter);
        }
        future_state::run_deferred();
    } while (waiter->wait(wakes, until));
    waiter->abandon();
    for (const auto& state : states) {
        if (!state->ready()) state->prune_callbacks();
    }
}

}  // namespace detail

/// Waits for the futures of a range (which stay where they are), for all or for the first.
/// Returns: which are ready and which are not; a time-out is no error. Blocks: until enough are
/// ready or `until`. Inside a worker, runs those that belong to its pool and have not started.
/// Complexity: linear in the number of futures.
template <std::ranges::forward_range Futures>
wait_result wait(const Futures& futures, return_when when = return_when::all_completed,
                 deadline until = deadline::never()) {
    std::vector<detail::ref<detail::future_state>> states;
    for (const auto& f : futures) states.push_back(detail::future_access::state_of(f));
    detail::wait_for_many(states, when, until);
    wait_result result;
    for (std::size_t i = 0; i < states.size(); ++i) {
        (states[i]->ready() ? result.done : result.not_done).push_back(i);
    }
    return result;
}

}  // namespace tandem
