// SPDX-License-Identifier: BSL-1.0
// tandem/coroutine/shield.hpp: a part of a task that a cancel does not interrupt.        level 1
#pragma once

#include <tandem/coroutine/child_chain.hpp>
#include <tandem/coroutine/task.hpp>

#include <coroutine>
#include <utility>

namespace tandem {
namespace detail {

template <class T>
class shield_awaiter final : public child_link {
   public:
    explicit shield_awaiter(task_promise<T>& promise) noexcept : child_link(&promise) {}
    ~shield_awaiter() {
        if (child()) child()->destroy();
    }
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> parent) noexcept {
        chain::current()->add_shield();
        return enter(parent.promise());
    }
    T await_resume() {
        chain::current()->drop_shield();
        return static_cast<task_promise<T>*>(child())->take();
    }
};

template <class T>
class [[nodiscard]] shield_request {
   public:
    explicit shield_request(task<T> work) noexcept : work_(std::move(work)) {}
    shield_awaiter<T> operator co_await() && {
        return shield_awaiter<T>(task_access::release(work_));
    }

   private:
    task<T> work_;
};

}  // namespace detail

/// `co_await shield(f())`: runs f() to its end, whatever cancels the task that awaits it. The
/// cancel waits: the result is given, and the next await behind the shield throws. For what must
/// not stop half-way, and for cleaning up in a task that is cancelled. Python: asyncio.shield, but
/// that leaves the awaiting side at once; for that, shield a task_handle.
template <class A>
auto shield(A awaited) {
    return detail::shield_request<detail::awaited_t<A>>(detail::as_task(std::move(awaited)));
}

}  // namespace tandem
