// SPDX-License-Identifier: BSL-1.0
// tandem/coroutine/child_chain.hpp: a task that runs beside others, for the task that waits for all of them.        level 1
#pragma once

#include <tandem/coroutine/promise_base.hpp>
#include <tandem/coroutine/task.hpp>

#include <concepts>
#include <exception>
#include <type_traits>
#include <utility>

namespace tandem::detail {

// What awaits chains of its own. It must not destroy one that tells of its end.
class chain_owner {
   public:
    virtual void on_child_end(chain& ended) noexcept = 0;

   protected:
    ~chain_owner() = default;
};

// What a child_chain is made of.
template <class T>
struct child_seed {
    scheduler& home;
    chain_owner& owner;
    task<T>& work;
};

// A chain that lives in the frame of the one that awaits it, and is destroyed with it, wherever it
// waits.
template <class T>
class child_chain final : public chain {
   public:
    child_chain(child_seed<T> seed)
        : chain(seed.home), owner_(seed.owner), promise_(task_access::release(seed.work)) {}
    ~child_chain() {
        if (root()) {
            destroy_frames();
        } else {
            promise_.destroy();
        }
    }
    void begin() noexcept { start(promise_); }

    // What it came to. Requires: it has ended.
    const std::exception_ptr& error() const noexcept { return promise_.error(); }
    bool ended_cancelled() const noexcept { return is_cancelled(promise_.error()); }
    T take() { return promise_.take(); }

   private:
    void on_end() noexcept override { owner_.on_child_end(*this); }

    chain_owner& owner_;
    task_promise<T>& promise_;
};

// A task of anything that can be awaited.
template <class T>
task<T> as_task(task<T> work) {
    return work;
}
template <awaitable A>
    requires(!is_task<std::remove_cvref_t<A>>)
task<await_result_t<A>> as_task(A awaited) {
    co_return co_await std::move(awaited);
}
template <class A>
using awaited_t = typename decltype(as_task(std::declval<A>()))::value_type;

}  // namespace tandem::detail
