// SPDX-License-Identifier: BSL-1.0
// tandem/coroutine/async_generator.hpp: a coroutine that awaits things, and yields values one by one.        level 1
#pragma once

#include <tandem/core/error.hpp>
#include <tandem/core/outcome.hpp>
#include <tandem/coroutine/promise_base.hpp>

#include <concepts>
#include <coroutine>
#include <memory>
#include <source_location>
#include <type_traits>
#include <utility>

namespace tandem {

namespace detail {
template <class T>
class async_generator_promise;
template <class T>
class next_awaiter;
template <class T>
class aclose_awaiter;
template <class T, class Awaiter>
class generator_request;
}  // namespace detail

/// A coroutine that may both `co_await` and `co_yield`: `while (auto* x = co_await g.next())`. It
/// runs in the task that asks for the next value, and only then. Python: an async generator.
/// Cancellation: meets whatever the generator awaits.
/// Thread safety: belongs to the loop's thread. Lifetime: one that is destroyed where it waits
/// destroys its variables, as a scope does; aclose() lets it await something on the way.
template <class T>
class [[nodiscard]] async_generator {
   public:
    using promise_type = detail::async_generator_promise<T>;
    using value_type = std::remove_reference_t<T>;

    async_generator(async_generator&& other) noexcept
        : promise_(std::exchange(other.promise_, nullptr)) {}
    async_generator& operator=(async_generator&& other) noexcept {
        async_generator old(std::move(*this));
        promise_ = std::exchange(other.promise_, nullptr);
        return *this;
    }
    ~async_generator() {
        if (promise_) promise_->destroy();
    }

    /// `co_await g.next()`: runs it to its next value. Gives a pointer to that, which is good until
    /// the next call; null at the end. Throws: what the generator throws, then it is at its end;
    /// invalid_state if another task waits for its next value. Python: anext.
    auto next() noexcept { return detail::generator_request<T, detail::next_awaiter<T>>(promise_); }
    /// `co_await g.aclose()`: ends it: the co_yield where it waits throws cancelled_error, so that
    /// it may catch that and await something before it ends. Throws: what it throws meanwhile, but
    /// not that error; invalid_state if it yields once more.
    auto aclose() noexcept {
        return detail::generator_request<T, detail::aclose_awaiter<T>>(promise_);
    }

   private:
    friend promise_type;
    explicit async_generator(promise_type& promise) noexcept : promise_(&promise) {}
    promise_type* promise_;
};

namespace detail {

template <class T>
class async_generator_promise final : public promise_base {
    using value_type = std::remove_reference_t<T>;

   public:
    async_generator_promise() noexcept { owned_elsewhere_ = true; }
    async_generator<T> get_return_object(
        std::source_location where = std::source_location::current()) noexcept {
        made_at(where);
        return async_generator<T>(*this);
    }
    void return_void() const noexcept {}

    class yield_awaiter {
       public:
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<async_generator_promise> here) const noexcept {
            here.promise().leave();
        }
        void await_resume() const {
            if (of_.closing_) throw cancelled_error("the generator was closed");
        }

       private:
        friend async_generator_promise;
        explicit yield_awaiter(async_generator_promise& of) noexcept : of_(of) {}
        async_generator_promise& of_;
    };
    // A value that is not the generator's to change is yielded as a copy.
    class copy_awaiter : public yield_awaiter {
        friend async_generator_promise;
        copy_awaiter(async_generator_promise& of, const value_type& value)
            : yield_awaiter(of), copy_(value) {
            of.yielded_ = std::addressof(copy_);
        }
        value_type copy_;
    };
    yield_awaiter yield_value(value_type& value) noexcept {
        yielded_ = std::addressof(value);
        return yield_awaiter(*this);
    }
    yield_awaiter yield_value(value_type&& value) noexcept
        requires(!std::is_reference_v<T>)
    {
        yielded_ = std::addressof(value);
        return yield_awaiter(*this);
    }
    copy_awaiter yield_value(const value_type& value)
        requires(!std::is_reference_v<T> && !std::is_const_v<value_type> &&
                 std::copy_constructible<value_type>)
    {
        return copy_awaiter(*this, value);
    }

    // What it came to: the next value, or null.
    value_type* take() {
        throw_error();
        return done() ? nullptr : std::exchange(yielded_, nullptr);
    }
    void close() noexcept { closing_ = true; }
    // One at a time.
    void enter() {
        if (std::exchange(entered_, true))
            throw invalid_state("the generator is asked for its next value already");
    }
    void exit() noexcept { entered_ = false; }

   private:
    value_type* yielded_ = nullptr;
    bool closing_ = false;
    bool entered_ = false;
};

template <class T>
class generator_awaiter : public child_link {
   public:
    ~generator_awaiter() {
        if (entered_ && child()) promise().exit();
    }
    bool await_ready() {
        if (!child()) throw invalid_state("the generator was moved from");
        promise().enter();
        entered_ = true;
        return promise().done();
    }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> parent) noexcept {
        child()->begin();
        return enter(parent.promise());
    }

   protected:
    explicit generator_awaiter(async_generator_promise<T>* promise) noexcept
        : child_link(promise) {}
    async_generator_promise<T>& promise() const noexcept {
        return *static_cast<async_generator_promise<T>*>(child());
    }

   private:
    bool entered_ = false;
};

template <class T>
class next_awaiter final : public generator_awaiter<T> {
   public:
    explicit next_awaiter(async_generator_promise<T>* promise) noexcept
        : generator_awaiter<T>(promise) {}
    std::remove_reference_t<T>* await_resume() { return this->promise().take(); }
};

template <class T>
class aclose_awaiter final : public generator_awaiter<T> {
   public:
    explicit aclose_awaiter(async_generator_promise<T>* promise) noexcept
        : generator_awaiter<T>(promise) {}
    bool await_ready() {
        if (generator_awaiter<T>::await_ready()) return true;
        if (!this->promise().begun()) {
            this->promise().fail(nullptr);
            return true;
        }
        this->promise().close();
        return false;
    }
    void await_resume() {
        if (is_cancelled(this->promise().error())) this->promise().take_error();
        if (this->promise().take())
            throw invalid_state("the generator yields although it is closed");
    }
};

template <class T, class Awaiter>
class [[nodiscard]] generator_request {
   public:
    explicit generator_request(async_generator_promise<T>* promise) noexcept : promise_(promise) {}
    Awaiter operator co_await() && noexcept { return Awaiter(promise_); }

   private:
    async_generator_promise<T>* promise_;
};

}  // namespace detail
}  // namespace tandem
