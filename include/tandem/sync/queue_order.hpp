// SPDX-License-Identifier: BSL-1.0
// tandem/sync/queue_order.hpp: which item of a queue comes out next.        level 1
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace tandem {

/// The oldest item first. Python: queue.Queue.
struct fifo {};
/// The newest item first. Python: queue.LifoQueue.
struct lifo {};
/// The smallest item first, those that are equal in the order they were pushed. Compare is called
/// in the short critical section of the queue, which it must not use. Python: queue.PriorityQueue.
template <class Compare = std::less<>>
struct priority {};

namespace detail {

// The three orders have the same members. A Cell is moved under the queue's mutex, which cannot
// throw. reserve() allocates, push() then does not. pop() gives an entry, which unpop() puts back
// to where it was, without allocating. for_each() visits the cells in no particular order.

// A ring, with its own memory since std::deque allocates while it works.
template <class Cell, class Allocator>
class fifo_order {
    using traits = std::allocator_traits<Allocator>::template rebind_traits<Cell>;
    using allocator = traits::allocator_type;
    static_assert(std::is_same_v<typename traits::pointer, Cell*>, "no fancy pointers");

   public:
    using entry = Cell;

    explicit fifo_order(const Allocator& a) noexcept : allocator_(a) {}
    fifo_order(fifo_order&& other) noexcept
        : allocator_(other.allocator_),
          cells_(std::exchange(other.cells_, nullptr)),
          capacity_(std::exchange(other.capacity_, 0)),
          head_(std::exchange(other.head_, 0)),
          count_(std::exchange(other.count_, 0)) {}
    fifo_order& operator=(fifo_order&&) = delete;
    ~fifo_order() {
        while (count_ != 0) pop();
        if (cells_) traits::deallocate(allocator_, cells_, capacity_);
    }

    std::size_t capacity() const noexcept { return capacity_; }
    void reserve(std::size_t capacity) {
        if (capacity <= capacity_) return;
        Cell* const cells = traits::allocate(allocator_, capacity);
        const std::size_t count = count_;
        for (std::size_t i = 0; i < count; ++i) ::new (static_cast<void*>(cells + i)) Cell(pop());
        if (cells_) traits::deallocate(allocator_, cells_, capacity_);
        cells_ = cells;
        capacity_ = capacity;
        head_ = 0;
        count_ = count;
    }

    template <class Value>
    void push(Value&& value) noexcept {
        ::new (static_cast<void*>(at(count_))) Cell(std::forward<Value>(value));
        ++count_;
    }
    entry pop() noexcept {
        Cell& front = cells_[head_];
        Cell taken(std::move(front));
        std::destroy_at(&front);
        head_ = head_ + 1 == capacity_ ? 0 : head_ + 1;
        --count_;
        return taken;
    }
    void unpop(entry&& taken) noexcept {
        head_ = (head_ == 0 ? capacity_ : head_) - 1;
        ::new (static_cast<void*>(at(0))) Cell(std::move(taken));
        ++count_;
    }
    static Cell& cell(entry& taken) noexcept { return taken; }
    template <class F>
    void for_each(F f) {
        for (std::size_t i = 0; i < count_; ++i) f(*at(i));
    }

   private:
    Cell* at(std::size_t offset) noexcept {
        const std::size_t room_behind = capacity_ - head_;
        return cells_ + (offset < room_behind ? head_ + offset : offset - room_behind);
    }

    [[no_unique_address]] allocator allocator_;
    Cell* cells_ = nullptr;  // raw memory for capacity_ cells
    std::size_t capacity_ = 0;
    std::size_t head_ = 0;  // the oldest of
    std::size_t count_ = 0;
};

template <class Cell, class Allocator>
class lifo_order {
   public:
    struct entry {  // not a bare Cell: a vector of bool is none
        Cell value;
    };

    explicit lifo_order(const Allocator& a) : entries_(allocator(a)) {}

    std::size_t capacity() const noexcept { return entries_.capacity(); }
    void reserve(std::size_t capacity) { entries_.reserve(capacity); }
    template <class Value>
    void push(Value&& value) noexcept {
        entries_.push_back(entry{std::forward<Value>(value)});
    }
    entry pop() noexcept {
        entry taken = std::move(entries_.back());
        entries_.pop_back();
        return taken;
    }
    void unpop(entry&& taken) noexcept { entries_.push_back(std::move(taken)); }
    static Cell& cell(entry& taken) noexcept { return taken.value; }
    template <class F>
    void for_each(F f) {
        for (auto& one : entries_) f(one.value);
    }

   private:
    using allocator = std::allocator_traits<Allocator>::template rebind_alloc<entry>;
    std::vector<entry, allocator> entries_;
};

// A binary heap. Compare may throw: each change finds its way by comparing only, and then moves.
// Value turns a cell into what is compared.
template <class Cell, class Allocator, class Compare, class Value>
class priority_order {
   public:
    struct entry {
        Cell value;
        std::uint64_t number;  // the ties' order
    };

    explicit priority_order(const Allocator& a) : entries_(allocator(a)) {}

    std::size_t capacity() const noexcept { return entries_.capacity(); }
    void reserve(std::size_t capacity) { entries_.reserve(capacity); }
    template <class Given>
    void push(Given&& given) {
        insert(Value::of(given), next_, [&] { return entry{std::forward<Given>(given), next_}; });
        ++next_;
    }
    entry pop() {
        const std::size_t last = entries_.size() - 1;
        std::size_t path[64];  // as many levels as an address has bits
        int levels = 0;
        for (std::size_t at = 0, child; (child = 2 * at + 1) < last; at = child) {
            if (child + 1 < last && before(child + 1, child)) ++child;
            if (!before(child, last)) break;
            path[levels++] = child;
        }
        entry taken = std::move(entries_.front());
        std::size_t hole = 0;
        for (int i = 0; i < levels; hole = path[i++]) {
            entries_[hole] = std::move(entries_[path[i]]);
        }
        if (hole != last) entries_[hole] = std::move(entries_[last]);
        entries_.pop_back();
        return taken;
    }
    void unpop(entry&& taken) {
        insert(Value::of(taken.value), taken.number, [&] { return std::move(taken); });
    }
    static Cell& cell(entry& taken) noexcept { return taken.value; }
    template <class F>
    void for_each(F f) {
        for (auto& one : entries_) f(one.value);
    }

   private:
    using allocator = std::allocator_traits<Allocator>::template rebind_alloc<entry>;

    template <class T>
    bool before(const T& left, std::uint64_t number, const entry& right) const {
        const auto& other = Value::of(right.value);
        if (compare_(left, other)) return true;
        return number < right.number && !compare_(other, left);
    }
    bool before(std::size_t left, std::size_t right) const {
        return before(Value::of(entries_[left].value), entries_[left].number, entries_[right]);
    }
    template <class T, class Make>
    void insert(const T& value, std::uint64_t number, Make make) {
        std::size_t to = entries_.size();
        while (to != 0 && before(value, number, entries_[(to - 1) / 2])) to = (to - 1) / 2;
        std::size_t hole = entries_.size();
        entries_.push_back(make());
        if (hole == to) return;
        entry added = std::move(entries_.back());
        for (; hole != to; hole = (hole - 1) / 2) {
            entries_[hole] = std::move(entries_[(hole - 1) / 2]);
        }
        entries_[to] = std::move(added);
    }

    std::vector<entry, allocator> entries_;
    std::uint64_t next_ = 0;
    [[no_unique_address]] Compare compare_;
};

template <class Order, class Cell, class Allocator, class Value>
struct order_of;
template <class Cell, class Allocator, class Value>
struct order_of<fifo, Cell, Allocator, Value> {
    using type = fifo_order<Cell, Allocator>;
};
template <class Cell, class Allocator, class Value>
struct order_of<lifo, Cell, Allocator, Value> {
    using type = lifo_order<Cell, Allocator>;
};
template <class Compare, class Cell, class Allocator, class Value>
struct order_of<priority<Compare>, Cell, Allocator, Value> {
    using type = priority_order<Cell, Allocator, Compare, Value>;
};

}  // namespace detail
}  // namespace tandem
