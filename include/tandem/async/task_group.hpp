// SPDX-License-Identifier: BSL-1.0
// tandem/async/task_group.hpp: tasks that begin together, end together, and fail together.        level 3
#pragma once

#include <tandem/async/spawn.hpp>
#include <tandem/async/spawned.hpp>
#include <tandem/core/error.hpp>
#include <tandem/coroutine/child_chain.hpp>
#include <tandem/coroutine/task.hpp>

#include <coroutine>
#include <cstddef>
#include <exception>
#include <functional>
#include <type_traits>
#include <utility>

namespace tandem {

class task_group;

namespace detail {

class [[nodiscard]] join_request;

// Waits until the group has no task left. A cancel is passed on to them.
class join_awaiter final : public operation {
   public:
    explicit join_awaiter(task_group& group) noexcept : group_(group) {}
    ~join_awaiter();
    bool await_ready() const;
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> leaf) noexcept;
    void await_resume();
    void cancel() noexcept override;
    void describe(await_tree& tree) const override { tree.line("waits for a task group"); }

   private:
    friend task_group;
    task_group& group_;
};

class join_request {
   public:
    explicit join_request(task_group& group) noexcept : group_(group) {}
    join_awaiter operator co_await() && noexcept { return join_awaiter(group_); }

   private:
    task_group& group_;
};

}  // namespace detail

/// Tasks that belong together: the first that fails cancels the others, and join() throws its error
/// when all have ended. with_group() joins of its own accord. Python: asyncio.TaskGroup; Trio:
/// nursery.
///
/// Cancellation: cancel() cancels all; a task that ends by being cancelled is no failure. A task
/// that is spawned in a group that is cancelled, or failed, never begins.
/// Thread safety: belongs to the loop's thread.
/// Lifetime: the tasks of a group that is destroyed before it is joined, as by an exception, are
/// destroyed at once, wherever they wait. Not by one of its own tasks.
class task_group {
   public:
    task_group() noexcept = default;
    task_group(const task_group&) = delete;
    task_group& operator=(const task_group&) = delete;
    ~task_group() {
        while (!members_.empty()) members_.front().task->drop();
        if (failure_) detail::report_here(std::move(failure_));
    }

    /// Starts a task. Throws: invalid_state if no loop runs on this thread.
    template <class T>
    task_handle<T> spawn(task<T> work, spawn_options options = {}) {
        auto handle = tandem::spawn(std::move(work), options);
        auto& started = detail::handle_access::task_of(handle);
        started.listen(*new member(*this, started));
        if (is_cancelled_) started.cancel();
        return handle;
    }

    /// `co_await group.join()`: until all have ended, those too that are spawned meanwhile.
    /// Throws: the first failure; cancelled_error if the task that awaits it was cancelled, and so
    /// all of the group, but not after cancel().
    detail::join_request join() noexcept { return detail::join_request(*this); }

    /// Cancels all tasks, also those that come.
    void cancel() noexcept {
        is_cancelled_ = true;
        for (member* at = members_.first(); at;) {
            member* const next = members_.after(*at);
            at->task->cancel();
            at = next;
        }
    }
    /// Whether it was cancelled, by cancel() or by a failure.
    bool cancelled() const noexcept { return is_cancelled_; }
    /// How many of its tasks have not ended.
    std::size_t size() const noexcept { return size_; }

   private:
    friend detail::join_awaiter;

    struct member final : detail::spawned::listener, detail::list_link {
        member(task_group& to, detail::spawned& of) noexcept : group(to), task(&of) {
            group.members_.push_back(*this);
            ++group.size_;
        }
        void on_end_of(detail::spawned& ended) noexcept override {
            unlink();
            auto& of = group;
            delete this;
            of.on_end_of(ended);
        }
        task_group& group;
        detail::spawned* task;
    };

    void on_end_of(detail::spawned& ended) noexcept {
        --size_;
        auto error = ended.error();
        ended.mark_seen();
        if (error && !detail::is_cancelled(error)) {
            if (std::exchange(failed_, true)) {
                detail::report_here(std::move(error));
            } else {
                failure_ = std::move(error);
                cancel();
            }
        }
        if (size_ == 0 && joins_) std::exchange(joins_, nullptr)->wake();
    }

    detail::linked_list<member> members_;
    std::size_t size_ = 0;
    bool is_cancelled_ = false;
    bool failed_ = false;
    std::exception_ptr failure_;  // the first, until somebody joins
    detail::join_awaiter* joins_ = nullptr;
};

namespace detail {

inline join_awaiter::~join_awaiter() {
    if (group_.joins_ == this) group_.joins_ = nullptr;
}
inline bool join_awaiter::await_ready() const {
    if (group_.size_ == 0) return true;
    if (group_.joins_) throw invalid_state("the group is being joined already");
    if (chain::current()->stops()) group_.cancel();
    return false;
}
template <class Promise>
void join_awaiter::await_suspend(std::coroutine_handle<Promise> leaf) noexcept {
    suspend(leaf);
    group_.joins_ = this;
}
inline void join_awaiter::await_resume() {
    if (group_.failure_) std::rethrow_exception(std::exchange(group_.failure_, nullptr));
    check_cancelled();
}
inline void join_awaiter::cancel() noexcept { group_.cancel(); }

}  // namespace detail

/// `co_await with_group([&](task_group& group) -> task<> { ... });`: runs the body as the first
/// task of a group, and waits for all of them, however the body ends. Gives what the body gives.
/// Throws: as task_group::join; cancelled_error if a body that gives something was cancelled.
/// Cancellation: passed on to all. Python: `async with TaskGroup()`.
template <class Body>
auto with_group(Body body) -> task<detail::awaited_t<std::invoke_result_t<Body&, task_group&>>> {
    using result = detail::awaited_t<std::invoke_result_t<Body&, task_group&>>;
    task_group group;
    auto main = group.spawn(std::invoke(body, group));
    co_await group.join();
    if constexpr (std::is_void_v<result>) {
        if (group.cancelled()) co_return;
        co_await std::move(main);
    } else {
        co_return co_await std::move(main);
    }
}

}  // namespace tandem
