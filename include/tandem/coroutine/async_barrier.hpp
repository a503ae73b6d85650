// SPDX-License-Identifier: BSL-1.0
// tandem/coroutine/async_barrier.hpp: tasks wait until so many of them have come.        level 1
#pragma once

#include <tandem/core/error.hpp>
#include <tandem/coroutine/chain.hpp>
#include <tandem/coroutine/wait_list.hpp>

#include <coroutine>
#include <stdexcept>

namespace tandem {

/// Lets tasks go on when `parties` of them have come, then does the same for the next ones.
/// Python: asyncio.Barrier.
/// Thread safety: belongs to the loop's thread. Lifetime: must outlive those who wait.
class async_barrier {
    class awaiter;
    class [[nodiscard]] request {
       public:
        explicit request(async_barrier& at) noexcept : at_(at) {}
        awaiter operator co_await() && noexcept;

       private:
        async_barrier& at_;
    };

   public:
    /// Throws: std::invalid_argument if `parties` is not positive.
    explicit async_barrier(int parties) : parties_(parties) {
        if (parties < 1) throw std::invalid_argument("a barrier of fewer than 1 party");
    }
    async_barrier(const async_barrier&) = delete;
    async_barrier& operator=(const async_barrier&) = delete;

    /// `co_await barrier.wait()`: gives how many had come before, 0 to parties() - 1. One that is
    /// cancelled has not come. Throws: cancelled_error; invalid_state if the barrier is broken.
    request wait() noexcept { return request(*this); }
    /// Makes all that wait, and all that come, throw invalid_state, until reset().
    void abort() {
        waiters_.check_thread("the barrier");
        broken_ = true;
        release();
    }
    /// As new. Those that wait throw invalid_state.
    void reset() {
        waiters_.check_thread("the barrier");
        broken_ = true;
        release();
        broken_ = false;
    }
    int parties() const noexcept { return parties_; }
    /// How many wait now.
    int waiting() const noexcept { return waiting_; }
    bool broken() const noexcept { return broken_; }

   private:
    void release() noexcept;

    const int parties_;
    int waiting_ = 0;
    bool broken_ = false;
    detail::wait_list waiters_;
};

class async_barrier::awaiter final : public detail::list_waiter {
   public:
    explicit awaiter(async_barrier& at) noexcept : at_(at) {}
    ~awaiter() {
        if (linked()) --at_.waiting_;
    }
    bool await_ready() {
        detail::check_cancelled();
        if (at_.broken_) throw_broken();
        place_ = at_.waiting_;
        if (place_ + 1 != at_.parties_) return false;
        at_.release();
        return true;
    }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> leaf) noexcept {
        suspend(leaf);
        ++at_.waiting_;
        at_.waiters_.add(*this);
    }
    int await_resume() const {
        throw_if_cancelled();
        if (met_broken_) throw_broken();
        return place_;
    }
    void cancel() noexcept override {
        --at_.waiting_;
        list_waiter::cancel();
    }
    void describe(detail::await_tree& tree) const override { tree.line("waits at a barrier"); }

   private:
    friend async_barrier;
    [[noreturn]] static void throw_broken() { throw invalid_state("the barrier is broken"); }

    async_barrier& at_;
    int place_ = 0;
    bool met_broken_ = false;
};

inline void async_barrier::release() noexcept {
    waiting_ = 0;
    while (!waiters_.empty()) {
        static_cast<awaiter&>(waiters_.release_first()).met_broken_ = broken_;
    }
}

inline async_barrier::awaiter async_barrier::request::operator co_await() && noexcept {
    return awaiter(at_);
}

}  // namespace tandem
