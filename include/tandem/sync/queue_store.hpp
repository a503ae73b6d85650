// SPDX-License-Identifier: BSL-1.0
// tandem/sync/queue_store.hpp: puts items into a queue and takes them out, whatever they throw.        level 1
#pragma once

#include <tandem/core/config.hpp>
#include <tandem/sync/queue_cells.hpp>
#include <tandem/sync/queue_core.hpp>
#include <tandem/sync/queue_order.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <exception>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

namespace tandem::detail {

// Items that move quietly are themselves the cells of the order, and move under the mutex. Of the
// others the order holds slots: making one, and moving it out, happens between two short locks.
//
// Thread safety: as queue_core. put() and take() get the mutex locked and leave it unlocked.
template <class T, class Order, class Allocator>
class queue_store : public queue_core {
    static constexpr bool quiet = moves_quietly<T, Allocator>;

    using slot_type = slot<T>;
    using cell = std::conditional_t<quiet, T, slot_type*>;
    struct value_of_cell {
        static const T& of(const T& value)
            requires quiet
        {
            return value;
        }
        static const T& of(slot_type* const& held)
            requires(!quiet)
        {
            return held->value;
        }
    };
    using order = order_of<Order, cell, Allocator, value_of_cell>::type;
    using entry = order::entry;
    struct no_slots {
        no_slots(std::size_t, const Allocator&) noexcept {}
    };

   public:
    using lock_type = std::unique_lock<queue_core>;

    queue_store(std::size_t capacity, const Allocator& allocator)
        : queue_core(capacity), order_(allocator), slots_(capacity, allocator) {
        if (capacity != unbounded) order_.reserve(capacity);
    }
    queue_store(const queue_store&) = delete;
    queue_store& operator=(const queue_store&) = delete;
    ~queue_store() { drop(order_); }

    // Whether an item made from `args...` can be made under the mutex.
    template <class... Args>
    static constexpr bool direct = quiet && is_copied_quietly<T, Args...>;

    // Requires: room. Throws: what making the item throws; nothing has changed then.
    template <class... Args>
    void put(lock_type& hold, Args&&... args) {
        make_space();
        if constexpr (direct<Args...>) {
            order_.push(std::forward<Args>(args)...);
            add_items(1);
            hold.unlock();
        } else if constexpr (quiet) {
            push_in_progress pushing(*this, hold);
            T made(std::forward<Args>(args)...);
            pushing.finish(hold, std::move(made));
        } else {
            slot_in_progress pushing(*this, hold);
            pushing.make(std::forward<Args>(args)...);
            pushing.finish(hold);
        }
    }

    // Makes as many items as there is room for, up to `count`, of those at `from`; keeps the lock.
    template <class Given, class Element>
    std::size_t put_some(Element*& from, std::size_t count) {
        const std::size_t some = std::min(count, room());
        if (some == 0) return 0;
        make_space(some);
        if constexpr (noexcept(order_.push(static_cast<Given&&>(*from)))) {
            for (std::size_t i = 0; i < some; ++i) order_.push(static_cast<Given&&>(from[i]));
            from += some;
            add_items(some);
        } else {
            for (std::size_t i = 0; i < some; ++i, ++from) {
                order_.push(static_cast<Given&&>(*from));
                add_items(1);
            }
        }
        return some;
    }

    // Requires: an item. Returns `make(std::move(item))`. If that throws, this item is lost, and
    // counts as done.
    template <class Make>
    auto take(lock_type& hold, Make make) {
        entry next = order_.pop();
        if constexpr (quiet) {
            take_items(1);
            hold.unlock();
            return make(std::move(order::cell(next)));
        } else {
            begin_pop(1);
            hold.unlock();
            const pop_in_progress popping(*this, order::cell(next));
            return make(std::move(order::cell(next)->value));
        }
    }

    // Requires: an item. Writes 1 to `max` of those that are there. An item that cannot be written
    // is lost, and counts as done; those behind it stay in the queue.
    template <class Output>
    std::size_t take_some(lock_type& hold, Output to, std::size_t max) {
        std::size_t count = 0;
        if constexpr (quiet && std::is_trivially_copyable_v<T> && is_plain_output<Output>) {
            if constexpr (noexcept(order_.pop())) {
                count = std::min(max, size());
                for (std::size_t i = 0; i < count; ++i) *to++ = take_cell();
                take_items(count);
            } else {
                while (auto next = pop_unless_late(count, max)) {
                    *to++ = order::cell(*next);
                    take_items(1);
                    ++count;
                }
            }
        } else {
            while (count != max && has_item()) {
                pops_in_progress taken(*this, hold, count, max);
                taken.write(to);
                count += taken.size();
                taken.finish(hold);
                if (taken.size() == 0) break;  // comparing threw
            }
        }
        hold.unlock();
        return count;
    }

    // Closes, and drops what is queued. Without the mutex.
    std::size_t close_and_discard() noexcept {
        lock();
        const std::size_t count = discard();
        order dropped(std::move(order_));
        begin_push();  // keeps the end from being seen, and the queue from being destroyed
        unlock_and_wake_all();
        drop(dropped);
        lock();
        abandon_push();
        unlock_and_wake_all();
        return count;
    }

   private:
    // Writing there runs no code of the user's.
    template <class Output>
    static constexpr bool is_plain_output =
        std::contiguous_iterator<Output> && std::same_as<std::iter_reference_t<Output>, T&>;

    cell take_cell() noexcept {
        entry next = order_.pop();
        return std::move(order::cell(next));
    }

    // Room in the order for `more` than is there and on the way. Grows geometrically.
    void make_space(std::size_t more = 1) {
        if (const auto needed = in_use() + more; needed > order_.capacity()) [[unlikely]] {
            order_.reserve(std::max<std::size_t>({needed, 2 * order_.capacity(), 16}));
        }
    }

    // The next of up to `max` items, of which `count` were popped already. What comparing throws
    // is for the call that has none yet.
    std::optional<entry> pop_unless_late(std::size_t count, std::size_t max) {
        if (count == max || !has_item()) return {};
        try {
            return order_.pop();
        } catch (...) {
            if (count == 0) throw;
            return {};
        }
    }

    // Destroys the items that an order without users holds.
    void drop(order& dropped) noexcept {
        if constexpr (!quiet) {
            dropped.for_each([this](slot_type* held) {
                slots_.destroy(held);
                const std::lock_guard hold(static_cast<queue_core&>(*this));
                slots_.give_back(held);
            });
        }
    }

    // A push that has its room: the mutex is free while this lives, until it is finished.
    class push_in_progress {
       public:
        push_in_progress(queue_store& store, lock_type& hold) noexcept : store_(store) {
            store.begin_push();
            hold.unlock();
        }
        push_in_progress(const push_in_progress&) = delete;
        push_in_progress& operator=(const push_in_progress&) = delete;
        ~push_in_progress() {
            if (finished_) return;
            const std::lock_guard hold(static_cast<queue_core&>(store_));
            store_.abandon_push();
        }
        // Queues the item. Returns false if the queue drops it, for it was closed and discarded
        // meanwhile. Throws: what comparing throws; nothing is queued then.
        bool finish(lock_type& hold, cell&& made) {
            hold.lock();
            // The room is given back when the item is gone: who sees the end may end the queue.
            if (store_.discarded()) return hold.unlock(), false;
            try {
                store_.order_.push(std::move(made));
            } catch (...) {
                hold.unlock();
                throw;
            }
            store_.end_push();
            finished_ = true;
            hold.unlock();
            return true;
        }

       private:
        queue_store& store_;
        bool finished_ = false;
    };

    // The same with a slot. The slot is free again before its room is.
    class slot_in_progress {
       public:
        slot_in_progress(queue_store& store, lock_type& hold)
            : store_(store), held_(store.slots_.take()), pushing_(store, hold) {}
        slot_in_progress(const slot_in_progress&) = delete;
        slot_in_progress& operator=(const slot_in_progress&) = delete;
        ~slot_in_progress() {
            if (!held_) return;
            if (made_) store_.slots_.destroy(held_);
            const std::lock_guard hold(static_cast<queue_core&>(store_));
            store_.slots_.give_back(held_);
        }
        template <class... Args>
        void make(Args&&... args) {
            store_.slots_.construct(held_, std::forward<Args>(args)...);
            made_ = true;
        }
        void finish(lock_type& hold) {
            if (pushing_.finish(hold, cell(held_))) held_ = nullptr;
        }

       private:
        queue_store& store_;
        slot_type* held_;
        bool made_ = false;
        push_in_progress pushing_;
    };

    // An item that is moved out of its slot, without the mutex.
    class pop_in_progress {
       public:
        pop_in_progress(queue_store& store, slot_type* held) noexcept
            : store_(store), held_(held) {}
        pop_in_progress(const pop_in_progress&) = delete;
        pop_in_progress& operator=(const pop_in_progress&) = delete;
        ~pop_in_progress() {
            store_.slots_.destroy(held_);
            const std::lock_guard hold(static_cast<queue_core&>(store_));
            store_.slots_.give_back(held_);
            store_.end_pop(1);
            if (std::uncaught_exceptions() != exceptions_) store_.forget_taken();
        }

       private:
        queue_store& store_;
        slot_type* const held_;
        const int exceptions_ = std::uncaught_exceptions();
    };

    // Several items on their way out, without the mutex.
    class pops_in_progress {
       public:
        // Takes what is there, until `max` are taken with the `before` that were, or there is no
        // more room here.
        pops_in_progress(queue_store& store, lock_type& hold, std::size_t before, std::size_t max)
            : store_(store) {
            max = std::min(max, before + entries_.size());
            while (auto next = store.pop_unless_late(before + count_, max)) {
                entries_[count_++] = std::move(next);
                store.begin_pop(1);
            }
            returnable_ = count_;
            store.begin_return(returnable_);
            hold.unlock();
        }
        pops_in_progress(const pops_in_progress&) = delete;
        pops_in_progress& operator=(const pops_in_progress&) = delete;
        ~pops_in_progress() {
            if (finished_) return;
            destroy(written_ - 1);  // what could not be written
            lock_type hold(store_);
            store_.forget_taken();
            while (count_ != written_ && put_back(*entries_[count_ - 1])) --count_;
            if (count_ != written_) give_up(hold);
            settle();
        }

        std::size_t size() const noexcept { return count_; }
        template <class Output>
        void write(Output& to) {
            while (written_ != count_) {
                auto& next = order::cell(*entries_[written_++]);
                if constexpr (quiet) {
                    *to = std::move(next);
                } else {
                    *to = std::move(next->value);
                }
                ++to;
                destroy(written_ - 1);
            }
        }
        // Takes the mutex again.
        void finish(lock_type& hold) noexcept {
            hold.lock();
            settle();
            finished_ = true;
        }

       private:
        void destroy(std::size_t i) noexcept {
            if constexpr (!quiet) store_.slots_.destroy(order::cell(*entries_[i]));
        }
        bool put_back(entry& taken) noexcept {
            if (store_.discarded()) return false;
            try {
                store_.order_.unpop(std::move(taken));
            } catch (...) {
                return false;  // it cannot be compared a second time
            }
            store_.end_pop(1);
            store_.return_item();
            return true;
        }
        // Drops what cannot be put back.
        void give_up(lock_type& hold) noexcept {
            hold.unlock();
            for (std::size_t i = written_; i != count_; ++i) destroy(i);
            hold.lock();
            for (std::size_t i = written_; i != count_; ++i) store_.forget_taken();
        }
        void settle() noexcept {
            if constexpr (!quiet) {
                for (std::size_t i = 0; i != count_; ++i) {
                    store_.slots_.give_back(order::cell(*entries_[i]));
                }
            }
            store_.end_pop(count_);
            store_.end_return(returnable_);
        }

        queue_store& store_;
        std::array<std::optional<entry>, 32> entries_;
        std::size_t count_ = 0;
        std::size_t written_ = 0;  // of them; the last may have failed
        std::size_t returnable_ = 0;
        bool finished_ = false;
    };

    order order_;
    [[no_unique_address]] std::conditional_t<quiet, no_slots, slots<T, Allocator>> slots_;
};

}  // namespace tandem::detail
