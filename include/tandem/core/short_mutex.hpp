// SPDX-License-Identifier: BSL-1.0
// tandem/core/short_mutex.hpp: a mutex for a few instructions at a time.        level 0
#pragma once

#include <tandem/core/config.hpp>
#include <tandem/core/parker.hpp>
#include <tandem/core/spin.hpp>

#include <atomic>
#include <cstdint>

namespace tandem::detail {

// A mutex that is inlined, costs two atomic operations when nobody else wants it, and spins for
// some microseconds before it sleeps: what it guards is expected to take nanoseconds. It is unfair,
// so that a running thread gets on with a batch. It may be destroyed by the thread that locked it
// last, even while unlock() of an earlier one has not returned. (Drepper, "Futexes are tricky".)
// Thread safety: every member may be called concurrently.
class short_mutex {
   public:
    short_mutex() : spins_(spinning_pays()) {}
    short_mutex(const short_mutex&) = delete;
    short_mutex& operator=(const short_mutex&) = delete;

    bool try_lock() noexcept {
        std::uint32_t expected = free;
        return word_.compare_exchange_strong(expected, locked, std::memory_order_acquire,
                                             std::memory_order_relaxed);
    }
    void lock() noexcept {
        if (!try_lock()) lock_slowly();
    }
    void unlock() noexcept {
        // Behind the exchange *this may be gone: only its address is used.
        if (word_.exchange(free, std::memory_order_release) == contended) unpark(word_, 1);
    }

   private:
    static constexpr std::uint32_t free = 0, locked = 1, contended = 2;

    void lock_slowly() noexcept {
        for (int tries = spins_ ? most_tries : 0; tries > 0; --tries) {
            relax(pauses_a_try);
            if (word_.load(std::memory_order_relaxed) == free && try_lock()) return;
        }
        while (word_.exchange(contended, std::memory_order_acquire) != free) {
            park(word_, contended);
        }
    }

    // Who has the mutex often wants it again at once, as in a loop of pushes. Looking every half a
    // microsecond lets it do some dozens; looking all the time would take the cache line from it
    // for each, which costs more than what is done under the mutex.
    static constexpr int pauses_a_try = 32;
    static constexpr int most_tries = 4;

    // free, locked, or contended: locked, and somebody may be asleep. Written by all; acquire when
    // it is taken pairs with release when it is let go. Sleepers sleep on `contended`.
    std::atomic<std::uint32_t> word_{free};
    const bool spins_;
};

}  // namespace tandem::detail
