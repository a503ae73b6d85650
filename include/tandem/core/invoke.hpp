// SPDX-License-Identifier: BSL-1.0
// tandem/core/invoke.hpp: call a task, with a stop_token if it takes one.        level 0
#pragma once

#include <concepts>
#include <functional>
#include <stop_token>
#include <tuple>
#include <type_traits>
#include <utility>

namespace tandem {
namespace detail {

// Whether f(stop_token, args...) is well-formed: a task then gets one, as std::jthread decides.
template <class F, class... Args>
concept takes_stop_token = std::invocable<F, std::stop_token, Args...>;

template <class F, class... Args>
concept task_invocable = takes_stop_token<F, Args...> || std::invocable<F, Args...>;

template <class F, class... Args>
struct task_result : std::invoke_result<F, Args...> {};
template <class F, class... Args>
    requires takes_stop_token<F, Args...>
struct task_result<F, Args...> : std::invoke_result<F, std::stop_token, Args...> {};

// Calls a task.
template <class F, class... Args>
    requires task_invocable<F, Args...>
decltype(auto) invoke_task(std::stop_token stop, F&& f, Args&&... args) {
    if constexpr (takes_stop_token<F, Args...>) {
        return std::invoke(std::forward<F>(f), std::move(stop), std::forward<Args>(args)...);
    } else {
        return std::invoke(std::forward<F>(f), std::forward<Args>(args)...);
    }
}

// The same, and what it returns, for a callable and the tuple that holds its arguments.
template <class F, class Tuple>
decltype(auto) apply_task(std::stop_token stop, F&& f, Tuple&& arguments) {
    return std::apply(
        [&]<class... Args>(Args&&... args) -> decltype(auto) {
            return invoke_task(std::move(stop), std::forward<F>(f), std::forward<Args>(args)...);
        },
        std::forward<Tuple>(arguments));
}

}  // namespace detail

/// What `submit(f, args...)` computes: the result of f on its own copies of the arguments.
template <class F, class... Args>
using task_result_t = typename detail::task_result<std::decay_t<F>, std::decay_t<Args>...>::type;

}  // namespace tandem
