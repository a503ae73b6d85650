// SPDX-License-Identifier: BSL-1.0
// tandem/async/timeout.hpp: cancels what takes too long.        level 3
#pragma once

#include <tandem/async/loop_core.hpp>
#include <tandem/async/timer_heap.hpp>
#include <tandem/core/deadline.hpp>
#include <tandem/core/error.hpp>
#include <tandem/coroutine/child_chain.hpp>
#include <tandem/coroutine/task.hpp>

#include <chrono>
#include <coroutine>
#include <optional>
#include <type_traits>
#include <utility>

namespace tandem {
namespace detail {

// Runs a task, and cancels it when its time is over. It is waited for in any case.
template <class T>
class timeout_awaiter : public timer, public chain_owner {
   public:
    timeout_awaiter(std::chrono::nanoseconds limit, task<T>& work)
        : limit_(limit), child_(child_seed<T>{*scheduler::current(), *this, work}) {}
    ~timeout_awaiter() {
        if (armed()) loop_core::of(child_).disarm(*this);
    }
    bool await_ready() const {
        check_cancelled();
        return false;
    }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> leaf) {
        suspend(leaf);
        auto& loop = loop_core::of(child_);
        child_.begin();
        if (limit_ <= limit_.zero()) return expire();
        const auto now = loop.now();
        if (limit_ < timer_heap::time_point::max() - now) loop.arm(*this, now + limit_);
    }
    void cancel() noexcept final { child_.cancel(); }
    void on_child_end(chain&) noexcept final {
        if (armed()) loop_core::of(child_).disarm(*this);
        wake();
    }
    void describe(await_tree& tree) const final {
        tree.line(expired_ ? "waits, out of time, for the end of" : "waits, for a time, for");
        tree.deeper();
        child_.describe(tree);
        tree.back();
    }

   protected:
    // Whether time ended it, and nothing else.
    bool timed_out() const noexcept {
        return expired_ && child_.ended_cancelled() && !chain::current()->stops();
    }
    child_chain<T>& child() noexcept { return child_; }

   private:
    void expire() noexcept final {
        expired_ = true;
        child_.cancel();
    }

    std::chrono::nanoseconds limit_;
    bool expired_ = false;
    child_chain<T> child_;
};

template <class T>
class with_timeout_awaiter final : public timeout_awaiter<T> {
   public:
    using timeout_awaiter<T>::timeout_awaiter;
    T await_resume() {
        if (this->timed_out()) throw timeout_error("the task did not end in time");
        return this->child().take();
    }
};

template <class T>
class move_on_awaiter final : public timeout_awaiter<T> {
   public:
    using timeout_awaiter<T>::timeout_awaiter;
    auto await_resume() {
        if constexpr (std::is_void_v<T>) {
            if (this->timed_out()) return false;
            this->child().take();
            return true;
        } else {
            if (this->timed_out()) return std::optional<T>();
            return std::optional<T>(this->child().take());
        }
    }
};

template <class T, class Awaiter>
class [[nodiscard]] timeout_request {
   public:
    timeout_request(std::chrono::nanoseconds limit, task<T> work) noexcept
        : limit_(limit), work_(std::move(work)) {}
    Awaiter operator co_await() && { return Awaiter(limit_, work_); }

   private:
    std::chrono::nanoseconds limit_;
    task<T> work_;
};

}  // namespace detail

/// `T x = co_await with_timeout(10ms, f());`: cancels f() when the time is over, and waits for its
/// end. Gives its value, or throws its error, if it ended with one all the same; timeout_error only
/// if the cancel ended it. Without time it does not begin. Python: asyncio.wait_for, timeout.
/// Takes tasks, futures and whatever else can be awaited. Cancellation: passed on.
template <class Rep, class Period, class A>
auto with_timeout(std::chrono::duration<Rep, Period> limit, A awaited) {
    using result = detail::awaited_t<A>;
    return detail::timeout_request<result, detail::with_timeout_awaiter<result>>(
        detail::in_nanoseconds(limit), detail::as_task(std::move(awaited)));
}
/// The same, but running out of time is no error: gives std::optional<T>, or for void whether it
/// ended in time. Trio: move_on_after.
template <class Rep, class Period, class A>
auto move_on_after(std::chrono::duration<Rep, Period> limit, A awaited) {
    using result = detail::awaited_t<A>;
    return detail::timeout_request<result, detail::move_on_awaiter<result>>(
        detail::in_nanoseconds(limit), detail::as_task(std::move(awaited)));
}

}  // namespace tandem
