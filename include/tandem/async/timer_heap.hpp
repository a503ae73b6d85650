// SPDX-License-Identifier: BSL-1.0
// tandem/async/timer_heap.hpp: what is to happen at some time, the earliest first.        level 3
#pragma once

#include <tandem/core/deadline.hpp>
#include <tandem/coroutine/chain.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tandem::detail {

// Something that is to happen at a time. Knows its place in the heap, so that it leaves it fast.
// Most of them end a sleep, so it is an operation; one that is not never suspends a chain.
class timer : public operation {
   public:
    bool armed() const noexcept { return place_ != nowhere; }

   protected:
    ~timer() = default;

   private:
    friend class timer_heap;
    virtual void expire() noexcept = 0;
    // The loop ends, and lets it go; it is disarmed.
    virtual void drop() noexcept {}

    static constexpr std::uint32_t nowhere = UINT32_MAX;
    void cancel() noexcept override {}
    void describe(await_tree& tree) const override { tree.line("a timer"); }

    std::uint32_t place_ = nowhere;
    std::uint32_t order_ = 0;  // among those of equal time
};

// A heap of timers, of four branches a node: flatter than two, and the four lie side by side.
// Timers of equal time expire in the order in which they were added.
// (Williams, "Algorithm 232: Heapsort", 1964; LaMarca and Ladner, 1996, on the four branches.)
// Thread safety: none. Complexity: O(log n), add() O(1) if the new one is the last to expire.
class timer_heap {
   public:
    using time_point = deadline::clock::time_point;

    bool empty() const noexcept { return entries_.empty(); }
    std::size_t size() const noexcept { return entries_.size(); }
    // When the first one expires, never if there is none.
    time_point next() const noexcept { return empty() ? time_point::max() : entries_[0].at; }

    // Requires: it is not armed. Throws: std::bad_alloc.
    void add(timer& added, time_point at) {
        added.order_ = ++last_order_;
        entries_.push_back({at, &added});
        rise(entries_.size() - 1, {at, &added});
    }
    // Requires: it is armed, here.
    void remove(timer& removed) noexcept {
        const std::size_t hole = removed.place_;
        removed.place_ = timer::nowhere;
        const entry last = entries_.back();
        entries_.pop_back();
        if (hole == entries_.size()) return shrink();
        if (hole != 0 && before(last, entries_[(hole - 1) / branches])) {
            rise(hole, last);
        } else {
            sink(hole, last);
        }
        shrink();
    }
    void drop_all() noexcept {
        while (!empty()) {
            timer& first = *entries_[0].what;
            remove(first);
            first.drop();
        }
    }
    // Lets those expire whose time is not after `now` and which were there when it was called.
    // Returns: whether there were any.
    bool expire(time_point now) noexcept {
        const std::uint32_t until = last_order_;
        bool any = false;
        while (!empty() && entries_[0].at <= now && !later(entries_[0].what->order_, until)) {
            timer& first = *entries_[0].what;
            remove(first);
            first.expire();
            any = true;
        }
        return any;
    }

   private:
    static constexpr std::size_t branches = 4;

    struct entry {
        time_point at;
        timer* what;
    };

    // The counter may wrap while timers are armed, but not by half.
    static bool later(std::uint32_t a, std::uint32_t b) noexcept {
        return static_cast<std::int32_t>(a - b) > 0;
    }
    static bool before(const entry& a, const entry& b) noexcept {
        return a.at < b.at || (a.at == b.at && later(b.what->order_, a.what->order_));
    }
    void put(std::size_t at, const entry& what) noexcept {
        entries_[at] = what;
        what.what->place_ = static_cast<std::uint32_t>(at);
    }
    // `what` belongs at the hole or nearer to the top.
    void rise(std::size_t hole, entry what) noexcept {
        while (hole != 0) {
            const std::size_t parent = (hole - 1) / branches;
            if (!before(what, entries_[parent])) break;
            put(hole, entries_[parent]);
            hole = parent;
        }
        put(hole, what);
    }
    // `what` belongs at the hole or farther from the top.
    void sink(std::size_t hole, entry what) noexcept {
        const std::size_t count = entries_.size();
        for (;;) {
            std::size_t child = branches * hole + 1;
            if (child >= count) break;
            const std::size_t end = child + branches < count ? child + branches : count;
            std::size_t least = child;
            while (++child < end) {
                if (before(entries_[child], entries_[least])) least = child;
            }
            if (!before(entries_[least], what)) break;
            put(hole, entries_[least]);
            hole = least;
        }
        put(hole, what);
    }
    // Gives the memory of a crowd back when it is gone.
    void shrink() noexcept {
        if (entries_.empty() && entries_.capacity() > 4096) std::vector<entry>().swap(entries_);
    }

    std::vector<entry> entries_;
    std::uint32_t last_order_ = 0;
};

// How long to wait: not less than no time; `forever` if it does not fit.
template <class Rep, class Period>
std::chrono::nanoseconds in_nanoseconds(std::chrono::duration<Rep, Period> time) {
    const std::chrono::duration<double> seconds = time;
    if (!(seconds < std::chrono::duration<double>(9e9))) return forever;
    if (!(time > time.zero())) return std::chrono::nanoseconds::zero();
    return std::chrono::ceil<std::chrono::nanoseconds>(time);
}

}  // namespace tandem::detail
