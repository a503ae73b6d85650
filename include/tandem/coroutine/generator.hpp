// SPDX-License-Identifier: BSL-1.0
// tandem/coroutine/generator.hpp: functions that yield, are sent values, and delegate.        level 1
#pragma once

#include <tandem/core/error.hpp>
#include <tandem/coroutine/frame_pool.hpp>
#include <tandem/coroutine/generator_chain.hpp>
#include <tandem/coroutine/generator_promise.hpp>

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <iterator>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <variant>

namespace tandem {

namespace detail {

struct generator_access;

}  // namespace detail

/// A function that stops at each `co_yield`, shows a value there and goes on when it is asked to:
/// by next(), or by send(v), which makes the `co_yield` evaluate to v. It may return a value with
/// `co_return`, and hand the conversation to another generator with `co_await yield_from(g)`.
/// Without Send it is a view: `for (int& x : numbers())`. Python: a generator function.
///
/// It runs nothing before it is asked for the first time. Its frame is recycled; with an Allocator
/// it comes from the one that follows std::allocator_arg as the first parameters.
/// Yield may be a reference, which shows the thing itself; what is shown stays until the generator
/// is resumed. A variable that is yielded by value is copied, a temporary is not.
/// Thread safety: one thread at a time; a suspended generator may go on in another thread.
template <class Yield, class Send = void, class Return = void, class Allocator = void>
class [[nodiscard]] generator {
   public:
    class promise_type;
    class iterator;
    /// What next() and send() give: where the value is, null at the end.
    using pointer = std::add_pointer_t<std::remove_reference_t<Yield>>;
    /// What send() takes.
    using sent = std::conditional_t<std::is_void_v<Send>, std::monostate, Send>;

    /// Has ended.
    generator() noexcept = default;
    generator(generator&& other) noexcept : promise_(std::exchange(other.promise_, nullptr)) {}
    generator& operator=(generator&& other) noexcept {
        generator taken(std::move(other));
        std::swap(promise_, taken.promise_);
        return *this;
    }
    /// As close(); but one that another one delegates to lives on until that is over. To destroy
    /// one that is running ends the program (std::terminate).
    ~generator() {
        if (promise_) std::exchange(promise_, nullptr)->abandon();
    }

    /// Goes on to the next `co_yield`, which evaluates to Send{}. Python: next(g).
    /// Returns: where the value is; null if the generator has ended, now or before.
    /// Throws: what the generator throws, which ends it; invalid_state if it is running, or another
    /// one delegates to it, or Send has no default where one is needed.
    pointer next();

    /// Goes on to the next `co_yield`; the one where it waits evaluates to `value`. Python: g.send.
    /// Returns: as next(). Throws: as next(); invalid_state if it has not begun: nobody waits.
    pointer send(sent value)
        requires(!std::is_void_v<Send>);

    /// Goes on with `error` thrown at the `co_yield` where it waits, which is the innermost
    /// generator's if it delegates. Python: g.throw.
    /// Returns: as next(). Throws: as next(): `error` itself, unless it is caught. A generator that
    /// has not begun ends with it, one that has ended throws it. Null is std::invalid_argument.
    pointer raise(std::exception_ptr error);

    /// Destroys what lives in the suspended generator and in those it delegates to (not those that
    /// it was lent), innermost first. Does nothing if it has ended. Python: g.close.
    /// Throws: invalid_state if it is running, or another one delegates to it.
    void close();

    /// What it returned. Throws: what it ended with; invalid_state if it has not ended, or was
    /// closed. Python: StopIteration.value.
    std::add_lvalue_reference_t<Return> result() &;
    /// The same, and it moves out.
    Return result() &&;

    /// Where it is. Python: inspect.getgeneratorstate.
    generator_state state() const noexcept {
        return promise_ ? promise_->state() : generator_state::closed;
    }

    /// The values from the current one on: the one that an iterator shows, else the next one. Each
    /// is fetched when it is compared or looked at: `g | std::views::take(3)` fetches three.
    iterator begin() noexcept
        requires std::is_void_v<Send>
    {
        return iterator(*this);
    }
    std::default_sentinel_t end() const noexcept
        requires std::is_void_v<Send>
    {
        return {};
    }

   private:
    friend detail::generator_access;
    using body = detail::generator_return<Yield, Send, Return>;

    explicit generator(body& promise) noexcept : promise_(&promise) {}

    static pointer shown(const void* value) noexcept {
        return static_cast<pointer>(const_cast<void*>(value));
    }
    pointer begin_or_end();
    pointer current();

    body* promise_ = nullptr;
};

/// Goes through the values of a generator that is not sent any.
/// Thread safety: as the generator's.
template <class Yield, class Send, class Return, class Allocator>
class generator<Yield, Send, Return, Allocator>::iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using value_type = std::remove_cvref_t<Yield>;
    using difference_type = std::ptrdiff_t;
    using reference = std::conditional_t<std::is_reference_v<Yield>, Yield, Yield&>;

    iterator() noexcept = default;

    reference operator*() const { return static_cast<reference>(*of_->current()); }
    iterator& operator++() noexcept {
        if (of_->promise_) of_->promise_->set_current(false);
        return *this;
    }
    void operator++(int) noexcept { ++*this; }
    bool operator==(std::default_sentinel_t) const { return !of_->current(); }

   private:
    friend generator;
    explicit iterator(generator& of) noexcept : of_(&of) {}
    generator* of_ = nullptr;
};

namespace detail {

// What yield_from makes of a generator, which is lent or given away. It cannot be moved: it is
// awaited where it is made.
template <class Generator, bool owned>
class [[nodiscard]] delegation {
   public:
    explicit delegation(Generator& given) noexcept : to(given) {}
    delegation(const delegation&) = delete;
    delegation& operator=(const delegation&) = delete;
    Generator& to;
};

// What yield_from makes of a range.
template <class View>
class [[nodiscard]] range_delegation {
   public:
    explicit range_delegation(View&& of) : elements(std::move(of)) {}
    range_delegation(const range_delegation&) = delete;
    range_delegation& operator=(const range_delegation&) = delete;
    View elements;
};

template <class>
inline constexpr bool is_generator = false;
template <class Yield, class Send, class Return, class Allocator>
inline constexpr bool is_generator<generator<Yield, Send, Return, Allocator>> = true;

}  // namespace detail

/// `co_await yield_from(g)`, in a generator that yields and is sent the same types: what the outer
/// one is asked, sent and raised goes straight to g, in the same time at any depth, until g has
/// ended. Gives what g returned, or throws what it ended with. Python: `yield from g`.
///
/// A temporary belongs to the outer generator. A variable is lent: it cannot be resumed meanwhile,
/// closing the outer one leaves it where it is, and what it returned is given by reference.
/// Throws: invalid_state if g is running (it delegates to itself) or delegated to already.
template <class Yield, class Send, class Return, class Allocator>
auto yield_from(generator<Yield, Send, Return, Allocator>&& g) noexcept {
    return detail::delegation<generator<Yield, Send, Return, Allocator>, true>(g);
}
template <class Yield, class Send, class Return, class Allocator>
auto yield_from(generator<Yield, Send, Return, Allocator>& g) noexcept {
    return detail::delegation<generator<Yield, Send, Return, Allocator>, false>(g);
}

/// `co_await yield_from(range)` yields its elements. Nothing can be sent to them: invalid_state. A
/// generator that yields other types, or is sent nothing when the outer one is, counts as a range.
template <std::ranges::viewable_range Range>
    requires(std::ranges::input_range<Range> && !detail::is_generator<std::remove_cvref_t<Range>>)
auto yield_from(Range&& range) {
    return detail::range_delegation<std::views::all_t<Range>>(
        std::views::all(std::forward<Range>(range)));
}

namespace detail {

// Asks whether the outer generator was sent a value, or only resumed.
struct was_sent {};

struct generator_access {
    template <class Yield, class Send, class Return, class Allocator>
    static auto* promise(generator<Yield, Send, Return, Allocator>& of) noexcept {
        return of.promise_;
    }
    template <class Generator>
    static void forget(Generator& of) noexcept {
        of.promise_ = nullptr;
    }
};

// A range as a generator, or another generator and what it returns.
template <class Yield, class Send, class Return, class Source>
generator<Yield, Send, Return> yield_elements(Source source) {
    for (auto&& element : source) {
        co_yield static_cast<decltype(element)>(element);
        if constexpr (!std::is_void_v<Send>) {
            const bool sent = co_await was_sent{};
            if (sent)
                throw invalid_state("a value was sent, but the elements of a range hear none");
        }
    }
    if constexpr (!std::is_void_v<Return>) co_return static_cast<Return&&>(source.result());
}

}  // namespace detail

/// The coroutine's side: what the compiler calls.
template <class Yield, class Send, class Return, class Allocator>
class generator<Yield, Send, Return, Allocator>::promise_type
    : public detail::generator_return<Yield, Send, Return>,
      public detail::frame_storage<Allocator> {
    using base = detail::generator_return<Yield, Send, Return>;
    using access = detail::generator_access;

   public:
    promise_type() noexcept : base(std::coroutine_handle<promise_type>::from_promise(*this)) {
        static_assert(alignof(promise_type) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__,
                      "g++ does not align coroutine frames that far");
    }
    generator get_return_object() noexcept { return generator(*this); }

    template <class Result, class A, bool owned>
    auto await_transform(detail::delegation<generator<Yield, Send, Result, A>, owned> from) {
        detail::at_delegate<Yield, Send, Result, owned> waits(*this, access::promise(from.to));
        if (owned && !waits.await_ready())
            access::forget(from.to);  // it is the chain's from now on
        return waits;
    }
    template <class View>
    auto await_transform(detail::range_delegation<View> from) {
        auto source = detail::yield_elements<Yield, Send, void, View>(std::move(from.elements));
        return await_transform(yield_from(std::move(source)));
    }
    // One that yields something else, which is converted.
    template <class Other, class Result, class A, bool owned>
        requires(!std::is_same_v<Other, Yield> || !std::is_void_v<Send>)
    auto await_transform(detail::delegation<generator<Other, void, Result, A>, owned> from) {
        using given = std::conditional_t<owned, generator<Other, void, Result, A>,
                                         generator<Other, void, Result, A>&>;
        using result = std::conditional_t<owned, Result, std::add_lvalue_reference_t<Result>>;
        auto source =
            detail::yield_elements<Yield, Send, result, given>(static_cast<given&&>(from.to));
        return await_transform(yield_from(std::move(source)));
    }
    auto await_transform(detail::was_sent) const noexcept {
        class answer : public std::suspend_never {
           public:
            explicit answer(bool sent) noexcept : sent_(sent) {}
            bool await_resume() const noexcept { return sent_; }

           private:
            bool sent_;
        };
        return answer(this->sent_last());
    }
};

template <class Yield, class Send, class Return, class Allocator>
auto generator<Yield, Send, Return, Allocator>::next() -> pointer {
    if (!promise_ || !promise_->is_suspended()) [[unlikely]]
        return begin_or_end();
    if constexpr (!std::is_void_v<Send> && !std::default_initializable<Send>) {
        detail::generator_link::throw_waits_for_a_value();
    }
    promise_->inbox().put_nothing();
    promise_->set_current(false);
    return shown(promise_->drive());
}

template <class Yield, class Send, class Return, class Allocator>
auto generator<Yield, Send, Return, Allocator>::send(sent value) -> pointer
    requires(!std::is_void_v<Send>)
{
    if (!promise_ || !promise_->is_suspended()) [[unlikely]] {
        if (promise_) promise_->check_has_begun();
        return nullptr;
    }
    promise_->inbox().put(value);
    return shown(promise_->drive());
}

template <class Yield, class Send, class Return, class Allocator>
auto generator<Yield, Send, Return, Allocator>::raise(std::exception_ptr error) -> pointer {
    if (!error) throw std::invalid_argument("generator: there is no exception to raise");
    if (promise_) promise_->check_not_in_use();
    if (!promise_ || promise_->has_ended()) std::rethrow_exception(std::move(error));
    promise_->set_current(false);
    return shown(promise_->raise(std::move(error)));
}

template <class Yield, class Send, class Return, class Allocator>
void generator<Yield, Send, Return, Allocator>::close() {
    if (!promise_) return;
    promise_->check_not_in_use();
    if (!promise_->has_ended()) std::exchange(promise_, nullptr)->destroy();
}

// When there is no co_yield to go on from.
template <class Yield, class Send, class Return, class Allocator>
auto generator<Yield, Send, Return, Allocator>::begin_or_end() -> pointer {
    if (!promise_) return nullptr;
    if (!promise_->has_begun()) return shown(promise_->begin());
    promise_->check_not_in_use();
    return nullptr;
}

// What an iterator shows.
template <class Yield, class Send, class Return, class Allocator>
auto generator<Yield, Send, Return, Allocator>::current() -> pointer {
    if (promise_ && promise_->is_current()) return shown(promise_->value());
    const pointer value = next();
    if (value) promise_->set_current(true);
    return value;
}

template <class Yield, class Send, class Return, class Allocator>
std::add_lvalue_reference_t<Return> generator<Yield, Send, Return, Allocator>::result() & {
    if (!promise_) throw invalid_state("the generator was closed: it has no result");
    if (!promise_->has_ended()) throw invalid_state("the generator has not ended yet");
    return promise_->result();
}

template <class Yield, class Send, class Return, class Allocator>
Return generator<Yield, Send, Return, Allocator>::result() && {
    return static_cast<std::add_rvalue_reference_t<Return>>(result());
}

}  // namespace tandem

template <class Yield, class Return, class Allocator>
inline constexpr bool std::ranges::enable_view<tandem::generator<Yield, void, Return, Allocator>> =
    true;
