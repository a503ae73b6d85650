// SPDX-License-Identifier: BSL-1.0
// tandem/async/sleep.hpp: suspends a task for some time, or for a turn of the loop.        level 3
#pragma once

#include <tandem/async/loop_core.hpp>
#include <tandem/async/timer_heap.hpp>
#include <tandem/core/deadline.hpp>

#include <chrono>
#include <coroutine>
#include <type_traits>

namespace tandem {
namespace detail {

class sleep_awaiter final : public timer {
   public:
    // Until then, by the loop's clock; or for so long, if `from_now`.
    sleep_awaiter(std::chrono::nanoseconds time, bool from_now) noexcept
        : time_(time), from_now_(from_now) {}
    ~sleep_awaiter() {
        if (armed()) loop_core::of(*waiting()).disarm(*this);
    }
    bool await_ready() const {
        check_cancelled();
        return false;
    }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> leaf) {
        suspend(leaf);
        auto& loop = loop_core::of(*waiting());
        loop.arm(*this, when(loop));
    }
    void await_resume() const {
        if (cancelled_) throw cancelled_error();
    }
    void cancel() noexcept override {
        if (!armed()) return;
        loop_core::of(*waiting()).disarm(*this);
        cancelled_ = true;
        wake();
    }
    void describe(await_tree& tree) const override { tree.line("sleeps"); }

   private:
    using time_point = timer_heap::time_point;
    void expire() noexcept override { wake(); }
    time_point when(const loop_core& loop) const noexcept {
        if (!from_now_) return time_point(time_);
        const auto now = loop.now();
        return time_ < time_point::max() - now ? now + time_ : time_point::max();
    }

    std::chrono::nanoseconds time_;
    bool from_now_;
    bool cancelled_ = false;
};

class yield_awaiter final : public operation {
   public:
    bool await_ready() const {
        check_cancelled();
        return false;
    }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> leaf) noexcept {
        suspend(leaf);
        wake();
    }
    void await_resume() const noexcept {}
    void cancel() noexcept override {}
    void describe(await_tree& tree) const override { tree.line("yields"); }
};

class [[nodiscard]] sleep_request {
   public:
    sleep_request(std::chrono::nanoseconds time, bool from_now) noexcept
        : time_(time), from_now_(from_now) {}
    sleep_awaiter operator co_await() && noexcept { return {time_, from_now_}; }

   private:
    std::chrono::nanoseconds time_;
    bool from_now_;
};

class [[nodiscard]] yield_request {
   public:
    yield_awaiter operator co_await() && noexcept { return {}; }
};

}  // namespace detail

/// `co_await sleep_for(10ms)`: suspends the task for at least so long, from when it is awaited. One
/// that is not positive lasts a turn of the loop. Python: asyncio.sleep.
/// Throws: cancelled_error. Cancellation: ends it.
template <class Rep, class Period>
auto sleep_for(std::chrono::duration<Rep, Period> time) {
    using std::chrono::nanoseconds;
    // Doubles tell, without overflow, whether it fits.
    const std::chrono::duration<double> seconds = time;
    if (!(seconds < std::chrono::duration<double>(9e9))) {
        return detail::sleep_request(nanoseconds::max(), true);
    }
    const bool positive = time > time.zero();
    return detail::sleep_request(
        positive ? std::chrono::ceil<nanoseconds>(time) : nanoseconds::zero(), true);
}
/// The same until a moment. With a clock of its own the loop takes it as a time of that clock.
inline auto sleep_until(deadline moment) {
    return detail::sleep_request(moment.time().time_since_epoch(), false);
}
/// `co_await yield_now()`: lets every other task that is ready run once. Python: sleep(0).
/// Throws: cancelled_error.
inline auto yield_now() { return detail::yield_request(); }

}  // namespace tandem
