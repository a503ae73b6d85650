// SPDX-License-Identifier: BSL-1.0
// tandem/executor/inline_executor.hpp: an executor that makes each call at once, where it is submitted.        level 2
#pragma once

#include <tandem/executor/algorithms.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <utility>

namespace tandem {
namespace detail {

class inline_core final : public executor_core {
   public:
    // Its own calls may submit after close(), and a lazy map that was begun goes on.
    void start(ref<work> calls, std::size_t, admission from) override {
        if (from != admission::continued) require_open();
        take_part(*calls, deadline::never());
    }
    void require_open() const override {
        if (closed_.load(std::memory_order_relaxed) && calling() != this) {
            throw pool_closed("inline_executor takes no more work: it was closed");
        }
    }
    bool caller_takes_part(bool) const noexcept override { return true; }
    void take_part(work& calls, deadline until) noexcept override {
        const auto* const outer = std::exchange(calling(), this);
        while (!until.expired()) {
            const auto claimed = calls.claim(1);
            if (claimed.count == 0) break;
            running_.fetch_add(1, std::memory_order_relaxed);
            const auto made = calls.run(claimed);
            running_.fetch_sub(1, std::memory_order_relaxed);
            failed_.fetch_add(made.thrown, std::memory_order_relaxed);
            done_.fetch_add(made.made - made.thrown, std::memory_order_relaxed);
        }
        calling() = outer;
    }
    std::size_t least_window() const noexcept override { return 1; }

    int size() const noexcept override { return 1; }
    const char* kind() const noexcept override { return "inline_executor"; }
    const char* state_name() const noexcept override {
        return closed_.load(std::memory_order_relaxed) ? "closed" : "running";
    }
    pool_stats stats() const override {
        pool_stats now;
        now.running.resize(running_.load(std::memory_order_relaxed));
        now.done = done_.load(std::memory_order_relaxed);
        now.failed = failed_.load(std::memory_order_relaxed);
        return now;
    }
    void close() override { closed_.store(true, std::memory_order_relaxed); }
    void join() override {
        if (!closed_.load(std::memory_order_relaxed)) {
            throw invalid_state("join() needs close() or terminate() first");
        }
    }
    void terminate() override { close(); }

   private:
    // Whose call the calling thread is in.
    static const inline_core*& calling() noexcept {
        static thread_local const inline_core* core = nullptr;
        return core;
    }

    // Each call ends before submit returns: these are counts that nothing waits for (relaxed).
    std::atomic<bool> closed_{false};
    std::atomic<std::size_t> running_{0};
    std::atomic<std::size_t> done_{0};
    std::atomic<std::size_t> failed_{0};
};

}  // namespace detail

/// Makes each call at once, in the thread that submits it: the serial way, with the same members
/// as the pools. Python: a loop.
/// Thread safety: shared use is safe; calls run in the threads that submit them.
class inline_executor : public executor_algorithms<inline_executor, false> {
   public:
    inline_executor() : core_(detail::make_ref<detail::inline_core>()) {}
    inline_executor(const inline_executor&) = delete;
    inline_executor& operator=(const inline_executor&) = delete;
    ~inline_executor() = default;

   private:
    friend detail::executor_access;
    detail::executor_core& core() const noexcept { return *core_; }

    detail::ref<detail::inline_core> core_;
};

}  // namespace tandem
