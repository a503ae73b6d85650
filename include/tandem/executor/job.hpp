// SPDX-License-Identifier: BSL-1.0
// tandem/executor/job.hpp: what waits in a thread pool's queues.        level 2
#pragma once

#include <tandem/future/callback.hpp>
#include <tandem/future/recycle.hpp>

#include <cstddef>
#include <exception>
#include <functional>
#include <utility>

namespace tandem::detail {

class running_calls;

// What a thread takes out of a queue and runs: a detached call, or a place at a work, from which it
// pulls calls until there are none. A queue holds pointers; exactly one of execute(), drop() and
// let_go() is called for each that was put in, and the job may be gone afterwards.
class job {
   public:
    // How many calls were made, and how many of them threw.
    struct tally {
        std::size_t made = 0;
        std::size_t thrown = 0;
    };

    // Makes the calls, in a thread whose calls `here` lists.
    virtual tally execute(running_calls& here) noexcept = 0;
    // Ends the calls that nobody has begun with `why`. Returns how many.
    virtual std::size_t drop(const std::exception_ptr& why) noexcept = 0;
    // Nothing: for one without calls.
    virtual void let_go() noexcept = 0;
    // How many calls could be begun now; a hint.
    virtual std::size_t waiting() const noexcept = 0;

   protected:
    ~job() = default;
};

// A call without a future. What it throws goes to the executor's on_error.
template <class F>
class detached_job final : public job, public recycled {
   public:
    template <class G>
    detached_job(executor_context& context, G&& f) : context_(context), f_(std::forward<G>(f)) {}

    tally execute(running_calls&) noexcept override {
        std::exception_ptr thrown;
        try {
            std::invoke(f_);
        } catch (...) {
            thrown = std::current_exception();
        }
        auto& context = context_;
        delete this;
        if (!thrown) return {1, 0};
        context.report(std::move(thrown));
        return {1, 1};
    }
    std::size_t drop(const std::exception_ptr&) noexcept override {
        delete this;
        return 1;
    }
    void let_go() noexcept override { delete this; }
    std::size_t waiting() const noexcept override { return 1; }

   private:
    executor_context& context_;  // outlives what waits in its queues
    F f_;
};

}  // namespace tandem::detail
