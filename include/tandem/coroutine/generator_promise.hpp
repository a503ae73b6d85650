// SPDX-License-Identifier: BSL-1.0
// tandem/coroutine/generator_promise.hpp: what a generator says, hears and returns.        level 1
#pragma once

#include <tandem/core/error.hpp>
#include <tandem/core/outcome.hpp>
#include <tandem/coroutine/generator_chain.hpp>

#include <concepts>
#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace tandem::detail {

// What was sent to a generator and not yet looked at. It stays where the sender has it.
template <class Send>
class generator_inbox {
   public:
    using value_type = std::remove_reference_t<Send>;

    void put(value_type& sent) noexcept { sent_ = std::addressof(sent); }
    void put_nothing() noexcept { sent_ = nullptr; }
    // Whether it was sent, and not just next() called.
    bool was_sent() const noexcept { return sent_ != nullptr; }
    Send take() {
        if constexpr (std::default_initializable<Send>) {
            if (!sent_) return Send{};
        }
        return static_cast<Send&&>(*sent_);
    }

   private:
    value_type* sent_ = nullptr;
};

// What fits in two registers is copied.
template <class Send>
    requires(std::is_trivially_copyable_v<Send> && std::default_initializable<Send> &&
             std::is_move_assignable_v<Send> && sizeof(Send) <= 2 * sizeof(void*))
class generator_inbox<Send> {
   public:
    using value_type = Send;

    void put(const Send& sent) noexcept {
        value_ = sent;
        was_sent_ = true;
    }
    void put_nothing() noexcept {
        value_ = Send{};
        was_sent_ = false;
    }
    bool was_sent() const noexcept { return was_sent_; }
    Send take() const noexcept { return value_; }

   private:
    Send value_;  // both are set before the coroutine looks at them
    bool was_sent_;
};

template <>
class generator_inbox<void> {
   public:
    void put_nothing() noexcept {}
    bool was_sent() const noexcept { return false; }
    void take() const noexcept {}
};

// Whether the compiler destroys a temporary twice that is made inside a co_yield (GCC bug 101976).
template <class T>
inline constexpr bool destroyed_twice =
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
    std::is_aggregate_v<T> && !std::is_trivially_destructible_v<T>;
#else
    false;
#endif

// A generator as a partner in talk: generators that delegate to each other agree on what they yield
// and what they are sent, and differ in what they return.
template <class Yield, class Send>
class generator_voice : public generator_link {
    static_assert(!std::is_void_v<Yield>, "a generator yields something");

   public:
    using shown = std::remove_reference_t<Yield>;  // what the other side sees, by address
    using link = generator_link;
    using link::link;

    // The inbox of the one that will be resumed.
    generator_inbox<Send>& inbox() noexcept {
        return static_cast<generator_voice&>(this->leaf()).inbox_;
    }

    // Whether it was last resumed by a send.
    bool sent_last() const noexcept { return inbox_.was_sent(); }

    // The coroutine waits here until it is resumed.
    class at_yield {
       public:
        explicit at_yield(generator_voice& me) noexcept : me_(&me) {}
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<>) const noexcept {}
        Send await_resume() const {
            me_->throw_if_raised();
            return me_->inbox_.take();
        }

       protected:
        generator_voice* me_;
    };
    // The same, and keeps what it shows.
    class at_yield_of_copy : public at_yield {
       public:
        at_yield_of_copy(generator_voice& me, const shown& value) : at_yield(me), copy_(value) {}
        void await_suspend(std::coroutine_handle<>) noexcept {
            this->me_->yields(std::addressof(copy_));
        }

       private:
        shown copy_;
    };

    // A temporary and what is yielded by reference are shown where they are.
    at_yield yield_value(shown&& value) noexcept
        requires(!std::is_lvalue_reference_v<Yield> && !std::is_const_v<shown> &&
                 !destroyed_twice<shown>)
    {
        this->yields(std::addressof(value));
        return at_yield(*this);
    }
    [[deprecated("g++ 12 destroys an aggregate twice if it is made in a co_yield: name it first")]]
    at_yield yield_value(shown&& value) noexcept
        requires(!std::is_lvalue_reference_v<Yield> && !std::is_const_v<shown> &&
                 destroyed_twice<shown>)
    {
        this->yields(std::addressof(value));
        return at_yield(*this);
    }
    at_yield yield_value(shown& value) noexcept
        requires(std::is_lvalue_reference_v<Yield> || std::is_const_v<shown>)
    {
        this->yields(std::addressof(value));
        return at_yield(*this);
    }
    // Of a variable the other side gets a copy, to do with what it likes.
    at_yield_of_copy yield_value(const shown& value)
        requires(!std::is_lvalue_reference_v<Yield> && !std::is_const_v<shown> &&
                 std::copy_constructible<shown>)
    {
        return at_yield_of_copy(*this, value);
    }

    // No coroutine begins before it is resumed, and none goes away before its owner says so.
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_always final_suspend() const noexcept { return {}; }
    void unhandled_exception() noexcept { this->fails(); }

   private:
    generator_inbox<Send> inbox_;
};

// Adds the value that the generator returns.
template <class Yield, class Send, class Return>
class generator_return : public generator_voice<Yield, Send> {
   public:
    using generator_voice<Yield, Send>::generator_voice;

    template <class T = Return>
        requires std::convertible_to<T, Return>
    void return_value(T&& value) {
        if constexpr (std::is_reference_v<Return>) {
            Return converted = static_cast<T&&>(value);
            result_ = std::addressof(converted);
        } else {
            result_.emplace(static_cast<T&&>(value));
        }
    }

    // Throws: what the generator ended with. Requires: it has ended.
    std::add_lvalue_reference_t<Return> result() {
        this->throw_if_failed();
        if constexpr (std::is_reference_v<Return>) {
            return **result_;
        } else {
            return *result_;
        }
    }

   private:
    std::optional<stored_t<Return>> result_;
};

template <class Yield, class Send>
class generator_return<Yield, Send, void> : public generator_voice<Yield, Send> {
   public:
    using generator_voice<Yield, Send>::generator_voice;

    void return_void() const noexcept {}
    void result() const { this->throw_if_failed(); }
};

// Waits until the delegate has ended, and gives what it returned: a value if the delegate is owned,
// a reference to it if it is lent.
template <class Yield, class Send, class Return, bool owned>
class at_delegate {
   public:
    using delegate = generator_return<Yield, Send, Return>;
    using result_type = std::conditional_t<owned, Return, std::add_lvalue_reference_t<Return>>;

    // `to` may be null: a generator that is closed. Throws: invalid_state if it is in use.
    at_delegate(generator_link& me, delegate* to) : to_(to) {
        if (!to) return;
        if (to->has_begun()) [[unlikely]] {
            to->check_not_in_use();
            if (to->has_ended()) return;
            to->inbox().put_nothing();
        }
        me.delegate_to(*to, owned);
    }
    bool await_ready() const noexcept { return !to_ || !to_->is_delegated(); }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    result_type await_resume() const {
        if (!to_ || !to_->is_delegated()) [[unlikely]]
            return to_ ? result() : nothing();
        const leaves at_end(*to_);
        return result();
    }

   private:
    class leaves {
       public:
        explicit leaves(generator_link& delegate) noexcept : delegate_(delegate) {}
        leaves(const leaves&) = delete;
        leaves& operator=(const leaves&) = delete;
        ~leaves() { delegate_.leave_chain(); }

       private:
        generator_link& delegate_;
    };
    static result_type nothing() {
        if constexpr (!std::is_void_v<Return>) {
            throw invalid_state("the generator delegated to was closed: it has no result");
        }
    }

    result_type result() const {
        return static_cast<std::conditional_t<owned, std::add_rvalue_reference_t<Return>,
                                              std::add_lvalue_reference_t<Return>>>(to_->result());
    }

    delegate* to_;
};

}  // namespace tandem::detail
