// SPDX-License-Identifier: BSL-1.0
// tandem/executor/work_queue.hpp: the works that wait for threads, oldest first.        level 2
#pragma once

#include <tandem/executor/work.hpp>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <utility>
#include <vector>

namespace tandem::detail {

// Works, oldest first. One stays in front until as many threads pull from it as it can use. Waiters
// make calls themselves and cancels end them: such a work stays as an empty entry until it is seen.
// Thread safety: used by one thread at a time, under its owner's mutex.
class work_queue {
   public:
    // What was taken out. Destructors are the user's: it is let go when the mutex is free.
    using removed = std::vector<ref<work>>;

    explicit work_queue(std::size_t capacity) noexcept : capacity_(capacity) {}

    // Adds a work for up to `threads` threads. Returns false, and leaves it alone, if it counts
    // against the capacity and there is no room.
    bool push(ref<work>& calls, std::size_t threads, bool counted, removed& out) {
        if (counted && counted_ >= capacity_) {
            drop_empty_everywhere(out);
            if (counted_ >= capacity_) return false;
        } else {
            drop_empty_at_back(out);
        }
        works_.push_back({std::move(calls), threads, counted});
        counted_ += counted ? 1U : 0U;
        return true;
    }

    // A place at the first work that has calls; null if there is none.
    ref<work> take(removed& out) {
        ref<work> found;
        while (!works_.empty() && !found) {
            auto& front = works_.front();
            const bool empty = front.calls->unclaimed() == 0;
            if (!empty) found = front.calls;
            if (empty || --front.threads == 0) {
                remove(front, out);
                works_.pop_front();
            }
        }
        return found;
    }

    // Takes the empty entries out at the front; the queue is then empty or has calls.
    void drop_empty_at_front(removed& out) {
        while (!works_.empty() && is_empty(works_.front())) {
            remove(works_.front(), out);
            works_.pop_front();
        }
    }

    // Takes out all.
    removed clear() {
        removed all;
        for (auto& item : works_) remove(item, all);
        works_.clear();
        return all;
    }

    bool empty() const noexcept { return works_.empty(); }

    // How many calls wait.
    std::size_t unclaimed() const {
        std::size_t calls = 0;
        std::vector<const work*> seen;  // a lazy map may be there several times
        for (const auto& item : works_) {
            if (std::ranges::find(seen, item.calls.get()) != seen.end()) continue;
            seen.push_back(item.calls.get());
            calls += item.calls->unclaimed();
        }
        return calls;
    }

   private:
    struct entry {
        ref<work> calls;
        std::size_t threads;  // how many more may pull from it
        bool counted;         // against the capacity
    };

    static bool is_empty(const entry& item) noexcept { return item.calls->unclaimed() == 0; }
    void remove(entry& item, removed& out) {
        counted_ -= item.counted ? 1U : 0U;
        out.push_back(std::move(item.calls));
    }
    // What a long task submits and waits for is at the back: this keeps it from piling up there.
    void drop_empty_at_back(removed& out) {
        while (!works_.empty() && is_empty(works_.back())) {
            remove(works_.back(), out);
            works_.pop_back();
        }
    }
    void drop_empty_everywhere(removed& out) {
        auto end = works_.begin();
        for (auto& item : works_) {
            if (is_empty(item)) {
                remove(item, out);
            } else {
                std::swap(*end++, item);
            }
        }
        works_.erase(end, works_.end());
    }

    const std::size_t capacity_;
    std::deque<entry> works_;
    std::size_t counted_ = 0;  // entries that count against the capacity
};

}  // namespace tandem::detail
