// SPDX-License-Identifier: BSL-1.0
// tandem/ipc/shippable.hpp: which calls can go to another process.        level 1
#pragma once

#include <tandem/core/invoke.hpp>
#include <tandem/ipc/codec.hpp>

#include <concepts>
#include <string>
#include <type_traits>
#include <utility>

namespace tandem {

/// A callable whose bytes travel as they are: `bitwise(f)`.
/// Requires: every capture is plain data held by value. A capture by reference cannot be detected.
template <class F>
class bitwise_callable {
   public:
    static_assert(std::is_trivially_copyable_v<F>,
                  "tandem: bitwise(f) needs every capture to be plain data (trivially copyable); "
                  "pass anything else as an argument");

    explicit bitwise_callable(F f) : f_(std::move(f)) {}

    template <class... Args>
        requires std::invocable<const F&, Args...>
    decltype(auto) operator()(Args&&... args) const {
        return std::invoke(f_, std::forward<Args>(args)...);
    }

   private:
    F f_;
};

/// Promises that a lambda's captures are plain data by value, so that it may travel bit by bit.
template <class F>
bitwise_callable<F> bitwise(F f) {
    return bitwise_callable<F>(std::move(f));
}

/// A function named at compile time, as a stateless callable: `fn<f>`.
template <auto Function>
struct function_constant {
    template <class... Args>
        requires std::invocable<decltype(Function), Args...>
    decltype(auto) operator()(Args&&... args) const {
        return std::invoke(Function, std::forward<Args>(args)...);
    }
};
template <auto Function>
inline constexpr function_constant<Function> fn{};

namespace detail {

template <class F>
inline constexpr bool is_bitwise = false;
template <class F>
inline constexpr bool is_bitwise<bitwise_callable<F>> = true;

template <class F>
inline constexpr bool is_function_pointer =
    std::is_pointer_v<F> && std::is_function_v<std::remove_pointer_t<F>>;

// F, decayed, is named by a token; only a function's place or bitwise bytes go beside it.
template <class F>
concept shippable_callable =
    (stateless<F> && std::is_default_constructible_v<F>) || is_function_pointer<F> || is_bitwise<F>;

// The type that an argument travels as: its decayed type, a string literal as a string.
template <class Arg>
struct shipped {
    using type = std::decay_t<Arg>;
};
template <std::size_t N>
struct shipped<const char (&)[N]> {
    using type = std::string;
};
template <class Arg>
using shipped_t = typename shipped<Arg&&>::type;

template <class F, class... Args>
using shipped_result_t = typename task_result<F, Args...>::type;

template <class R>
concept travels_back = std::is_void_v<R> || travels<std::remove_cvref_t<R>>;

// Whether F, called with Args there, can go to another process.
template <class F, class... Args>
concept callable_elsewhere =
    shippable_callable<F> && (travels<std::remove_cvref_t<Args>> && ...) &&
    task_invocable<F&, Args...> && travels_back<shipped_result_t<F&, Args...>>;

// Says at compile time what keeps a call from travelling. Args are what F is called with there.
template <class F, class... Args>
constexpr void require_call() {
    static_assert(shippable_callable<F>,
                  "tandem: this callable has captures or state, which cannot be checked for "
                  "pointers; pass the state as arguments, or wrap the callable in "
                  "tandem::bitwise(f) if every capture is plain data by value");
    [&]<int... I>(std::integer_sequence<int, I...>) {
        (require_travels<std::remove_cvref_t<Args>, argument<I>>(), ...);
    }(std::make_integer_sequence<int, sizeof...(Args)>());
    static_assert(task_invocable<F&, Args...>,
                  "tandem: the callable cannot be called with these arguments in another process: "
                  "it gets copies there (for map: const elements), so it may not change them");
    if constexpr (task_invocable<F&, Args...>) {
        using R = shipped_result_t<F&, Args...>;
        if constexpr (!std::is_void_v<R>) require_travels<std::remove_cvref_t<R>, result>();
    }
}

// The result that the bytes of a call are. Throws: codec_error.
template <class R>
R decode_result(reader& in) {
    if constexpr (std::is_void_v<R>) {
        if (in.remaining() != 0) throw codec_error("bytes where a call has no result");
    } else {
        R value = tandem::decode<R>(in);
        if (in.remaining() != 0) throw codec_error("bytes are left after a call's result");
        return value;
    }
}

}  // namespace detail

/// A call that could go to another process: the callable is a function, a lambda without captures,
/// a stateless functor or bitwise(f); each argument and the result are data that owns what it
/// refers to (a string literal goes as std::string).
template <class F, class... Args>
concept shippable = detail::callable_elsewhere<std::decay_t<F>, detail::shipped_t<Args>...>;

}  // namespace tandem
