// SPDX-License-Identifier: BSL-1.0
// tandem/future/state.hpp: what a future and whoever completes it share.        level 1
#pragma once

#include <tandem/core/deadline.hpp>
#include <tandem/core/error.hpp>
#include <tandem/core/outcome.hpp>
#include <tandem/future/future_state.hpp>
#include <tandem/future/help.hpp>

#include <cstdint>
#include <exception>
#include <utility>

namespace tandem::detail {

// A state with a result.
template <class T>
class state : public future_state {
   public:
    using result_type = T;
    using future_state::future_state;

    std::exception_ptr error() const noexcept override { return result_.error(); }
    outcome<T>& result() noexcept { return result_; }
    // Moves the value, or the exception, out, after those that look at it are done with it.
    T take() {
        wait_unobserved();
        return std::move(result_).value();
    }
    // Moves the exception out; null if there is none.
    std::exception_ptr take_error() noexcept {
        if (!was_cancelled() && !has_failed()) return nullptr;
        wait_unobserved();
        return std::move(result_).error();
    }

    bool cancel() noexcept override {
        if (!begin_cancel()) return was_cancelled();
        fail_set(cancelled_pointer());
        return true;
    }

    // Complete a state that the caller claimed or began to set.
    template <class... Args>
    void finish_with(Args&&... args) noexcept {
        result_.capture([&]() -> T { return T(std::forward<Args>(args)...); });
        finish();
    }
    void finish_outcome(outcome<T> result) noexcept {
        if (auto error = result.error()) return fail_set(std::move(error));
        result_.capture([&]() -> T { return std::move(result).value(); });
        finish();
    }
    void fail_set(std::exception_ptr error) noexcept {
        result_.fail(std::move(error));
        finish();
    }

   protected:
    void finish() noexcept { future_state::finish(ended_how()); }

    outcome<T> result_;

   private:
    // A function of its own: what it holds of the exception is let go before anybody can take that.
    std::uint32_t ended_how() const noexcept {
        if (result_.has_value()) return succeeded;
        return is_cancelled(result_.error()) ? cancelled_bit : failed_bit;
    }
};

}  // namespace tandem::detail
