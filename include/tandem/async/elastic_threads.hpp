// SPDX-License-Identifier: BSL-1.0
// tandem/async/elastic_threads.hpp: threads for calls that block, as many as there are calls.        level 3
#pragma once

#include <tandem/core/callable.hpp>
#include <tandem/core/cpus.hpp>
#include <tandem/core/parker.hpp>
#include <tandem/future/future.hpp>
#include <tandem/future/promise.hpp>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace tandem::detail {

// Makes a thread for a call when all it has are busy, up to max(32, 4 x CPUs); further calls wait.
// Threads are kept until the end, which waits for the calls that run and drops those that wait.
// Thread safety: call() may be called concurrently.
class elastic_threads {
   public:
    elastic_threads() : most_(static_cast<std::size_t>(std::max(32, 4 * available_cpus()))) {}
    elastic_threads(const elastic_threads&) = delete;
    elastic_threads& operator=(const elastic_threads&) = delete;
    ~elastic_threads() {
        {
            const std::lock_guard hold(mutex_);
            over_ = true;
            jobs_.clear();
        }
        changed_.notify_all();
        for (auto& one : threads_) one.join();
    }

    // Calls `f(args...)` on one of them.
    template <class F, class... Args>
    auto call(F f, Args... args) -> future<std::invoke_result_t<F, Args...>> {
        using returned = std::invoke_result_t<F, Args...>;
        promise<returned> to;
        auto made = to.get_future();
        add([to = std::move(to), f = std::move(f),
             args = std::tuple<Args...>(std::move(args)...)]() mutable {
            if (!to.start()) return;  // cancelled
            run<returned>(std::move(to), std::move(f), std::move(args));
        });
        return made;
    }

   private:
    // Callable and arguments are gone before the result is there.
    template <class Result, class F, class Args>
    static void run(promise<Result> to, F f, Args args) {
        outcome<Result> came_to;
        came_to.capture([&]() -> Result {
            F now = std::move(f);
            Args with = std::move(args);
            return std::apply(std::move(now), std::move(with));
        });
        if (auto error = std::move(came_to).error()) {
            to.set_exception(std::move(error));
        } else if constexpr (std::is_void_v<Result>) {
            to.set_value();
        } else {
            to.set_value(std::move(came_to).value());
        }
    }

    void add(callable<void()> job) {
        const std::lock_guard hold(mutex_);
        jobs_.push_back(std::move(job));
        if (jobs_.size() > idle_ && threads_.size() < most_) {
            try {
                threads_.emplace_back([this] { work(); });
            } catch (...) {
                if (threads_.empty()) {
                    jobs_.pop_back();
                    throw;
                }
            }
        }
        changed_.notify_one();
    }
    void work() {
        while (auto job = next()) job();
    }
    callable<void()> next() {
        std::unique_lock hold(mutex_);
        ++idle_;
        while (jobs_.empty() && !over_) {
            const auto ticket = changed_.prepare();
            hold.unlock();
            changed_.wait(ticket);
            hold.lock();
        }
        --idle_;
        if (jobs_.empty()) return {};
        auto job = std::move(jobs_.front());
        jobs_.pop_front();
        return job;
    }

    const std::size_t most_;
    std::mutex mutex_;  // guards the rest
    wait_point changed_;
    std::deque<callable<void()>> jobs_;
    std::size_t idle_ = 0;
    bool over_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace tandem::detail
