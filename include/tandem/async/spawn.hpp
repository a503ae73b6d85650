// SPDX-License-Identifier: BSL-1.0
// tandem/async/spawn.hpp: starts a task that runs beside the one that starts it.        level 3
#pragma once

#include <tandem/async/spawned.hpp>
#include <tandem/core/error.hpp>
#include <tandem/core/outcome.hpp>
#include <tandem/coroutine/task.hpp>

#include <concepts>
#include <coroutine>
#include <functional>
#include <string_view>
#include <type_traits>
#include <utility>

namespace tandem {

template <class T>
class task_handle;

namespace detail {

// Awaits a task that runs by itself. A cancel is passed on to it, and waits for its end.
template <class T>
class handle_awaiter final : public operation, public spawned::listener {
   public:
    handle_awaiter(spawned::owner awaited, bool passes_cancel) noexcept
        : awaited_(std::move(awaited)), passes_cancel_(passes_cancel) {}
    ~handle_awaiter() { awaited_->forget(*this); }
    bool await_ready() const {
        if (awaited_->has_ended()) return true;
        check_thread(awaited_->home(), "the task");
        if (awaited_.get() == chain::current()) throw invalid_state("a task awaits itself");
        check_cancelled();
        return false;
    }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> leaf) noexcept {
        suspend(leaf);
        awaited_->listen(*this);
    }
    T await_resume() {
        if (gave_up_) throw cancelled_error();
        return awaited_->template take<T>();
    }
    void on_end_of(spawned&) noexcept override {
        if (!gave_up_) wake();
    }
    void cancel() noexcept override {
        if (passes_cancel_) return awaited_->cancel();
        awaited_->forget(*this);
        gave_up_ = true;
        wake();
    }
    void describe(await_tree& tree) const override {
        tree.line("waits for the task " + awaited_->title());
    }

   private:
    spawned::owner awaited_;
    bool passes_cancel_;
    bool gave_up_ = false;
};

template <class T, class F>
class on_done_listener final : public spawned::listener {
   public:
    explicit on_done_listener(F f) : f_(std::move(f)) {}
    void on_end_of(spawned& ended) noexcept override {
        try {
            look(ended);
        } catch (...) {
            report_here(std::current_exception());
        }
        delete this;
    }

   private:
    void look(spawned& ended) {
        outcome<T> came_to;
        auto* const promise = static_cast<task_promise<T>*>(ended.root());
        if (auto error = ended.error()) {
            came_to.fail(std::move(error));
            std::invoke(f_, std::as_const(came_to));
        } else {
            promise->look(came_to, f_);  // the value stays there
        }
    }
    F f_;
};

struct handle_access;

}  // namespace detail

/// A task that runs by itself: `auto h = spawn(f()); ...; T x = co_await std::move(h);`.
/// Awaiting it gives its result; dropping the handle lets it run on, detached: the loop owns it
/// until it ends, and reports an error that nobody saw. Python: asyncio.Task.
/// Cancellation: a cancel of the task that awaits it is passed on to it; see shield().
/// Thread safety: belongs to the thread of its loop.
template <class T = void>
class task_handle {
   public:
    using value_type = T;

    /// A handle of nothing: valid() is false.
    task_handle() noexcept = default;
    task_handle(task_handle&&) noexcept = default;
    task_handle& operator=(task_handle&&) noexcept = default;
    ~task_handle() = default;

    /// Whether it refers to a task whose result has not been taken.
    bool valid() const noexcept { return task_.get() != nullptr; }
    /// Whether the task has ended, one way or the other.
    bool done() const { return held().has_ended(); }
    /// Cancels the task: what it awaits throws cancelled_error, now and from then on; one that has
    /// not begun never does. Returns: false if it has ended, or was cancelled before.
    /// Throws: invalid_state on another thread than the loop's.
    bool cancel() {
        if (done() || held().was_cancelled()) return false;
        detail::check_thread(task_->home(), "the task");
        task_->cancel();
        return true;
    }
    /// Calls `f(const outcome<T>&)` when the task ends, in the order in which they were added; at
    /// once if it has. What f throws goes to the loop's on_error.
    template <class F>
        requires std::invocable<F&, const outcome<T>&>
    void on_done(F f) {
        auto* const added = new detail::on_done_listener<T, F>(std::move(f));
        if (done()) return added->on_end_of(*task_.get());
        task_->listen(*added);
    }

    /// Waits for the task and gives its result. Throws: what the task threw; cancelled_error if it
    /// was cancelled; invalid_state for a task of another loop, or the running one.
    auto operator co_await() && {
        held();
        return detail::handle_awaiter<T>(std::move(task_), true);
    }
    void operator co_await() & = delete;  // once: co_await std::move(handle)

   private:
    friend detail::handle_access;
    explicit task_handle(detail::spawned::owner task) noexcept : task_(std::move(task)) {}
    detail::spawned& held() const {
        if (!valid()) throw invalid_state("the handle has no task");
        return *task_.get();
    }
    detail::spawned::owner task_;
};

/// What can be chosen about a task that is spawned.
/// Thread safety: a value.
struct spawn_options {
    /// What event_loop::dump() calls it.
    std::string_view name = {};
};

namespace detail {

struct handle_access {
    template <class T>
    static task_handle<T> make(spawned::owner task) noexcept {
        return task_handle<T>(std::move(task));
    }
    template <class T>
    static spawned& task_of(const task_handle<T>& handle) {
        return handle.held();
    }
};

template <class T>
class [[nodiscard]] shielded_handle {
   public:
    explicit shielded_handle(spawned::owner task) noexcept : task_(std::move(task)) {}
    handle_awaiter<T> operator co_await() && { return handle_awaiter<T>(std::move(task_), false); }

   private:
    spawned::owner task_;
};

template <class T>
task_handle<T> spawn_on(loop_core& home, task<T>&& work, const spawn_options& options) {
    auto made = spawned::make(home, std::move(work));
    if (!options.name.empty()) made->set_name(options.name);
    return handle_access::make<T>(std::move(made));
}

}  // namespace detail

/// Starts a task on the running loop: it gets its turn when this one waits. Python: create_task.
/// Throws: invalid_state if no loop runs on this thread.
template <class T>
task_handle<T> spawn(task<T> work, spawn_options options = {}) {
    if (!detail::scheduler::current()) throw invalid_state("spawn needs a running event loop");
    return detail::spawn_on(detail::loop_core::here(), std::move(work), options);
}

/// `co_await shield(handle)`: waits for a spawned task without passing a cancel on: this task goes
/// on, with cancelled_error, and the other one runs. The result is taken, as by awaiting the
/// handle.
/// Python: asyncio.shield(task).
template <class T>
auto shield(task_handle<T>& handle) {
    return detail::shielded_handle<T>(
        detail::spawned::owner(detail::handle_access::task_of(handle)));
}

}  // namespace tandem
