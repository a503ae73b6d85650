// SPDX-License-Identifier: BSL-1.0
// tandem/executor/running_calls.hpp: which calls a thread is in: for statistics and for terminate().        level 2
#pragma once

#include <tandem/core/config.hpp>
#include <tandem/executor/pool_stats.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#if TANDEM_LINUX
#include <time.h>
#endif

namespace tandem::detail {

class work;

// A time for statistics: some milliseconds coarse, and so cheap that each call can ask for it.
inline std::int64_t coarse_now_ns() noexcept {
#if TANDEM_LINUX
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
#else
    return std::chrono::steady_clock::now().time_since_epoch().count();
#endif
}

// The calls of one thread, one inside the other; or, of all threads that only take part in a map,
// the works they pull from.
class running_calls {
   public:
    // A work whose calls can be asked to stop, while a thread pulls from it.
    class pulling {
       public:
        pulling(running_calls& list, work& calls) noexcept : calls_(calls), list_(list) {
            const std::lock_guard hold(list_.mutex_);
            open_ = !list_.closed_;
            next_ = std::exchange(list_.first_, this);
        }
        pulling(const pulling&) = delete;
        pulling& operator=(const pulling&) = delete;
        ~pulling() {
            const std::lock_guard hold(list_.mutex_);
            pulling** at = &list_.first_;
            while (*at != this) at = &(*at)->next_;
            *at = next_;
        }
        // False: the pool was terminated before, and nobody will ask.
        bool open() const noexcept { return open_; }

       private:
        friend running_calls;
        work& calls_;
        running_calls& list_;
        const std::int64_t since_ = coarse_now_ns();
        pulling* next_ = nullptr;
        bool open_ = true;
        bool kept_ = false;
    };

    // The owner's thread only: a call begins, or ends.
    void begin() noexcept {
        const auto depth = depth_.load(std::memory_order_relaxed);
        if (depth < timed) since_[depth].store(coarse_now_ns(), std::memory_order_relaxed);
        depth_.store(depth + 1, std::memory_order_relaxed);
    }
    void end() noexcept {
        depth_.store(depth_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
    }

    // How long the calls have been running, the outermost first.
    void append_depths(int pid, std::vector<running_task>& out) const {
        const auto now = coarse_now_ns();
        const auto depth = depth_.load(std::memory_order_relaxed);
        for (std::size_t i = 0; i < depth; ++i) {
            const auto since = since_[i < timed ? i : timed - 1].load(std::memory_order_relaxed);
            out.push_back({pid, std::chrono::nanoseconds(now > since ? now - since : 0)});
        }
    }
    void append_pulling(int pid, std::vector<running_task>& out) const {
        const auto now = coarse_now_ns();
        const std::lock_guard hold(mutex_);
        for (const auto* one = first_; one; one = one->next_) {
            out.push_back({pid, std::chrono::nanoseconds(now - one->since_)});
        }
    }

    // Closes the list: works that come later find it so. Calls `keep(work&)` for one that is pulled
    // from now, which lives while that is called. Returns false when each was kept once.
    template <class Keep>
    bool close(Keep keep) noexcept {
        const std::lock_guard hold(mutex_);
        closed_ = true;
        auto* one = first_;
        while (one && one->kept_) one = one->next_;
        if (!one) return false;
        one->kept_ = true;
        keep(one->calls_);
        return true;
    }

   private:
    static constexpr std::size_t timed = 16;

    // How many calls the thread is in, and since when, down to some depth. Written by the thread
    // for every call, read by others for statistics: each for itself, so relaxed.
    std::atomic<std::size_t> depth_{0};
    std::atomic<std::int64_t> since_[timed] = {};

    mutable std::mutex mutex_;  // guards the rest, and `next_` and `kept_` of the list
    pulling* first_ = nullptr;
    bool closed_ = false;
};

}  // namespace tandem::detail
