// SPDX-License-Identifier: BSL-1.0
// tandem/executor/pool_errors.hpp: who hears of exceptions that have nowhere else to go.        level 2
#pragma once

#include <tandem/future/callback.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

namespace tandem::detail {

// The user's on_error while the pool lives, then stderr: futures may outlive their pool, but what
// the user gave the pool goes with it.
// Thread safety: every member may be called concurrently.
class pool_errors {
   public:
    using listener = std::function<void(std::exception_ptr)>;

    explicit pool_errors(listener on_error)
        : listener_(on_error ? std::make_shared<listener>(std::move(on_error)) : nullptr) {}

    void report(std::exception_ptr error) noexcept {
        const auto heard_by = current();
        if (!heard_by) return report_unheard(error);
        std::exception_ptr another;
        try {
            (*heard_by)(std::move(error));
        } catch (...) {
            another = std::current_exception();
        }
        if (another) report_unheard(another);
    }
    // Lets the listener go, as soon as it is not being called.
    void forget() noexcept {
        std::shared_ptr<listener> last;
        const std::lock_guard hold(mutex_);
        last.swap(listener_);
    }

   private:
    std::shared_ptr<listener> current() noexcept {
        const std::lock_guard hold(mutex_);
        return listener_;
    }

    std::mutex mutex_;  // guards listener_
    std::shared_ptr<listener> listener_;
};

}  // namespace tandem::detail
