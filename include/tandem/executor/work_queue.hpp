// SPDX-License-Identifier: BSL-1.0
// tandem/executor/work_queue.hpp: the jobs that come from outside a pool, oldest first.        level 2
#pragma once

#include <tandem/executor/job.hpp>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

namespace tandem::detail {

// Jobs, oldest first. Waiters make calls themselves and cancels end them: such a job stays, without
// calls, until it is seen.
// Thread safety: used by one thread at a time, under its owner's mutex, except pushed() and
// empty().
class work_queue {
   public:
    // What was taken out without having been begun. Letting go runs the user's destructors, which
    // is for when the mutex is free.
    using removed = std::vector<job*>;

    explicit work_queue(std::size_t capacity) noexcept : capacity_(capacity) {}

    // Adds a job, as often as it may be taken. Returns false, and leaves it alone, if it counts
    // against the capacity and there is no room. Throws: std::bad_alloc, nothing is then added.
    bool push(job* item, std::size_t places, bool counted, removed& out) {
        if (counted && counted_ >= capacity_) {
            // A long queue is not looked through for every submitter that finds it full.
            const auto left = calls_left_.load(std::memory_order_seq_cst);
            if (left != calls_left_seen_) {
                drop_empty(out);
                calls_left_seen_ = left;
            }
            if (counted_ >= capacity_) return false;
        }
        if (size_ + places > entries_.size()) make_room(places, out);
        for (std::size_t i = 0; i < places; ++i) at(size_++) = {item, counted};
        counted_ += counted ? places : 0U;
        pushed_.store(pushed() + places, std::memory_order_seq_cst);
        return true;
    }

    // Takes up to `most` jobs, the oldest first. Returns how many.
    std::size_t take(job** out, std::size_t most) noexcept {
        const auto count = std::min(most, size_);
        for (std::size_t i = 0; i < count; ++i) {
            const auto& item = at(i);
            counted_ -= item.counted ? 1U : 0U;
            out[i] = item.calls;
        }
        first_ = (first_ + count) & (entries_.size() - 1);
        size_ -= count;
        taken_.store(taken_.load(std::memory_order_relaxed) + count, std::memory_order_seq_cst);
        return count;
    }

    // Takes out the jobs without calls. Throws: std::bad_alloc, none is then taken.
    void drop_empty(removed& out) {
        std::size_t empty = 0;
        for (std::size_t i = 0; i < size_; ++i) empty += at(i).calls->waiting() == 0 ? 1U : 0U;
        out.reserve(out.size() + empty);
        std::size_t kept = 0;
        for (std::size_t i = 0; i < size_; ++i) {
            const auto item = at(i);
            if (out.size() == out.capacity() || item.calls->waiting() != 0) {
                at(kept++) = item;
            } else {
                counted_ -= item.counted ? 1U : 0U;
                out.push_back(item.calls);
            }
        }
        taken_.store(taken_.load(std::memory_order_relaxed) + size_ - kept,
                     std::memory_order_seq_cst);
        size_ = kept;
    }

    // For any thread: a call that counts against the capacity has ended, or begun, where it was.
    // Whoever waits for room is told afterwards.
    void call_left() noexcept { calls_left_.fetch_add(1, std::memory_order_seq_cst); }

    std::size_t size() const noexcept { return size_; }
    // How many calls wait.
    std::size_t waiting() const {
        std::size_t calls = 0;
        std::vector<const job*> seen;  // several threads may be wanted for one
        for (std::size_t i = 0; i < size_; ++i) {
            if (const job* const item = at(i).calls; seen.empty() || item != seen.back()) {
                seen.push_back(item);
            }
        }
        std::ranges::sort(seen);
        const auto repeated = std::ranges::unique(seen);
        seen.erase(repeated.begin(), repeated.end());
        for (const job* const item : seen) calls += item->waiting();
        return calls;
    }

    // For any thread, seq_cst: how many jobs came in ever, and whether none is here.
    std::size_t pushed() const noexcept { return pushed_.load(std::memory_order_seq_cst); }
    bool empty() const noexcept {
        // Taken first: what is taken was pushed before, so no job is overlooked.
        const auto taken = taken_.load(std::memory_order_seq_cst);
        return taken == pushed();
    }

   private:
    struct entry {
        job* calls;
        bool counted;  // against the capacity
    };

    entry& at(std::size_t index) noexcept {
        return entries_[(first_ + index) & (entries_.size() - 1)];
    }
    const entry& at(std::size_t index) const noexcept {
        return entries_[(first_ + index) & (entries_.size() - 1)];
    }
    // Looked through when it is full: what was cancelled does not pile up, at no cost for the rest.
    void make_room(std::size_t places, removed& out) {
        drop_empty(out);
        if ((size_ + places) * 2 <= entries_.size()) return;
        std::vector<entry> larger(std::bit_ceil(std::max<std::size_t>(64, (size_ + places) * 2)));
        for (std::size_t i = 0; i < size_; ++i) larger[i] = at(i);
        entries_.swap(larger);
        first_ = 0;
    }

    const std::size_t capacity_;
    std::vector<entry> entries_;  // a ring: its size is 0 or a power of two
    std::size_t first_ = 0;
    std::size_t size_ = 0;
    std::size_t counted_ = 0;  // entries that count against the capacity
    // How often call_left() was called; by anybody. seq_cst: see wait_point. And how often it had
    // been when the queue was last looked through.
    std::atomic<std::size_t> calls_left_{0};
    std::size_t calls_left_seen_ = 0;
    // How many jobs ever came in, and left. Written under the owner's mutex; read by whoever looks
    // for work, or whether there is none left (seq_cst: see basic_sleepers).
    std::atomic<std::size_t> pushed_{0};
    std::atomic<std::size_t> taken_{0};
};

}  // namespace tandem::detail
