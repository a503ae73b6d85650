// SPDX-License-Identifier: BSL-1.0
// tests/support/within.hpp: makes a test that hangs die loudly.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <source_location>
#include <thread>
#include <utility>

namespace within_detail {

// Aborts the process unless it is destroyed within the limit.
class watchdog {
   public:
    watchdog(std::chrono::seconds limit, const std::source_location& where)
        : until_(std::chrono::steady_clock::now() + limit),
          limit_(limit),
          where_(where),
          thread_([this] { watch(); }) {}
    watchdog(const watchdog&) = delete;
    watchdog& operator=(const watchdog&) = delete;
    ~watchdog() {
        {
            const std::lock_guard hold(mutex_);
            done_ = true;
        }
        changed_.notify_one();
        thread_.join();
    }

   private:
    void watch() {
        std::unique_lock hold(mutex_);
        if (changed_.wait_until(hold, until_, [this] { return done_; })) return;
        std::fprintf(stderr, "%s:%u: test hung: %s did not get past this line in %lld s\n",
                     where_.file_name(), static_cast<unsigned>(where_.line()),
                     where_.function_name(), static_cast<long long>(limit_.count()));
        std::fflush(stderr);
        std::abort();
    }

    const std::chrono::steady_clock::time_point until_;
    const std::chrono::seconds limit_;
    const std::source_location where_;
    std::mutex mutex_;  // guards done_
    std::condition_variable changed_;
    bool done_ = false;
    std::thread thread_;  // last: it uses all of the above
};

}  // namespace within_detail

/// Calls f on this thread and returns what it returns; if that takes longer than `limit`, the
/// process aborts with a message that names the caller. Exceptions of f pass through.
template <class Work>
decltype(auto) within(std::chrono::seconds limit, Work&& f,
                      std::source_location where = std::source_location::current()) {
    const within_detail::watchdog watch(limit, where);
    return std::invoke(std::forward<Work>(f));
}
