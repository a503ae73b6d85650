// SPDX-License-Identifier: BSL-1.0
// tandem/pool/stop_watch.hpp: sets the stop_token of the call that a worker runs, when asked to.        level 3
#pragma once

#include <tandem/core/parker.hpp>
#include <tandem/ipc/transport.hpp>

#include <atomic>
#include <climits>
#include <cstdint>
#include <mutex>
#include <stop_token>
#include <system_error>
#include <thread>

#include <pthread.h>
#include <signal.h>

namespace tandem::detail {

// The pool's end: asks the worker to stop that call. What the worker makes of it is its affair.
inline void ask_to_stop(channel_memory& memory, std::uint64_t call) noexcept {
    memory.stop.store(call, std::memory_order_seq_cst);
    memory.stops.fetch_add(1, std::memory_order_seq_cst);
    unpark_shared(memory.stops, INT_MAX);
}

// The worker's end: a thread that sleeps until the pool asks for something, since the worker's own
// is in the call. It starts with the first call that can be stopped.
// Thread safety: begin() and end() belong to the worker's thread.
class stop_watch {
   public:
    explicit stop_watch(channel_memory& memory) noexcept : memory_(memory) {}
    stop_watch(const stop_watch&) = delete;
    stop_watch& operator=(const stop_watch&) = delete;
    ~stop_watch() {
        if (!thread_.joinable()) return;
        leaving_.store(true, std::memory_order_seq_cst);
        memory_.stops.fetch_add(1, std::memory_order_seq_cst);
        unpark_shared(memory_.stops, INT_MAX);
        thread_.join();
    }

    // The stop_token for a call that has begun.
    std::stop_token begin(std::uint64_t call) {
        if (!thread_.joinable()) start();
        std::stop_source fresh;
        {
            std::lock_guard hold(mutex_);
            running_ = call;
            source_ = fresh;
        }
        // The request may have come between the beginning and this.
        if (memory_.stop.load(std::memory_order_seq_cst) == call) fresh.request_stop();
        return fresh.get_token();
    }
    void end() noexcept {
        std::lock_guard hold(mutex_);
        running_ = none;
    }

   private:
    static constexpr std::uint64_t none = ~std::uint64_t{0};

    // Signals are for the worker's own thread. Without a thread nothing is ever asked to stop.
    void start() noexcept {
        sigset_t all;
        sigset_t before;
        sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before);
        try {
            thread_ = std::thread([this] { watch(); });
        } catch (const std::system_error&) {
        }
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
    void watch() noexcept {
        for (;;) {
            const auto seen = memory_.stops.load(std::memory_order_seq_cst);
            if (leaving_.load(std::memory_order_seq_cst)) return;
            std::stop_source asked(std::nostopstate);
            {
                std::lock_guard hold(mutex_);
                if (memory_.stop.load(std::memory_order_seq_cst) == running_) asked = source_;
            }
            asked.request_stop();  // calls the task's callbacks: not under the lock
            park_shared(memory_.stops, seen);
        }
    }

    channel_memory& memory_;
    std::mutex mutex_;  // guards the next two
    std::uint64_t running_ = none;
    std::stop_source source_{std::nostopstate};
    std::atomic<bool> leaving_{false};  // set by the destructor; the watch looks after each wake-up
    std::thread thread_;
};

}  // namespace tandem::detail
