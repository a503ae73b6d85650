// SPDX-License-Identifier: BSL-1.0
// tandem/future/future.hpp: the result of a call that may still be going on.        level 1
#pragma once

#include <tandem/core/resume.hpp>
#include <tandem/future/state.hpp>
#include <tandem/future/then.hpp>

#include <atomic>
#include <chrono>
#include <concepts>
#include <coroutine>
#include <exception>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

namespace tandem {

template <class T>
class future;
template <class T>
class shared_future;

namespace detail {

// The user's callback on an outcome.
template <class T, class F>
class on_done_callback final : public callback {
   public:
    on_done_callback(state<T>& observed, F f) : observed_(observed), f_(std::move(f)) {
        observed_.add_observer();
    }
    ~on_done_callback() override { observed_.drop_observer(); }
    void call(future_state&) override {
        const callback_depth::observing scope(observed_);
        std::invoke(f_, std::as_const(observed_.result()));
    }

   private:
    state<T>& observed_;  // whose list this is in
    F f_;
};

}  // namespace detail

/// The result of a call that may still be going on: of `submit`, of a promise, of `then`.
/// Python: concurrent.futures.Future, multiprocessing's AsyncResult.
/// Thread safety: const members and cancel() may be called from several threads; get(), share(),
/// then() and assignment belong to one.
/// Lifetime: dropping a future changes nothing: the call goes on.
template <class T>
class [[nodiscard]] future {
   public:
    /// A future of nothing: valid() is false, everything else throws invalid_state.
    future() noexcept = default;
    future(future&&) noexcept = default;
    future& operator=(future&&) noexcept = default;
    ~future() = default;

    /// Whether it refers to a result that has not been taken.
    bool valid() const noexcept { return state_ != nullptr; }

    /// Takes the result; the future is then no longer valid. Throws: what the call threw;
    /// cancelled_error, broken_promise, or the pool's error if it was never made. Blocks: until
    /// the result is there and the on_done callbacks that look at it have returned. Inside a worker
    /// of the same pool, runs the task itself if it has not started.
    T get() {
        shared_state().wait_if_allowed();
        return take();
    }
    /// Takes the result if it comes in time. Throws: as get(); timeout_error, the call then goes
    /// on and the future stays valid.
    T get_for(deadline until) {
        if (!shared_state().wait_if_allowed(until) || !state_->wait_unobserved(until)) {
            throw timeout_error("the result did not come in time");
        }
        return take();
    }

    /// Waits for the result. Blocks: until it is there.
    void wait() const { shared_state().wait_if_allowed(); }
    /// Waits for the result. Returns: whether it is there.
    template <class Rep, class Period>
    bool wait_for(std::chrono::duration<Rep, Period> timeout) const {
        return shared_state().wait_if_allowed(deadline(timeout));
    }
    /// Waits for the result. Returns: whether it is there.
    template <class Clock, class Duration>
    bool wait_until(std::chrono::time_point<Clock, Duration> moment) const {
        return shared_state().wait_if_allowed(deadline(moment));
    }

    /// Whether the result, an exception or the cancel is there. Python: done().
    bool ready() const { return shared_state().ready(); }
    /// Whether the call is being made now.
    bool running() const { return shared_state().running(); }
    /// Whether the call returned. Throws: invalid_state if it is not ready.
    bool successful() const {
        if (!shared_state().ready()) throw invalid_state("the future is not ready");
        return !state_->was_cancelled() && !state_->has_failed();
    }
    /// What the call threw, null if it returned. Throws: invalid_state if it is not ready.
    std::exception_ptr exception() const {
        if (!shared_state().ready()) throw invalid_state("the future is not ready");
        return state_->error();
    }
    /// Whether the call was cancelled.
    bool cancelled() const { return shared_state().was_cancelled(); }

    /// Asks that the call be not made. Returns: true if it never will be, or if it ran in another
    /// process and was killed; the result is then cancelled_error. On a call that runs in a thread,
    /// requests the stop of its stop_token and returns false.
    bool cancel() const {
        const auto keep = shared_ref();  // a callback may drop this future
        return keep->cancel();
    }

    /// Calls `f(const outcome<T>&)` when the result is there, at once if it is. Several are called
    /// in the order of their adding, each once, in the thread that completes the call (for another
    /// process: in the pool's callback thread). What f throws goes to the pool's on_error.
    /// Python: add_done_callback.
    template <class F>
        requires std::invocable<F&, const outcome<T>&>
    void on_done(F f) const {
        const auto keep = shared_ref();  // f may drop this future
        keep->add_callback(std::make_unique<detail::on_done_callback<T, F>>(*keep, std::move(f)));
    }

    /// The future of `f(value)`: called on success only; errors and cancels pass through. Takes
    /// the result: this future is then no longer valid.
    template <class F>
    auto then(F f) {
        static_assert(detail::then_invocable<F, T>,
                      "tandem: then() needs a callable that takes the future's value");
        return chain(detail::make_ref<detail::then_state<T, F>>(std::move(f), shared_ref()));
    }
    /// The same, with `f(value)` called on `executor`. Lifetime: the executor outlives the call.
    template <class Executor, class F>
    auto then(Executor& executor, F f) {
        using next = detail::then_on_state<T, F, Executor>;
        return chain(detail::make_ref<next>(executor, std::move(f), shared_ref()));
    }

    /// The same result for any number of owners.
    shared_future<T> share();

    /// Waits in a coroutine: `co_await std::move(future)` is get() without blocking the thread.
    auto operator co_await() &&;

   private:
    friend struct detail::future_access;
    template <class>
    friend class future;

    explicit future(detail::ref<detail::state<T>> state) noexcept : state_(std::move(state)) {}

    detail::ref<detail::state<T>> held() const {
        return detail::ref<detail::state<T>>::share(&shared_state());
    }
    detail::state<T>& shared_state() const {
        if (!state_) throw invalid_state("the future has no result: it was taken, or never there");
        return *state_;
    }
    const detail::ref<detail::state<T>>& shared_ref() const {
        shared_state();
        return state_;
    }
    template <class Next>
    auto chain(detail::ref<Next> next) {
        const auto source = std::move(state_);
        source->add_callback(std::make_unique<detail::run_next<T, Next>>(next));
        return detail::future_access::make(std::move(next));
    }
    T take() {
        const auto state = std::move(state_);
        return state->take();
    }

    detail::ref<detail::state<T>> state_;
};

/// A future that may be copied; get() may be called any number of times.
/// Thread safety: const members may be called from several threads, copies are independent.
template <class T>
class [[nodiscard]] shared_future {
   public:
    shared_future() noexcept = default;

    bool valid() const noexcept { return state_ != nullptr; }
    /// The result, for as long as a shared_future to it lives. Throws and blocks: as future::get.
    decltype(auto) get() const {
        shared_state().wait_if_allowed();
        return std::as_const(state_->result()).value();
    }
    /// The result if it comes in time. Throws: as get(); timeout_error, the call then goes on.
    decltype(auto) get_for(deadline until) const {
        if (!shared_state().wait_if_allowed(until)) {
            throw timeout_error("the result did not come in time");
        }
        return std::as_const(state_->result()).value();
    }
    /// Waits for the result. Blocks: until it is there.
    void wait() const { shared_state().wait_if_allowed(); }
    /// Waits for the result. Returns: whether it is there.
    template <class Rep, class Period>
    bool wait_for(std::chrono::duration<Rep, Period> timeout) const {
        return shared_state().wait_if_allowed(deadline(timeout));
    }
    /// Waits for the result. Returns: whether it is there.
    template <class Clock, class Duration>
    bool wait_until(std::chrono::time_point<Clock, Duration> moment) const {
        return shared_state().wait_if_allowed(deadline(moment));
    }
    /// Whether the result, an exception or the cancel is there.
    bool ready() const { return shared_state().ready(); }
    /// Whether the call is being made now.
    bool running() const { return shared_state().running(); }
    /// Whether the call returned. Throws: invalid_state if it is not ready.
    bool successful() const {
        if (!shared_state().ready()) throw invalid_state("the future is not ready");
        return !state_->was_cancelled() && !state_->has_failed();
    }
    /// What the call threw, null if it returned. Throws: invalid_state if it is not ready.
    std::exception_ptr exception() const {
        if (!shared_state().ready()) throw invalid_state("the future is not ready");
        return state_->error();
    }
    /// Whether the call was cancelled.
    bool cancelled() const { return shared_state().was_cancelled(); }
    /// As future::cancel, for every owner.
    bool cancel() const {
        const auto keep = held();  // a callback may drop this future
        return keep->cancel();
    }
    /// As future::on_done.
    template <class F>
        requires std::invocable<F&, const outcome<T>&>
    void on_done(F f) const {
        const auto keep = held();  // f may drop this future
        keep->add_callback(std::make_unique<detail::on_done_callback<T, F>>(*keep, std::move(f)));
    }

   private:
    friend class future<T>;
    friend struct detail::future_access;
    explicit shared_future(detail::ref<detail::state<T>> state) noexcept
        : state_(std::move(state)) {}
    detail::ref<detail::state<T>> held() const {
        return detail::ref<detail::state<T>>::share(&shared_state());
    }
    detail::state<T>& shared_state() const {
        if (!state_) throw invalid_state("the future has no result");
        return *state_;
    }
    detail::ref<detail::state<T>> state_;
};

namespace detail {

// Resumes a coroutine that awaits a future, where it was suspended.
class resume_callback final : public callback {
   public:
    resume_callback(ref<resume_ticket> waiting, bool at_once) noexcept
        : waiting_(std::move(waiting)), at_once_(at_once) {}
    void call(future_state&) override { waiting_->redeem(); }
    // With a resumer the call only queues the coroutine; without one it runs the user's code. After
    // callbacks that look at the result it waits for its turn: the coroutine takes the result.
    bool is_internal() const noexcept override { return at_once_; }
    bool is_dropped() const noexcept override { return waiting_->taken(); }

   private:
    ref<resume_ticket> waiting_;
    bool at_once_;
};

template <class T>
class future_awaiter {
   public:
    using resumes_by_ticket = void;

    explicit future_awaiter(ref<state<T>> s) noexcept : state_(std::move(s)) {}
    future_awaiter(const future_awaiter&) = delete;
    future_awaiter& operator=(const future_awaiter&) = delete;
    // A frame that is destroyed while it waits is not resumed.
    ~future_awaiter() {
        if (waiting_) waiting_->take();
    }
    bool await_ready() const noexcept { return state_->ready(); }
    void await_suspend(std::coroutine_handle<> waiting) {
        auto* const where = resumer::current();
        waiting_ = where ? where->ticket(waiting) : make_ref<resume_ticket>(waiting);
        // The coroutine may be resumed, and this awaiter destroyed, before add_callback returns.
        const auto keep = state_;
        keep->add_callback(std::make_unique<resume_callback>(waiting_, where && !keep->observed()));
    }
    T await_resume() { return state_->take(); }

    // Nobody wants the result any more. Returns: whether the coroutine is the caller's to resume,
    // because the call goes on; else the ticket is redeemed, now or soon.
    bool cancel_wait() noexcept {
        if (state_->ready()) return false;
        const auto keep = state_;
        keep->cancel();
        return !keep->ready() && waiting_->take();
    }
    static constexpr const char* what_is_awaited = "a future";

   private:
    ref<state<T>> state_;
    ref<resume_ticket> waiting_;
};

}  // namespace detail

template <class T>
shared_future<T> future<T>::share() {
    shared_state();
    return shared_future<T>(std::move(state_));
}

template <class T>
auto future<T>::operator co_await() && {
    shared_state();
    return detail::future_awaiter<T>(std::move(state_));
}

}  // namespace tandem
