// SPDX-License-Identifier: BSL-1.0
// tandem/async/slow_watch.hpp: notices a step that holds the event loop too long, while it does.        level 3
#pragma once

#include <tandem/async/event_loop_options.hpp>
#include <tandem/coroutine/await_tree.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <mutex>
#include <source_location>
#include <thread>
#include <utility>

namespace tandem::detail {

// A thread beside the loop of debug mode. It sleeps while the loop does.
// Thread safety: begin(), at() and end() on the loop's thread.
class slow_watch {
    using clock = std::chrono::steady_clock;

   public:
    slow_watch(std::chrono::nanoseconds limit, callable<void(const slow_step&)> on_slow)
        : limit_(limit), on_slow_(std::move(on_slow)), thread_([this] { watch(); }) {}
    slow_watch(const slow_watch&) = delete;
    slow_watch& operator=(const slow_watch&) = delete;
    ~slow_watch() {
        {
            const std::lock_guard hold(mutex_);
            over_ = true;
        }
        changed_.notify_one();
        thread_.join();
    }

    // A step begins; nobody knows what it is until at() says so.
    void begin() noexcept {
        const std::lock_guard hold(mutex_);
        began_ = clock::now();
        ++step_;
        where_ = std::source_location();
        if (std::exchange(idle_, false)) changed_.notify_one();
    }
    void at(const std::source_location& where) noexcept {
        const std::lock_guard hold(mutex_);
        where_ = where;
    }
    void end() noexcept {
        std::unique_lock hold(mutex_);
        const auto held = clock::now() - began_;
        began_ = {};
        if (held >= limit_) tell(hold, held, true);
    }
    // The loop has nothing to do.
    void rest() noexcept {
        const std::lock_guard hold(mutex_);
        idle_ = true;
    }

   private:
    void watch() {
        std::unique_lock hold(mutex_);
        std::uint64_t told = 0;
        while (!over_) {
            if (idle_) {
                changed_.wait(hold, [this] { return over_ || !idle_; });
                continue;
            }
            const auto now = clock::now();
            const bool runs = began_ != clock::time_point{} && told != step_;
            if (runs && now - began_ >= limit_) {
                told = step_;
                tell(hold, now - began_, false);
                continue;
            }
            changed_.wait_until(hold, runs ? began_ + limit_ : now + limit_,
                                [this] { return over_; });
        }
    }
    // The mutex is free while the user is told.
    void tell(std::unique_lock<std::mutex>& hold, std::chrono::nanoseconds held,
              bool over) noexcept {
        const auto where = where_;
        hold.unlock();
        try {
            const slow_step step{where.line() ? name_of(where) : "a callback", held, over};
            if (on_slow_) {
                const std::lock_guard one_at_a_time(telling_);
                on_slow_(step);
            } else {
                const auto ms = std::chrono::duration<double, std::milli>(held).count();
                std::fprintf(stderr, "tandem: %s %s the event loop for %.0f ms\n",
                             step.what.c_str(), over ? "held" : "has been holding", ms);
            }
        } catch (...) {
            std::fprintf(stderr, "tandem: on_slow threw\n");
        }
        hold.lock();
    }

    const std::chrono::nanoseconds limit_;
    std::mutex telling_;  // guards on_slow_
    callable<void(const slow_step&)> on_slow_;
    std::mutex mutex_;  // guards the rest
    std::condition_variable changed_;
    clock::time_point began_{};  // of the step that runs now
    std::uint64_t step_ = 0;
    std::source_location where_;
    bool idle_ = true;
    bool over_ = false;
    std::thread thread_;  // last: it uses all of the above
};

}  // namespace tandem::detail
