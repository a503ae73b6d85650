// SPDX-License-Identifier: BSL-1.0
// tandem/coroutine/async_condition.hpp: tasks wait for a change of what a mutex guards.        level 1
#pragma once

#include <tandem/coroutine/async_mutex.hpp>
#include <tandem/coroutine/shield.hpp>
#include <tandem/coroutine/task.hpp>
#include <tandem/coroutine/wait_list.hpp>

#include <coroutine>
#include <cstddef>
#include <exception>
#include <utility>

namespace tandem {

/// Tasks that have a mutex wait, without it, until they are notified. Python: asyncio.Condition.
/// Thread safety: belongs to the loop's thread. Lifetime: must outlive those who wait.
class async_condition {
   public:
    explicit async_condition(async_mutex& mutex) noexcept : mutex_(mutex) {}
    async_condition(const async_condition&) = delete;
    async_condition& operator=(const async_condition&) = delete;

    /// Unlocks, waits for a notification, and locks again, whatever happens.
    /// Throws: cancelled_error, with the lock held.
    task<> wait(async_mutex::lock_type& held) {
        std::exception_ptr failure;
        held.release();
        try {
            co_await waits(*this);
        } catch (...) {
            failure = std::current_exception();
        }
        held = co_await shield(mutex_.lock());
        if (failure) std::rethrow_exception(std::move(failure));
    }
    /// Waits until `holds()`.
    template <class Condition>
    task<> wait(async_mutex::lock_type& held, Condition holds) {
        while (!holds()) co_await wait(held);
    }
    /// Lets up to `count` go, those first who wait longest.
    void notify(std::size_t count = 1) {
        waiters_.check_thread("the condition");
        while (count-- != 0 && !waiters_.empty()) waiters_.release_first();
    }
    void notify_all() {
        waiters_.check_thread("the condition");
        waiters_.release_all();
    }

   private:
    class awaiter final : public detail::list_waiter {
       public:
        explicit awaiter(async_condition& on) noexcept : on_(on) {}
        bool await_ready() const {
            detail::check_cancelled();
            return false;
        }
        template <class Promise>
        void await_suspend(std::coroutine_handle<Promise> leaf) noexcept {
            suspend(leaf);
            on_.waiters_.add(*this);
        }
        void await_resume() const { throw_if_cancelled(); }
        void describe(detail::await_tree& tree) const override {
            tree.line("waits for a condition");
        }

       private:
        async_condition& on_;
    };
    class waits {
       public:
        explicit waits(async_condition& on) noexcept : on_(on) {}
        awaiter operator co_await() && noexcept { return awaiter(on_); }

       private:
        async_condition& on_;
    };

    async_mutex& mutex_;
    detail::wait_list waiters_;
};

}  // namespace tandem
