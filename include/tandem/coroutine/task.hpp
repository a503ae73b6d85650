// SPDX-License-Identifier: BSL-1.0
// tandem/coroutine/task.hpp: a coroutine that runs when it is awaited.        level 1
// Read examples/effective_python/60_async_io.cpp first.
#pragma once

#include <tandem/core/error.hpp>
#include <tandem/coroutine/promise_base.hpp>

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <functional>
#include <memory>
#include <source_location>
#include <type_traits>
#include <utility>

namespace tandem {

template <class T>
class task;

namespace detail {

template <class T>
class task_promise;
template <class T>
class task_awaiter;

// How the library runs a task that nobody awaits.
struct task_access {
    // The frame is the caller's.
    template <class T>
    static task_promise<T>& release(task<T>& from) {
        from.check_valid();
        auto& promise = *std::exchange(from.promise_, nullptr);
        promise.begin();
        return promise;
    }
};

}  // namespace detail

/// A coroutine that gives a T, and starts when it is awaited: `T x = co_await f();`. Python: what
/// calling an `async def` gives. `co_await` is for other tasks; sync_wait() and spawn() start one
/// elsewhere. The native stack stays flat, however deep tasks await each other.
///
/// What a task is called with by reference must outlive it, so await it where it is made, or pass
/// by value. A lambda's captures belong to the lambda, which must outlive the task it gives.
/// Cancellation: a task that is cancelled gets cancelled_error from what it awaits, every time.
/// Thread safety: one thread at a time; it runs on the thread of the loop where it is awaited.
template <class T = void>
class [[nodiscard]] task {
   public:
    using promise_type = detail::task_promise<T>;
    using value_type = T;

    task(task&& other) noexcept : promise_(std::exchange(other.promise_, nullptr)) {}
    task& operator=(task&& other) noexcept {
        if (this != &other) {
            drop();
            promise_ = std::exchange(other.promise_, nullptr);
        }
        return *this;
    }
    /// A task that was not awaited never runs.
    ~task() { drop(); }

    /// Whether it can still be awaited.
    bool valid() const noexcept { return promise_ != nullptr; }

    /// Runs it and gives its result. Throws: what it throws; invalid_state if it is not valid().
    auto operator co_await() && {
        check_valid();
        promise_->begin();
        return detail::task_awaiter<T>(*std::exchange(promise_, nullptr));
    }
    void operator co_await() & = delete;  // a task is awaited once: co_await std::move(t)

   private:
    friend promise_type;
    friend detail::task_access;

    explicit task(promise_type& promise) noexcept : promise_(&promise) {}
    void check_valid() const {
        if (!promise_) throw invalid_state("the task was awaited before, or moved from");
    }
    void drop() noexcept {
        if (!promise_) return;
        auto* const loop = detail::scheduler::current();
        if (loop && loop->debugging()) loop->on_never_awaited(*promise_);
        std::exchange(promise_, nullptr)->destroy();
    }

    promise_type* promise_;
};

namespace detail {

template <class T>
class task_promise_base : public promise_base {
    static_assert(std::is_object_v<T> && std::is_move_constructible_v<T>,
                  "tandem: a task gives something movable, a reference or nothing");
    static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__,
                  "tandem: frames hold nothing over-aligned; give a std::unique_ptr to it");

   public:
    task_promise_base() noexcept {}
    ~task_promise_base() {
        if (has_value_) std::destroy_at(std::addressof(value_));
    }
    template <class U = T>
        requires std::constructible_from<T, U>
    void return_value(U&& value) noexcept(std::is_nothrow_constructible_v<T, U>) {
        std::construct_at(std::addressof(value_), std::forward<U>(value));
        has_value_ = true;
    }
    T take() {
        throw_error();
        return std::move(value_);
    }
    // Calls f with the value as an outcome. Requires: there is one.
    template <class Outcome, class F>
    void look(Outcome& as, F& f) {
        struct takes_back {
            T& to;
            Outcome& from;
            ~takes_back() {
                std::destroy_at(std::addressof(to));
                std::construct_at(std::addressof(to), std::move(from).value());
            }
        };
        as.emplace(std::move(value_));
        const takes_back at_end{value_, as};
        std::invoke(f, std::as_const(as));
    }

   private:
    bool has_value_ = false;
    union {
        T value_;
    };
};

template <class T>
class task_promise_base<T&> : public promise_base {
   public:
    void return_value(T& value) noexcept { value_ = std::addressof(value); }
    T& take() {
        throw_error();
        return *value_;
    }
    template <class Outcome, class F>
    void look(Outcome& as, F& f) {
        as.emplace(*value_);
        std::invoke(f, std::as_const(as));
    }

   private:
    T* value_ = nullptr;
};

template <class T>
    requires std::is_void_v<T>
class task_promise_base<T> : public promise_base {
   public:
    void return_void() const noexcept {}
    void take() { throw_error(); }
    template <class Outcome, class F>
    void look(Outcome& as, F& f) {
        as.emplace();
        std::invoke(f, std::as_const(as));
    }
};

template <class T>
class task_promise final : public task_promise_base<T> {
   public:
    task<T> get_return_object(
        std::source_location where = std::source_location::current()) noexcept {
        this->made_at(where);
        return task<T>(*this);
    }
};

// Awaits a task, which is its to destroy.
template <class T>
class task_awaiter final : public child_link {
   public:
    explicit task_awaiter(task_promise<T>& promise) noexcept : child_link(&promise) {}
    ~task_awaiter() {
        if (child()) child()->destroy();
    }
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> parent) noexcept {
        return enter(parent.promise());
    }
    T await_resume() { return static_cast<task_promise<T>*>(child())->take(); }
};

template <class A>
inline constexpr bool is_task = false;
template <class T>
inline constexpr bool is_task<task<T>> = true;

}  // namespace detail
}  // namespace tandem
