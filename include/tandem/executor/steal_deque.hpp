// SPDX-License-Identifier: BSL-1.0
// tandem/executor/steal_deque.hpp: a thread's own stack of jobs, from whose other end others steal.        level 2
#pragma once

#include <tandem/core/config.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace tandem::detail {

// Pointers to T: the owner pushes and pops at the bottom, anybody steals at the top. Nothing waits.
// (Chase and Lev, "Dynamic circular work-stealing deque", SPAA 2005, with the orderings of Lê, Pop,
// Cohen and Zappa Nardelli, PPoPP 2013; their fences are sequentially consistent operations here,
// which ThreadSanitizer understands.)
//
// Thread safety: push() and pop() belong to the owner's thread, the rest is for everybody.
// Atomic is std::atomic, or what a test puts in its place to choose the interleaving.
template <class T, template <class> class Atomic = std::atomic>
class steal_deque {
   public:
    explicit steal_deque(std::size_t capacity = 256) {
        arrays_.push_back(std::make_unique<array>(capacity));
        array_.store(arrays_.back().get(), std::memory_order_relaxed);
    }
    steal_deque(const steal_deque&) = delete;
    steal_deque& operator=(const steal_deque&) = delete;

    // Throws: std::bad_alloc when it has to grow; the deque is then as it was.
    void push(T* item) {
        const auto bottom = bottom_.load(std::memory_order_relaxed);  // ours
        // acquire: a place that a thief has emptied is used again after it was read.
        const auto top = top_.load(std::memory_order_acquire);
        auto* items = array_.load(std::memory_order_relaxed);  // ours
        if (bottom - top >= items->size()) items = grow(top, bottom);
        items->put(bottom, item);
        // release: the item and its contents come before it can be seen. seq_cst: so that whoever
        // looks for sleepers next cannot miss one that looked here in vain.
        bottom_.store(bottom + 1, std::memory_order_seq_cst);
    }

    // The newest; null if there is none.
    T* pop() noexcept {
        const auto bottom = bottom_.load(std::memory_order_relaxed) - 1;  // ours
        auto* const items = array_.load(std::memory_order_relaxed);       // ours
        // seq_cst, and steal() the other way round: of an owner that takes the item at `bottom`
        // without asking and a thief that takes the same one, at least one sees the other.
        bottom_.store(bottom, std::memory_order_seq_cst);
        auto top = top_.load(std::memory_order_seq_cst);
        if (top < bottom) return items->get(bottom);
        T* item = nullptr;
        // The last one is taken as a thief takes it.
        if (top == bottom && top_.compare_exchange_strong(top, top + 1, std::memory_order_seq_cst,
                                                          std::memory_order_relaxed)) {
            item = items->get(bottom);
        }
        bottom_.store(bottom + 1, std::memory_order_release);
        return item;
    }

    // For the owner: the newest if it is there, else anything that ever was. Costs two loads.
    T* newest() const noexcept {
        const auto bottom = bottom_.load(std::memory_order_relaxed);
        return array_.load(std::memory_order_relaxed)->get(bottom - 1);
    }

    // The oldest; null if there is none.
    T* steal() noexcept {
        for (;;) {
            auto top = top_.load(std::memory_order_seq_cst);
            const auto bottom = bottom_.load(std::memory_order_seq_cst);
            if (top >= bottom) return nullptr;
            // acquire: the array's contents, copied from the one before. It may be an old one: that
            // still has the item, unless another thief has taken it, which the exchange tells.
            T* const item = array_.load(std::memory_order_acquire)->get(top);
            if (top_.compare_exchange_strong(top, top + 1, std::memory_order_seq_cst,
                                             std::memory_order_relaxed)) {
                return item;
            }
        }
    }

    // How many there are; a hint, but never 0 for an item that was pushed before, in the order of
    // all seq_cst operations, and is still there.
    std::size_t size() const noexcept {
        const auto top = top_.load(std::memory_order_seq_cst);
        const auto bottom = bottom_.load(std::memory_order_seq_cst);
        return bottom > top ? static_cast<std::size_t>(bottom - top) : 0;
    }

   private:
    // A ring of a power of two of places.
    class array {
       public:
        explicit array(std::size_t size) : places_(std::make_unique<Atomic<T*>[]>(size)) {
            mask_ = static_cast<std::int64_t>(size) - 1;
        }
        std::int64_t size() const noexcept { return mask_ + 1; }
        // relaxed: ordered by bottom_, top_ and array_.
        void put(std::int64_t at, T* item) noexcept {
            place(at).store(item, std::memory_order_relaxed);
        }
        T* get(std::int64_t at) const noexcept { return place(at).load(std::memory_order_relaxed); }

       private:
        Atomic<T*>& place(std::int64_t at) const noexcept {
            return places_[static_cast<std::size_t>(at & mask_)];
        }
        std::unique_ptr<Atomic<T*>[]> places_;
        std::int64_t mask_;
    };

    // Thieves may still read the old array, which stays until the end: all old ones together are
    // smaller than the one in use.
    array* grow(std::int64_t top, std::int64_t bottom) {
        const auto* const old = arrays_.back().get();
        auto larger = std::make_unique<array>(static_cast<std::size_t>(old->size()) * 2);
        for (auto at = top; at < bottom; ++at) larger->put(at, old->get(at));
        arrays_.push_back(std::move(larger));
        array_.store(arrays_.back().get(), std::memory_order_release);
        return arrays_.back().get();
    }

    // Items are at [top_, bottom_). Rises by one for each item that is stolen, or popped as the
    // last. Written by everybody, by exchange.
    alignas(cache_line) Atomic<std::int64_t> top_{0};
    // Written by the owner. One less than it should be while pop() looks for thieves.
    alignas(cache_line) Atomic<std::int64_t> bottom_{0};
    // The array in use. Written by the owner, released with its contents.
    Atomic<array*> array_{nullptr};
    std::vector<std::unique_ptr<array>> arrays_;  // the owner's: all there were, the last in use
};

}  // namespace tandem::detail
