// SPDX-License-Identifier: BSL-1.0
// tandem/core/expected.hpp: a value, or the reason why there is none.        level 0
#pragma once

#include <tandem/core/error.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>
#include <variant>

namespace tandem {

template <class T, class E>
class expected;

/// The reason, on its way into an expected.
/// Thread safety: as E.
template <class E>
class unexpected {
   public:
    template <class Cause = E>
        requires(!std::same_as<std::remove_cvref_t<Cause>, unexpected> &&
                 std::constructible_from<E, Cause>)
    explicit unexpected(Cause&& cause) : error_(std::forward<Cause>(cause)) {}

    const E& error() const& noexcept { return error_; }
    E& error() & noexcept { return error_; }
    E&& error() && noexcept { return std::move(error_); }

    friend bool operator==(const unexpected& left, const unexpected& right)
        requires std::equality_comparable<E>
    {
        return left.error_ == right.error_;
    }

   private:
    E error_;
};

template <class E>
unexpected(E) -> unexpected<E>;

namespace detail {

template <class T>
inline constexpr bool is_expected = false;
template <class T, class E>
inline constexpr bool is_expected<expected<T, E>> = true;
template <class T>
inline constexpr bool is_unexpected = false;
template <class E>
inline constexpr bool is_unexpected<unexpected<E>> = true;

// What an expected<T, ...> takes as its value. bool is not made from another expected, whose own
// conversion to bool would say something else.
template <class U, class T>
concept value_for =
    std::constructible_from<T, U> && !std::same_as<std::remove_cvref_t<U>, std::in_place_t> &&
    !is_unexpected<std::remove_cvref_t<U>> &&
    !(std::same_as<std::remove_cv_t<T>, bool> && is_expected<std::remove_cvref_t<U>>);

template <class Left, class Right>
concept has_equal = requires(const Left& left, const Right& right) {
    { left == right } -> std::convertible_to<bool>;
};

}  // namespace detail

/// Holds a T, or an E that says why there is none.
/// The part of C++23's std::expected that the library needs, and its layout is the same in every
/// language mode; but what is undefined there (`*` without a value) throws invalid_state here.
/// An assignment that changes which of the two is held has no effect if it throws.
/// Thread safety: as T and E.
template <class T, class E>
class [[nodiscard]] expected {
    static_assert(std::is_object_v<T> && std::is_object_v<E>);
    static_assert(std::is_nothrow_move_constructible_v<E>, "the error must survive a throwing T");

   public:
    using value_type = T;
    using error_type = E;
    using unexpected_type = unexpected<E>;

    expected()
        requires std::default_initializable<T>
        : state_(std::in_place_index<0>) {}

    template <class U = T>
        requires(!std::same_as<std::remove_cvref_t<U>, expected> && detail::value_for<U, T>)
    explicit(!std::is_convertible_v<U, T>) expected(U&& value)
        : state_(std::in_place_index<0>, std::forward<U>(value)) {}

    template <class... Args>
        requires std::constructible_from<T, Args...>
    explicit expected(std::in_place_t, Args&&... args)
        : state_(std::in_place_index<0>, std::forward<Args>(args)...) {}

    template <class G>
        requires std::constructible_from<E, const G&>
    explicit(!std::is_convertible_v<const G&, E>) expected(const unexpected<G>& cause)
        : state_(std::in_place_index<1>, cause.error()) {}

    template <class G>
        requires std::constructible_from<E, G>
    explicit(!std::is_convertible_v<G, E>) expected(unexpected<G>&& cause)
        : state_(std::in_place_index<1>, std::move(cause).error()) {}

    expected(const expected&) = default;
    expected(expected&&) = default;
    ~expected() = default;

    expected& operator=(const expected& other)
        requires(std::copyable<T> && std::copyable<E>)
    {
        assign(other);
        return *this;
    }

    expected& operator=(expected&& other) noexcept(std::is_nothrow_move_constructible_v<T> &&
                                                   std::is_nothrow_move_assignable_v<T> &&
                                                   std::is_nothrow_move_assignable_v<E>)
        requires(std::movable<T> && std::movable<E>)
    {
        assign(std::move(other));
        return *this;
    }

    /// Whether it holds a value.
    bool has_value() const noexcept { return state_.index() == 0; }
    /// Whether it holds a value.
    explicit operator bool() const noexcept { return has_value(); }

    /// The value. Throws: invalid_state if there is none.
    T& value() & { return get<0>(state_); }
    const T& value() const& { return get<0>(state_); }
    T&& value() && { return std::move(get<0>(state_)); }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return std::addressof(value()); }
    const T* operator->() const { return std::addressof(value()); }

    /// The error. Throws: invalid_state if there is none.
    E& error() & { return get<1>(state_); }
    const E& error() const& { return get<1>(state_); }
    E&& error() && { return std::move(get<1>(state_)); }

    /// The value, or `other` if there is none.
    template <class U>
    T value_or(U&& other) const& {
        return has_value() ? value() : static_cast<T>(std::forward<U>(other));
    }
    template <class U>
    T value_or(U&& other) && {
        return has_value() ? std::move(*this).value() : static_cast<T>(std::forward<U>(other));
    }

    friend bool operator==(const expected& left, const expected& right)
        requires(std::equality_comparable<T> && std::equality_comparable<E>)
    {
        if (left.has_value() != right.has_value()) return false;
        return left ? *left == *right : left.error() == right.error();
    }

   private:
    template <std::size_t Index, class State>
    static auto& get(State& state) {
        auto* held = std::get_if<Index>(&state);
        if (!held)
            throw invalid_state(Index == 0 ? "value of an expected that holds an error"
                                           : "error of an expected that holds a value");
        return *held;
    }

    template <class Other>
    void assign(Other&& other) {
        if (has_value() && other.has_value())
            value() = std::forward<Other>(other).value();
        else if (has_value())
            state_.template emplace<1>(E(std::forward<Other>(other).error()));
        else if (!other.has_value())
            error() = std::forward<Other>(other).error();
        else
            replace_error(std::forward<Other>(other).value());
    }

    // The variant alone would lose both when T's constructor throws.
    template <class U>
    void replace_error(U&& value) {
        E kept = std::move(error());
        try {
            state_.template emplace<0>(std::forward<U>(value));
        } catch (...) {
            state_.template emplace<1>(std::move(kept));
            throw;
        }
    }

    std::variant<T, E> state_;
};

// Not friends, so that nothing converts to an expected just to be compared.
template <class T, class E, class U>
    requires(!detail::is_expected<U> && !detail::is_unexpected<U> && detail::has_equal<T, U>)
bool operator==(const expected<T, E>& left, const U& right) {
    return left && *left == right;
}

template <class T, class E, class G>
    requires detail::has_equal<E, G>
bool operator==(const expected<T, E>& left, const unexpected<G>& right) {
    return !left && left.error() == right.error();
}

}  // namespace tandem
