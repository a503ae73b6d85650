// SPDX-License-Identifier: BSL-1.0
// tandem/subprocess/keeper.hpp: a thread that stays, for children that die with the thread they are of.        level 1
#pragma once

#include <tandem/core/config.hpp>
#include <tandem/core/parker.hpp>

#include <atomic>
#include <cstdint>
#include <exception>
#include <thread>

namespace tandem::detail {

// Runs a start on a thread of its own and keeps the thread until it is destroyed. What the system
// calls the death of a parent is that of the thread that made the child; so that a child outlives
// the thread of ours that asked for it, it is made by one that stays.
class keeper {
   public:
    // Throws: what start throws; std::system_error if there is no thread to be had.
    template <class Start>
    explicit keeper(Start start)
        : thread_([this, &start] {
              try {
                  start();
              } catch (...) {
                  error_ = std::current_exception();
              }
              become(started);
              wait_while(started);
          }) {
        wait_while(starting);
        if (!error_) return;
        become(released);
        thread_.join();
        std::rethrow_exception(error_);
    }
    keeper(const keeper&) = delete;
    keeper& operator=(const keeper&) = delete;
    ~keeper() {
        become(released);
        if (thread_.joinable()) thread_.join();
    }

   private:
    static constexpr std::uint32_t starting = 0, started = 1, released = 2;

    void become(std::uint32_t state) noexcept {
        state_.store(state, std::memory_order_release);
        unpark(state_, 1);
    }
    void wait_while(std::uint32_t state) noexcept {
        while (state_.load(std::memory_order_acquire) == state) park(state_, state);
    }

    std::exception_ptr error_;
    // starting, then started (written by the thread), then released (by the owner). Each release
    // pairs with the acquire of the other side: behind started is the child, or error_.
    std::atomic<std::uint32_t> state_{starting};
    std::thread thread_;  // last: it uses all of the above
};

}  // namespace tandem::detail
