// SPDX-License-Identifier: BSL-1.0
// tests/support/gate.hpp: what tests make threads wait for, instead of sleeping.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>

/// Holds threads up until it is opened. May be opened and waited for any number of times.
class gate {
   public:
    void open() {
        const std::lock_guard hold(mutex_);
        open_ = true;
        changed_.notify_all();  // under the lock: whoever waits may destroy the gate next
    }
    void wait() {
        std::unique_lock hold(mutex_);
        changed_.wait(hold, [this] { return open_; });
    }
    bool is_open() {
        const std::lock_guard hold(mutex_);
        return open_;
    }

   private:
    std::mutex mutex_;  // guards open_
    std::condition_variable changed_;
    bool open_ = false;
};

/// Lets nobody pass until `count` have arrived.
class meeting {
   public:
    explicit meeting(std::size_t count) : missing_(count) {}
    void arrive_and_wait() {
        std::unique_lock hold(mutex_);
        if (--missing_ == 0) changed_.notify_all();
        changed_.wait(hold, [this] { return missing_ == 0; });
    }

   private:
    std::mutex mutex_;  // guards missing_
    std::condition_variable changed_;
    std::size_t missing_;
};
