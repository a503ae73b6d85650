// SPDX-License-Identifier: BSL-1.0
// tandem/future/promise.hpp: the side of a future that sets its result.        level 1
#pragma once

#include <tandem/future/future.hpp>

#include <exception>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace tandem {

/// Sets the result of one future, once. Python: Future.set_result and set_exception.
/// Thread safety: one thread at a time, except that the future's owner may do as it likes.
/// Lifetime: a promise destroyed unset gives its future broken_promise.
template <class T>
class promise {
   public:
    promise() : state_(detail::make_ref<detail::state<T>>()) {}
    promise(promise&&) noexcept = default;
    promise& operator=(promise&& other) noexcept {
        promise old(std::move(*this));
        state_ = std::move(other.state_);
        taken_ = other.taken_;
        return *this;
    }
    ~promise() {
        if (state_ && state_->begin_set()) {
            state_->fail_set(std::make_exception_ptr(broken_promise()));
        }
    }

    /// The future. Throws: invalid_state the second time.
    future<T> get_future() {
        state();
        if (std::exchange(taken_, true)) throw invalid_state("the future was already taken");
        return detail::future_access::make(state_);
    }

    /// Says that the work has begun: cancel() fails from now on.
    /// Returns: false if it was cancelled already. Python: set_running_or_notify_cancel.
    bool start() { return state().claim(); }

    /// Sets the value. Throws: invalid_state if a result is set, or if it was cancelled.
    template <class... Args>
        requires((std::is_void_v<T> && sizeof...(Args) == 0) ||
                 (sizeof...(Args) == 1 && std::is_constructible_v<T, Args...>))
    void set_value(Args&&... args) {
        begin_set();
        const auto keep = state_;  // who hears of it may destroy this promise
        keep->finish_with(std::forward<Args>(args)...);
    }
    /// Sets an exception. Throws: as set_value; std::invalid_argument for a null pointer.
    void set_exception(std::exception_ptr error) {
        if (!error) throw std::invalid_argument("set_exception needs an exception");
        begin_set();
        const auto keep = state_;  // as above
        keep->fail_set(std::move(error));
    }

   private:
    detail::state<T>& state() const {
        if (!state_) throw invalid_state("the promise was moved from");
        return *state_;
    }
    void begin_set() const {
        if (state().begin_set()) return;
        throw invalid_state(state_->was_cancelled() ? "the future was cancelled"
                                                    : "the promise is already set");
    }

    detail::ref<detail::state<T>> state_;
    bool taken_ = false;
};

/// A future that is ready from the start.
template <class T>
future<std::decay_t<T>> make_ready_future(T&& value) {
    promise<std::decay_t<T>> ready;
    ready.set_value(std::forward<T>(value));
    return ready.get_future();
}
/// The same for void.
inline future<void> make_ready_future() {
    promise<void> ready;
    ready.set_value();
    return ready.get_future();
}

}  // namespace tandem
