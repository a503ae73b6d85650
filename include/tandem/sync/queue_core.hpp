// SPDX-License-Identifier: BSL-1.0
// tandem/sync/queue_core.hpp: what a queue counts, and how its users wait; knows nothing of items.        level 1
#pragma once

#include <tandem/core/config.hpp>
#include <tandem/core/deadline.hpp>
#include <tandem/core/error.hpp>
#include <tandem/core/short_mutex.hpp>
#include <tandem/core/spin.hpp>
#include <tandem/sync/wait_side.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <stop_token>
#include <utility>

namespace tandem {

/// What became of an operation of a queue, in the words of P0260R20. `busy` and `busy_async` are
/// never returned: our queues are busy for nanoseconds only, and wait for that.
enum class conqueue_status { success, empty, full, closed, busy, busy_async };

namespace detail {

// The mutex of a queue and all that it guards but the items. Locked and unlocked like a mutex;
// unlocking wakes whoever can go on, so that no operation has to remember to.
//
// An item is at one of these places: being pushed (it has its room, but is made without the mutex),
// queued, being popped (it still has its room, while it is moved out without the mutex), taken.
// A push that has its room succeeds even if the queue is closed meanwhile.
//
// Thread safety: every member but the constructor, lock(), size(), closed() and what says so
// needs the mutex.
class queue_core {
   public:
    explicit queue_core(std::size_t capacity) : capacity_(capacity) {
        if (capacity == 0) throw std::invalid_argument("a queue of capacity 0 holds nothing");
    }

    void lock() noexcept { mutex_.lock(); }
    void unlock() noexcept {
        if (wanted_) [[unlikely]] {
            unlock_and_wake();
        } else {
            mutex_.unlock();
        }
    }

    // The two that need no mutex, and are hints without it.
    std::size_t size() const noexcept { return size_.load(std::memory_order_relaxed); }
    bool closed() const noexcept { return closed_.load(std::memory_order_relaxed); }

    std::size_t capacity() const noexcept { return capacity_; }
    bool has_item() const noexcept { return size() != 0; }
    bool has_room() const noexcept { return room() != 0; }
    std::size_t room() const noexcept { return capacity_ - in_use(); }
    // Items that are there, will be there, or still take room.
    std::size_t in_use() const noexcept { return size() + pushing_ + popping_; }
    // Closed, and no item will come any more.
    bool has_ended() const noexcept {
        return closed() && !has_item() && pushing_ == 0 && returnable_ == 0;
    }
    bool all_done() const noexcept { return !has_item() && taken_ == 0; }
    bool discarded() const noexcept { return discarded_; }

    // The places of items.
    void begin_push() noexcept { ++pushing_; }
    void abandon_push() noexcept { --pushing_; }
    void end_push() noexcept {
        --pushing_;
        add_items(1);
    }
    void add_items(std::size_t count) noexcept { set_size(size() + count); }
    void take_items(std::size_t count) noexcept {
        set_size(size() - count);
        taken_ += count;
    }
    void begin_pop(std::size_t count) noexcept {
        take_items(count);
        popping_ += count;
    }
    void end_pop(std::size_t count) noexcept { popping_ -= count; }
    // Items that were taken may come back as long as they are counted here.
    void begin_return(std::size_t count) noexcept { returnable_ += count; }
    void end_return(std::size_t count) noexcept { returnable_ -= count; }
    // What was taken goes back to the queue.
    void return_item() noexcept {
        forget_taken();
        add_items(1);
    }
    // As mark_done(), for what is not the user's call: the user may have called it already.
    void forget_taken() noexcept {
        if (taken_ != 0) --taken_;
    }
    void mark_done() {
        if (taken_ == 0) throw invalid_state("task_done() more often than items were taken");
        --taken_;
    }

    // Wait until there is room, or an item. False: ended by the queue's close, the deadline or a
    // stop, which gives up even if it need not wait.
    bool wait_for_room(deadline until, const std::stop_token* stop = nullptr) noexcept {
        return wait(
                   producers_, until, stop, [this] { return closed() || has_room(); },
                   [this] { return capacity_ - std::min(size(), capacity_); }) &&
               !closed();
    }
    bool wait_for_item(deadline until, const std::stop_token* stop = nullptr) noexcept {
        return wait(
                   consumers_, until, stop, [this] { return has_item() || has_ended(); },
                   [this] { return size(); }) &&
               has_item();
    }
    bool wait_until_done(deadline until) noexcept {
        return wait(joiners_, until, nullptr, [this] { return all_done(); }, [] { return 0U; });
    }

    // Closes, without the mutex. Returns false if it was closed already.
    bool close(std::exception_ptr reason = nullptr) noexcept {
        lock();
        const bool first = !closed();
        if (first) {
            closed_.store(true, std::memory_order_relaxed);
            reason_ = std::move(reason);
        }
        unlock_and_wake_all();
        return first;
    }
    // Closes and forgets what is queued; the mutex is held, and stays so.
    std::size_t discard() noexcept {
        closed_.store(true, std::memory_order_relaxed);
        discarded_ = true;
        const auto dropped = size();
        set_size(0);
        return dropped;
    }
    void unlock_and_wake_all() noexcept {
        wake_behind_unlock(consumers_.wake_all(), producers_.wake_all(), joiners_.wake_all());
    }
    // Lets all look whether they were asked to stop; without the mutex.
    void interrupt() noexcept {
        lock();
        unlock_and_wake_all();
    }

    // Why the queue was closed; does not change once has_ended() was seen, needs no mutex then.
    void throw_reason() const {
        if (reason_) std::rethrow_exception(reason_);
    }

    // Returns false, and does not add it, if there is something to pop, or never will be.
    bool observe_items(wait_observer& observer) noexcept {
        const std::lock_guard hold(*this);
        if (has_item() || has_ended()) return false;
        consumers_.add(observer);
        wanted_ = true;
        return true;
    }
    void forget(wait_observer& observer) noexcept {
        const std::lock_guard hold(*this);
        consumers_.remove(observer);
    }
    // The same for who wants to push.
    bool observe_room(wait_observer& observer) noexcept {
        const std::lock_guard hold(*this);
        if (has_room() || closed()) return false;
        producers_.add(observer);
        wanted_ = true;
        return true;
    }

    // The owners of the producers' end, counted without the mutex; the last one closes.
    void add_owner() noexcept { owners_.fetch_add(1, std::memory_order_relaxed); }
    void drop_owner() noexcept {
        if (owners_.fetch_sub(1, std::memory_order_acq_rel) == 1) close();
    }

   private:
    void set_size(std::size_t size) noexcept { size_.store(size, std::memory_order_relaxed); }

    // What the wait sides ask of every unlocking.
    void unlock_and_wake() noexcept {
        const auto consumers = has_item() || has_ended() ? consumers_.wake_one() : 0;
        const auto producers = has_room() || closed() ? producers_.wake_one() : 0;
        const auto joiners = all_done() ? joiners_.wake_all() : 0;
        wanted_ = consumers_.wants() || producers_.wants() || joiners_.wants();
        wake_behind_unlock(consumers, producers, joiners);
    }
    void wake_behind_unlock(wait_side::wake_count consumers, wait_side::wake_count producers,
                            wait_side::wake_count joiners) noexcept {
        mutex_.unlock();  // from here on only addresses: the queue may be gone
        consumers_.wake(consumers);
        producers_.wake(producers);
        joiners_.wake(joiners);
    }

    // `ready()` is asked under the mutex; `amount()` without it, and when it is not 0, or the queue
    // is closed, ready() is worth asking.
    template <class Ready, class Amount>
    bool wait(wait_side& side, deadline until, const std::stop_token* stop, Ready ready,
              Amount amount) noexcept {
        if (stop && stop->stop_requested()) return false;
        if (ready()) return true;
        if (until.expired()) return false;
        if (spinning_pays_) {
            const int polls = side.polls();
            unlock();
            const bool worth = poll(polls, amount);
            lock();
            side.learn(worth);
        }
        for (;;) {
            if (stop && stop->stop_requested()) return false;
            if (ready()) return true;
            const auto ticket = side.enter();
            wanted_ = true;
            unlock();
            const bool in_time = side.sleep(ticket, until);
            lock();
            side.leave();
            wanted_ = true;  // others of that side may be asleep, and nobody on the way now
            if (!in_time) return ready();
        }
    }

    // Looks at the amount now and then. When there is something it waits on while that grows, and
    // looks less often: who makes it is busy making more, and a batch costs less than single items.
    template <class Amount>
    bool poll(int polls, Amount amount) const noexcept {
        const std::size_t enough = std::min<std::size_t>(512, capacity_);
        std::size_t seen = 0;
        int pauses = pauses_a_poll;
        for (; polls > 0; --polls) {
            relax(pauses);
            const std::size_t now = amount();
            if (closed() || now >= enough || (now != 0 && now <= seen)) return true;
            if (seen == 0 && now != 0) polls = std::min(polls, most_polls_of_growth);
            if (now != 0) pauses = std::min(2 * pauses, 8 * pauses_a_poll);
            seen = now;
        }
        return seen != 0;
    }

    static constexpr int pauses_a_poll = 4;
    static constexpr int most_polls_of_growth = 16;

    short_mutex mutex_;

    // Apart from the mutex, for which others wait. All of it is guarded by it.
    // The number of items; written under the mutex, and read without it as a hint (relaxed).
    alignas(cache_line) std::atomic<std::size_t> size_{0};
    std::size_t pushing_ = 0;
    std::size_t popping_ = 0;
    std::size_t returnable_ = 0;  // of those that were taken
    std::size_t taken_ = 0;       // and not marked done
    const std::size_t capacity_;
    // false, then true for ever; like size_.
    std::atomic<bool> closed_{false};
    bool discarded_ = false;
    // Whether a wait side may want somebody woken: saves the look at each of them.
    bool wanted_ = false;
    const bool spinning_pays_ = spinning_pays();
    wait_side consumers_;
    wait_side producers_;
    wait_side joiners_;
    std::exception_ptr reason_;
    // How many own the producers' end; acq_rel: what they pushed comes before the close.
    std::atomic<std::size_t> owners_{0};
};

// The way to the core of a queue, for what works on any of them.
struct queue_access {
    template <class Queue>
    static queue_core& core(Queue& queue) noexcept {
        return queue.store_;
    }
};

}  // namespace detail
}  // namespace tandem
