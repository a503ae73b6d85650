// SPDX-License-Identifier: BSL-1.0
// tandem/executor/pool_worker.hpp: what one thread of a pool has of its own.        level 2
#pragma once

#include <tandem/core/config.hpp>
#include <tandem/executor/job.hpp>
#include <tandem/executor/running_calls.hpp>
#include <tandem/executor/steal_deque.hpp>
#include <tandem/future/spinner.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace tandem::detail {

// The second call of a fork_join, if another thread makes it.
class fork {
   public:
    virtual void run_stolen() noexcept = 0;

   protected:
    ~fork() = default;
};

// A count that one thread raises and others read.
class own_count {
   public:
    void add(std::size_t count) noexcept {
        // release: whoever sees the count sees what was done before; no exchange, for one writer.
        count_.store(count_.load(std::memory_order_relaxed) + count, std::memory_order_release);
    }
    std::size_t get() const noexcept { return count_.load(std::memory_order_seq_cst); }
    // Puts the count in the order of all seq_cst operations, before what this thread does next.
    void publish() noexcept {
        count_.store(count_.load(std::memory_order_relaxed), std::memory_order_seq_cst);
    }

   private:
    std::atomic<std::size_t> count_{0};
};

// One thread of a pool: its queues, which others steal from, and its counts, which others add up.
// So no task has to touch what all threads share.
struct alignas(cache_line) pool_worker {
    pool_worker(const executor_context& owner, std::uint32_t index)
        : pool(owner), number(index), random(index * 2654435761U + 1) {}

    // The worker that the calling thread is; null in others.
    static pool_worker*& current() noexcept { return current_; }

    // xorshift32 (Marsaglia, 2003): where to look for work first.
    std::uint32_t next_random() noexcept {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        return random;
    }

    const executor_context& pool;  // whose address it is that counts
    const std::size_t number;
    steal_deque<fork> forks;
    steal_deque<job> tasks;  // what this thread's own calls submitted: the newest first
    steal_deque<job> inbox;  // what it took from the pool's queue: the oldest first
    running_calls running;

    // Jobs put into `tasks`, jobs of whatever queue that this thread is done with; calls made.
    own_count submitted;
    own_count finished;
    own_count done;
    own_count failed;

    // The thread's only.
    spinner search;
    std::uint32_t random;
    std::uint32_t turn = 0;

   private:
    static inline thread_local constinit pool_worker* current_ = nullptr;
};

}  // namespace tandem::detail
