// SPDX-License-Identifier: BSL-1.0
// tandem/executor/element.hpp: how a map calls its function on an element, here or elsewhere.        level 2
#pragma once

#include <tandem/core/invoke.hpp>
#include <tandem/ipc/shippable.hpp>

#if TANDEM_LINUX
#include <tandem/ipc/thunk.hpp>
#endif

#include <cstddef>
#include <stop_token>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace tandem::detail {

// What a map does with one element of type Reference: f(element), or f applied to a tuple (Star).
// Where calls may ship, f gets a const element, here as in another process.
template <class F, class Reference, class Value, bool Star, bool Ships>
struct element_traits {
    using argument = std::conditional_t<Ships, const Value&, Reference&&>;

    // The cast makes a value of a proxy; it lives until the call returns.
    static decltype(auto) call(std::stop_token stop, F& f, Reference element) {
        if constexpr (Star) {
            return apply_task(std::move(stop), f, static_cast<argument>(element));
        } else {
            return invoke_task(std::move(stop), f, static_cast<argument>(element));
        }
    }
    using raw_result =
        decltype(call(std::stop_token(), std::declval<F&>(), std::declval<Reference>()));
    using result = std::remove_cvref_t<raw_result>;
};

template <class F, class Argument>
inline constexpr bool element_takes_stop = takes_stop_token<F&, Argument>;

// Whether f can be called on an element: with it, or with the parts of a tuple.
template <class F, class Argument, bool Star>
struct element_check : std::bool_constant<task_invocable<F&, Argument>> {};
template <class F, class Argument, class Indices>
struct tuple_check;
template <class F, class Argument, std::size_t... I>
struct tuple_check<F, Argument, std::index_sequence<I...>>
    : std::bool_constant<task_invocable<F&, decltype(std::get<I>(std::declval<Argument>()))...>> {};
template <class T>
concept tuple_like = requires { std::tuple_size<std::remove_cvref_t<T>>::value; };
template <class F, class Argument>
struct element_check<F, Argument, true> : std::false_type {};
template <class F, tuple_like Argument>
struct element_check<F, Argument, true>
    : tuple_check<F, Argument,
                  std::make_index_sequence<std::tuple_size_v<std::remove_cvref_t<Argument>>>> {};
template <class F, class Argument, bool Star>
inline constexpr bool element_invocable = element_check<F, Argument, Star>::value;

// The types of a tuple-like element.
template <class Tuple, class Indices = std::make_index_sequence<std::tuple_size_v<Tuple>>>
struct tuple_types;
template <class Tuple, std::size_t... I>
struct tuple_types<Tuple, std::index_sequence<I...>> {
    using type = std::tuple<std::tuple_element_t<I, Tuple>...>;
};
template <class Tuple>
using tuple_of_t = typename tuple_types<Tuple>::type;

}  // namespace tandem::detail
