// SPDX-License-Identifier: BSL-1.0
// tandem/future/then.hpp: the states behind future::then.        level 1
#pragma once

#include <tandem/future/state.hpp>

#include <algorithm>
#include <atomic>
#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace tandem {

template <class T>
class future;
template <class T>
class shared_future;

namespace detail {

// How the library makes a future of a state and looks behind one.
struct future_access {
    template <class State>
    static auto make(ref<State> s) noexcept {
        using T = typename State::result_type;
        return future<T>(ref<state<T>>(std::move(s)));
    }
    template <class T>
    static ref<state<T>> state_of(const future<T>& f) {
        f.shared_state();
        return f.state_;
    }
    template <class T>
    static ref<state<T>> state_of(const shared_future<T>& f) {
        f.shared_state();
        return f.state_;
    }
};

// Calls `f(T)`, or `f()` for void, with the value moved out of the source.
template <class T, class F>
decltype(auto) invoke_with_value(F& f, state<T>& source) {
    if constexpr (std::is_void_v<T>) {
        return std::invoke(f);
    } else {
        return std::invoke(f, source.take());
    }
}

template <class F, class T>
struct then_result {
    using type = std::invoke_result_t<F&, T>;
};
template <class F, class T>
    requires std::is_void_v<T>
struct then_result<F, T> {
    using type = std::invoke_result_t<F&>;
};
template <class F, class T>
using then_result_t = typename then_result<F, T>::type;

template <class F, class T>
inline constexpr bool then_invocable = std::invocable<F&, T>;
template <class F, class T>
    requires std::is_void_v<T>
inline constexpr bool then_invocable<F, T> = std::invocable<F&>;

// A state whose result comes from other states, one after the other: what its waiter helps, and
// what a cancel is passed on to.
template <class U>
class chained_state : public state<U> {
   public:
    explicit chained_state(ref<executor_context> context, ref<future_state> upstream)
        : state<U>(std::move(context)), upstream_(std::move(upstream)) {}

    bool has_sources() const noexcept override { return true; }
    ref<future_state> source() const noexcept override {
        std::lock_guard hold(mutex_);
        return upstream_;
    }

   protected:
    // A finished state is let go at once: a chain without end keeps only its last links.
    void set_upstream(ref<future_state> next) noexcept {
        std::lock_guard hold(mutex_);
        std::swap(upstream_, next);
    }

   protected:
    mutable std::mutex mutex_;  // guards upstream_, and what waits for another
    ref<future_state> upstream_;
};

// The state of `future.then(f)`: waits for the source, then calls f.
template <class T, class F>
class then_state final : public chained_state<then_result_t<F, T>> {
    using U = then_result_t<F, T>;

   public:
    then_state(F f, const ref<state<T>>& source)
        : chained_state<U>(ref<executor_context>::share(source->context()), source),
          f_(std::move(f)) {}

    void run(state<T>& source) {
        this->set_upstream(nullptr);
        if (!this->claim()) return;  // cancelled
        outcome<U> result;
        if (auto error = source.take_error()) {
            result.fail(std::move(error));
        } else {
            result.capture([&]() -> U { return invoke_with_value<T>(*f_, source); });
        }
        f_.reset();
        this->finish_outcome(std::move(result));
    }

   private:
    std::optional<F> f_;
};

// Submits `f(value)`, or `f()` for void. A reference stays one.
template <class T, class Executor, class F>
auto submit_with_value(Executor& executor, F f, state<T>& source) {
    if constexpr (std::is_void_v<T>) {
        return executor.submit(std::move(f));
    } else if constexpr (std::is_reference_v<T>) {
        auto call = [f = std::move(f), &to = source.result().value()]() mutable -> decltype(auto) {
            return std::invoke(f, static_cast<T>(to));
        };
        return executor.submit(std::move(call));
    } else {
        return executor.submit(std::move(f), source.take());
    }
}

template <class>
struct future_value;
template <class T>
struct future_value<future<T>> {
    using type = T;
};
// What a call that was submitted to the executor gives: it may ship, or take a stop_token.
template <class T, class F, class Executor>
using then_on_result_t = typename future_value<decltype(submit_with_value<T>(
    std::declval<Executor&>(), std::declval<F>(), std::declval<state<T>&>()))>::type;

// The state of `future.then(executor, f)`: waits for the source, then for the executor's call.
template <class T, class F, class Executor>
class then_on_state final : public chained_state<then_on_result_t<T, F, Executor>> {
    using U = then_on_result_t<T, F, Executor>;

   public:
    then_on_state(Executor& executor, F f, const ref<state<T>>& source)
        : chained_state<U>(ref<executor_context>::share(source->context()), source),
          executor_(executor),
          f_(std::move(f)) {}

    bool cancel() noexcept override {
        if (move_on(stage::waiting, stage::cancelled)) return state<U>::cancel();
        if (stage_.load(std::memory_order_acquire) == stage::called) {
            if (const auto call = this->source()) return call->cancel();
        }
        return this->was_cancelled();
    }

    void run(state<T>& source);

    bool watch_source(const future_state* known, waker& waiter) noexcept override {
        std::lock_guard hold(this->mutex_);
        if (this->upstream_.get() != known) return false;
        // Waiters that come again and again are not many; each is kept once.
        const auto same = [&](const ref<waker>& one) { return one.get() == &waiter; };
        if (&waiter != this && std::ranges::none_of(watchers_, same)) {
            watchers_.push_back(ref<waker>::share(&waiter));
        }
        return true;
    }

    // The executor's call is done: its outcome is ours.
    void pass_on(state<U>& call) {
        call_is(nullptr);
        if (this->claim()) this->finish_outcome(std::move(call.result()));
    }
    // Whoever waits for what comes of this may help with the call, if there is one.
    void call_is(ref<future_state> call) noexcept {
        const bool any = call.get() != nullptr;
        std::vector<ref<waker>> told;
        {
            std::lock_guard hold(this->mutex_);
            std::swap(this->upstream_, call);
            told.swap(watchers_);
        }
        if (!any) return;
        this->source_changed();
        for (const auto& one : told) one->wake();
    }

   private:
    // The source is not done -> the call is being submitted -> it is the upstream; or cancelled.
    enum class stage { waiting, submitting, called, cancelled };
    bool move_on(stage from, stage to) noexcept {
        return stage_.compare_exchange_strong(from, to, std::memory_order_acq_rel);
    }

    Executor& executor_;
    std::optional<F> f_;
    // Moved by run() and by cancel(), either from `waiting`. `called` is released after the
    // upstream is set, acquired in cancel().
    std::atomic<stage> stage_{stage::waiting};
    std::vector<ref<waker>> watchers_;  // guarded by mutex_
};

// Calls `next->run(source)` when the source is done.
template <class T, class Next>
class run_next final : public callback {
   public:
    explicit run_next(ref<Next> target) : next_(std::move(target)) {}
    void call(future_state& done) override { next_->run(static_cast<state<T>&>(done)); }

   private:
    ref<Next> next_;
};

// Moves the outcome of an executor's call to the state that `then` gave out.
template <class U, class Next>
class pass_on_callback final : public callback {
   public:
    explicit pass_on_callback(ref<Next> target) : next_(std::move(target)) {}
    void call(future_state& done) override { next_->pass_on(static_cast<state<U>&>(done)); }
    bool is_internal() const noexcept override { return true; }

   private:
    ref<Next> next_;
};

template <class T, class F, class Executor>
void then_on_state<T, F, Executor>::run(state<T>& source) {
    if (!move_on(stage::waiting, stage::submitting)) return call_is(nullptr);
    std::exception_ptr failure;
    try {
        auto f = std::move(*f_);
        f_.reset();
        if (auto error = source.take_error()) std::rethrow_exception(std::move(error));
        auto call = future_access::state_of(submit_with_value<T>(executor_, std::move(f), source));
        call_is(call);
        stage_.store(stage::called, std::memory_order_release);
        call->add_callback(
            std::make_unique<pass_on_callback<U, then_on_state>>(ref<then_on_state>::share(this)));
        return;
    } catch (...) {
        failure = std::current_exception();
    }
    call_is(nullptr);
    if (this->claim()) this->fail_set(std::move(failure));
}

}  // namespace detail
}  // namespace tandem
