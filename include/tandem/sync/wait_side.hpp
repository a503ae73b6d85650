// SPDX-License-Identifier: BSL-1.0
// tandem/sync/wait_side.hpp: those who wait for one side of a queue, and how they are woken.        level 1
#pragma once

#include <tandem/core/deadline.hpp>
#include <tandem/core/parker.hpp>

#include <algorithm>
#include <atomic>
#include <climits>
#include <cstddef>
#include <cstdint>

namespace tandem::detail {

// Somebody who waits for a queue, but is not a thread that sleeps there: it is told once, under the
// queue's mutex, and then looks for itself.
class wait_observer {
   public:
    wait_observer() noexcept = default;
    wait_observer(const wait_observer&) = delete;
    wait_observer& operator=(const wait_observer&) = delete;

   protected:
    ~wait_observer() = default;

   private:
    friend class wait_side;
    virtual void notify() noexcept = 0;

    // Links of the side's list, guarded by the queue's mutex.
    wait_observer* next_ = nullptr;
    wait_observer** link_ = nullptr;  // what points here; null while not in a list
};

// The waiters for one condition ("there is an item") that a mutex guards. Whoever unlocks that
// mutex keeps this promise: if the condition holds and threads sleep, a wake-up is under way.
// One wake-up at a time, so a burst of items costs one system call; the thread that it wakes keeps
// the promise when it unlocks, and so wakes the next if something is left.
//
// Why none is lost: `waking` is set only while threads sleep, together with a new `word`. A thread
// that is registered then, and reads the word later, does not sleep; if all of them sleep already,
// unpark wakes one. So at least one comes back, takes the mutex, and clears `waking`. It does not
// matter which one, or whether its time ran out: it keeps the promise as well.
// tests/models/wait_side.pml is this protocol for the Spin model checker.
//
// Thread safety: the mutex is held in every call but sleep() and wake().
class wait_side {
   public:
    // How many threads to wake, behind the unlocking.
    using wake_count = int;

    // A thread is about to sleep.
    std::uint32_t enter() noexcept {
        ++sleeping_;
        return word_.load(std::memory_order_relaxed);
    }
    // It is back, for whatever reason.
    void leave() noexcept {
        --sleeping_;
        waking_ = false;
    }
    // Sleeps, without the mutex, unless somebody was woken since enter() gave the ticket. Returns
    // false when the time ran out.
    bool sleep(std::uint32_t ticket, deadline until) const noexcept {
        return park(word_, ticket, until);
    }

    // How often a waiter should look before it sleeps, for what it hopes for; and whether that
    // paid off. After failures it is less. Now and then it is about as long as a wake-up takes: two
    // threads that answer each other find out like this that neither would have to sleep.
    int polls() noexcept { return ++waits_ % waits_a_try == 0 ? long_try : polls_; }
    void learn(bool paid_off) noexcept {
        polls_ = paid_off ? most_polls : std::max(polls_ / 2, least_polls);
    }

    // The condition holds: arranges for one thread to be woken unless one is on its way.
    wake_count wake_one() noexcept {
        notify_observers();
        if (sleeping_ == 0 || waking_) return 0;
        waking_ = true;
        advance();
        return 1;
    }
    // Arranges for all to be woken.
    wake_count wake_all() noexcept {
        notify_observers();
        if (sleeping_ == 0) return 0;
        advance();
        return INT_MAX;
    }
    // Without the mutex; uses nothing of *this but the address of the word.
    void wake(wake_count how_many) const noexcept {
        if (how_many != 0) unpark(word_, how_many);
    }

    void add(wait_observer& observer) noexcept {
        observer.next_ = observers_;
        if (observers_) observers_->link_ = &observer.next_;
        observer.link_ = &observers_;
        observers_ = &observer;
    }
    // Returns whether it was still there.
    bool remove(wait_observer& observer) noexcept {
        if (!observer.link_) return false;
        *observer.link_ = observer.next_;
        if (observer.next_) observer.next_->link_ = observer.link_;
        observer.link_ = nullptr;
        return true;
    }

    // Whether anybody waits and is not on the way already.
    bool wants() const noexcept { return (sleeping_ != 0 && !waking_) || observers_ != nullptr; }

   private:
    // A poll takes 50 to 200 ns.
    static constexpr int least_polls = 4;
    static constexpr int most_polls = 32;
    static constexpr int long_try = 600;
    static constexpr unsigned waits_a_try = 128;

    void advance() noexcept {
        // relaxed: the mutex orders it for enter(), the kernel for those about to sleep.
        word_.store(word_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }
    void notify_observers() noexcept {
        while (observers_) {
            wait_observer& first = *observers_;
            remove(first);
            first.notify();
        }
    }

    // How often threads were woken; wraps. Written under the mutex; sleepers sleep on its value.
    std::atomic<std::uint32_t> word_{0};
    // Threads between enter() and leave().
    std::uint32_t sleeping_ = 0;
    // Whether a thread was woken that has not come to leave() yet.
    bool waking_ = false;
    wait_observer* observers_ = nullptr;
    int polls_ = most_polls;
    unsigned waits_ = 0;
};

}  // namespace tandem::detail
