// SPDX-License-Identifier: BSL-1.0
// tests/support/counted.hpp: item types and an allocator that count what is done to them.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <utility>

/// What was done to all `counted` objects since reset().
struct counts {
    static inline std::atomic<int> made{0};
    static inline std::atomic<int> destroyed{0};
    static void reset() { made = destroyed = 0; }
    static int alive() { return made - destroyed; }
};

/// Counts itself; a copy or a move throws when it is told to. Has no default constructor.
struct counted {
    explicit counted(int number) : value(number) { ++counts::made; }
    counted(const counted& other) : value(other.value) {
        if (other.throws_on_copy) throw std::runtime_error("copy");
        ++counts::made;
    }
    counted(counted&& other) : value(std::exchange(other.value, -1)) {  // may throw
        if (other.throws_on_move) throw std::runtime_error("move");
        ++counts::made;
    }
    counted& operator=(const counted&) = delete;
    ~counted() { ++counts::destroyed; }

    int value;
    bool throws_on_copy = false;
    bool throws_on_move = false;
};

/// Throws when the item is moved out of the queue, not when it is moved in.
struct breaks_on_the_way_out {
    explicit breaks_on_the_way_out(int number, bool breaks = false)
        : value(number), moves_left(breaks ? 0 : 100) {
        ++counts::made;
    }
    breaks_on_the_way_out(breaks_on_the_way_out&& other)
        : value(other.value), moves_left(other.moves_left - 1) {
        if (moves_left < 0) throw std::runtime_error("moved");
        ++counts::made;
    }
    breaks_on_the_way_out& operator=(breaks_on_the_way_out&& other) {
        if (other.moves_left <= 0) throw std::runtime_error("moved");
        value = other.value;
        moves_left = other.moves_left - 1;
        return *this;
    }
    ~breaks_on_the_way_out() { ++counts::destroyed; }

    int value;
    int moves_left;
};

/// What all counting_allocators did since reset().
struct allocations {
    static inline std::atomic<int> made{0};
    static inline std::atomic<int> freed{0};
    static inline std::atomic<int> constructed{0};
    static inline std::atomic<int> destroyed{0};
    static void reset() { made = freed = constructed = destroyed = 0; }
};

template <class T>
struct counting_allocator {
    using value_type = T;
    counting_allocator() = default;
    template <class U>
    counting_allocator(const counting_allocator<U>&) {}
    T* allocate(std::size_t n) {
        ++allocations::made;
        return std::allocator<T>().allocate(n);
    }
    void deallocate(T* p, std::size_t n) {
        ++allocations::freed;
        std::allocator<T>().deallocate(p, n);
    }
    friend bool operator==(const counting_allocator&, const counting_allocator&) { return true; }
};

/// The same, and it makes and destroys the items itself.
template <class T>
struct constructing_allocator : counting_allocator<T> {
    template <class U>
    struct rebind {
        using other = constructing_allocator<U>;
    };
    constructing_allocator() = default;
    template <class U>
    constructing_allocator(const constructing_allocator<U>&) {}
    template <class U, class... Args>
    void construct(U* p, Args&&... args) {
        ::new (static_cast<void*>(p)) U(std::forward<Args>(args)...);
        ++allocations::constructed;
    }
    template <class U>
    void destroy(U* p) {
        ++allocations::destroyed;
        std::destroy_at(p);
    }
};
