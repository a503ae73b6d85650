// SPDX-License-Identifier: BSL-1.0
// tandem/async/sleep.hpp: suspends a task for some time, or for a turn of the loop.        level 3
#pragma once

#include <tandem/async/loop_core.hpp>
#include <tandem/async/timer_heap.hpp>
#include <tandem/core/deadline.hpp>

#include <algorithm>
#include <chrono>
#include <coroutine>
#include <type_traits>

namespace tandem {
namespace detail {

// Sleeps for so long or, unless `FromNow`, until then by the loop's clock.
template <bool FromNow>
class sleep_awaiter final : public timer {
    using time_point = timer_heap::time_point;

   public:
    explicit sleep_awaiter(std::chrono::nanoseconds time) noexcept : time_(time) {}
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
        if (time_ == cancelled) throw cancelled_error();
    }
    void cancel() noexcept override {
        loop_core::of(*waiting()).disarm(*this);
        time_ = cancelled;
        wake();
    }
    void describe(await_tree& tree) const override { tree.line("sleeps"); }

   private:
    // A time that nobody gives; a flag of its own would cost each sleeper 8 bytes.
    static constexpr auto cancelled = std::chrono::nanoseconds::min();

    void expire() noexcept override { wake(); }
    time_point when(const loop_core& loop) const noexcept {
        if constexpr (!FromNow) return time_point(time_);
        const auto now = loop.now();
        return time_ < time_point::max() - now ? now + time_ : time_point::max();
    }

    std::chrono::nanoseconds time_;
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

template <bool FromNow>
class [[nodiscard]] sleep_request {
   public:
    explicit sleep_request(std::chrono::nanoseconds time) noexcept : time_(time) {}
    sleep_awaiter<FromNow> operator co_await() && noexcept { return sleep_awaiter<FromNow>(time_); }

   private:
    std::chrono::nanoseconds time_;
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
    return detail::sleep_request<true>(detail::in_nanoseconds(time));
}
/// The same until a moment. With a clock of its own the loop takes it as a time of that clock.
inline auto sleep_until(deadline moment) {
    using std::chrono::nanoseconds;
    const nanoseconds since_epoch = moment.time().time_since_epoch();
    return detail::sleep_request<false>(std::max(since_epoch, nanoseconds::zero()));
}
/// `co_await yield_now()`: lets every other task that is ready run once. Python: sleep(0).
/// Throws: cancelled_error.
inline auto yield_now() { return detail::yield_request(); }

}  // namespace tandem
