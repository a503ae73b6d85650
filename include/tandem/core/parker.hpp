// SPDX-License-Identifier: BSL-1.0
// tandem/core/parker.hpp: the one place that puts a thread to sleep and wakes it.        level 0
#pragma once

#include <tandem/core/config.hpp>
#include <tandem/core/deadline.hpp>

#include <atomic>
#include <climits>
#include <cstdint>

#if TANDEM_LINUX
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#else
#include <condition_variable>
#include <functional>
#include <mutex>
#endif

namespace tandem::detail {

#if TANDEM_LINUX

inline bool futex_wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                       deadline until, int operation) noexcept {
    static_assert(sizeof word == 4 && std::atomic<std::uint32_t>::is_always_lock_free);
    timespec left{};
    timespec* limit = nullptr;
    if (!until.is_never()) {
        const auto ns = until.remaining().count();
        if (ns == 0) return false;
        left.tv_sec = static_cast<time_t>(ns / 1'000'000'000);
        left.tv_nsec = static_cast<long>(ns % 1'000'000'000);
        limit = &left;
    }
    const long rc = ::syscall(SYS_futex, &word, operation, expected, limit, nullptr, 0);
    return !(rc == -1 && errno == ETIMEDOUT);
}

// Sleeps while `word` holds `expected`, until unparked or `until`. Returns false when the time ran
// out. May return early for no reason: the caller checks its condition again.
inline bool park(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                 deadline until = deadline::never()) noexcept {
    return futex_wait(word, expected, until, FUTEX_WAIT_PRIVATE);
}

// Wakes threads that sleep on `word`. Touches only the address: whoever sleeps there may free the
// word as soon as its condition holds, which may be before this call (a wake-up of nobody).
inline void unpark(const std::atomic<std::uint32_t>& word, int how_many) noexcept {
    ::syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, how_many, nullptr, nullptr, 0);
}

// The same two for a word in memory that processes share.
inline bool park_shared(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                        deadline until = deadline::never()) noexcept {
    return futex_wait(word, expected, until, FUTEX_WAIT);
}
inline void unpark_shared(const std::atomic<std::uint32_t>& word, int how_many) noexcept {
    ::syscall(SYS_futex, &word, FUTEX_WAKE, how_many, nullptr, nullptr, 0);
}

#else

// Sleepers, by a hash of the address they sleep on. The mutex guards nothing but the sleep itself:
// it closes the gap between reading the word and sleeping.
struct parking_lot {
    std::mutex mutex;
    std::condition_variable sleepers;

    static parking_lot& of(const void* address) noexcept {
        static parking_lot lots[64];
        return lots[std::hash<const void*>{}(address) / cache_line % 64];
    }
};

inline bool park(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                 deadline until = deadline::never()) noexcept {
    auto& lot = parking_lot::of(&word);
    std::unique_lock hold(lot.mutex);
    if (word.load(std::memory_order_seq_cst) != expected) return true;
    if (until.is_never()) {
        lot.sleepers.wait(hold);
        return true;
    }
    return lot.sleepers.wait_until(hold, until.time()) == std::cv_status::no_timeout;
}

inline void unpark(const std::atomic<std::uint32_t>& word, int) noexcept {
    auto& lot = parking_lot::of(&word);
    {
        std::lock_guard hold(lot.mutex);
    }
    lot.sleepers.notify_all();
}

#endif

// Where threads wait for a condition that other threads make true: an event count. A waiter takes
// a ticket, checks its condition, and only then sleeps; whoever makes the condition true notifies
// afterwards. Without waiters, notifying is one load. (Vyukov's eventcount, as in Eigen and folly.)
//
// No wake-up is lost as long as the condition is written and read under one mutex, or by seq_cst
// operations: either the waiter's check sees the change, or the notifier sees the waiter.
// Thread safety: every member may be called concurrently.
class wait_point {
   public:
    // Announces a wait. Between this and wait() or cancel(), check the condition.
    std::uint32_t prepare() noexcept {
        waiters_.fetch_add(1, std::memory_order_seq_cst);
        return epoch_.load(std::memory_order_seq_cst);
    }
    // Takes the announcement back.
    void cancel() noexcept { waiters_.fetch_sub(1, std::memory_order_seq_cst); }
    // Sleeps until a notification later than `ticket`. Returns false when the time ran out.
    bool wait(std::uint32_t ticket, deadline until = deadline::never()) noexcept {
        bool in_time = true;
        while (in_time && epoch_.load(std::memory_order_seq_cst) == ticket) {
            in_time = park(epoch_, ticket, until);
        }
        cancel();
        return in_time;
    }

    void notify_one() noexcept { notify(1); }
    void notify_all() noexcept { notify(INT_MAX); }

    // Waits until `condition()` holds. Returns false when the time ran out and it still does not.
    template <class Condition>
    bool wait_until(Condition condition, deadline until = deadline::never()) {
        while (!condition()) {
            const auto ticket = prepare();
            if (condition()) {
                cancel();
                return true;
            }
            if (!wait(ticket, until)) return condition();
        }
        return true;
    }

   private:
    void notify(int how_many) noexcept {
        if (waiters_.load(std::memory_order_seq_cst) == 0) return;
        epoch_.fetch_add(1, std::memory_order_seq_cst);
        unpark(epoch_, how_many);
    }

    // How often somebody was notified; wraps. Written by notifiers; a waiter sleeps on its value.
    std::atomic<std::uint32_t> epoch_{0};
    // How many threads are between prepare() and the end of wait(). seq_cst with the condition,
    // as the class comment says.
    std::atomic<std::uint32_t> waiters_{0};
};

}  // namespace tandem::detail
