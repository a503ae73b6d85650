// SPDX-License-Identifier: BSL-1.0
// tandem/async/offload.hpp: makes a call elsewhere, while the event loop goes on.        level 3
#pragma once

#include <tandem/async/loop_core.hpp>
#include <tandem/core/error.hpp>
#include <tandem/future/future.hpp>

#include <type_traits>
#include <utility>

namespace tandem {
namespace detail {

// g++ before 13 destroys twice a temporary callable with a destructor that is made inside of a
// co_await expression (GCC bugs 99576, 100611).
template <class F>
inline constexpr bool unsafe_as_temporary =
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
    !std::is_lvalue_reference_v<F> && !std::is_trivially_destructible_v<std::decay_t<F>>;
#else
    false;
#endif

inline loop_core& loop_for_offload() {
    if (!scheduler::current()) throw invalid_state("to_thread needs a running event loop");
    return loop_core::here();
}

}  // namespace detail

/// `R x = co_await on(pool, f, args...)`: makes the call on an executor: a thread_pool, a
/// process_pool, ... Gives a future, so it has begun, or waits for its turn, before it is awaited.
/// Cancellation: of the call if it has not begun; one that cannot be stopped is left behind and not
/// waited for, so what it uses must be its own. Python: run_in_executor.
/// Throws: as the executor's submit. g++ 12: give a callable with a destructor a name first.
template <class Executor, class F, class... Args>
    requires(!detail::unsafe_as_temporary<F>)
auto on(Executor& executor, F&& f, Args&&... args) {
    return executor.submit(std::forward<F>(f), std::forward<Args>(args)...);
}
template <class Executor, class F, class... Args>
    requires(detail::unsafe_as_temporary<F>)
[[deprecated("g++ 12 destroys such a temporary twice: give the callable a name first")]]
auto on(Executor& executor, F&& f, Args&&... args) {
    return executor.submit(std::forward<F>(f), std::forward<Args>(args)...);
}

/// `R x = co_await to_thread(f, args...)`: makes a call that blocks on a thread of the loop's own,
/// of which there are as many as such calls, up to max(32, 4 x CPUs). Python: asyncio.to_thread.
/// Cancellation: as on(); the loop's end waits for calls that run. Throws: invalid_state if no loop
/// runs on this thread; std::system_error if there is no thread to be had.
template <class F, class... Args>
    requires(!detail::unsafe_as_temporary<F>)
auto to_thread(F&& f, Args&&... args) {
    return detail::loop_for_offload().blocking_threads().call(
        std::decay_t<F>(std::forward<F>(f)), std::decay_t<Args>(std::forward<Args>(args))...);
}
template <class F, class... Args>
    requires(detail::unsafe_as_temporary<F>)
[[deprecated("g++ 12 destroys such a temporary twice: give the callable a name first")]]
auto to_thread(F&& f, Args&&... args) {
    return detail::loop_for_offload().blocking_threads().call(
        std::decay_t<F>(std::forward<F>(f)), std::decay_t<Args>(std::forward<Args>(args))...);
}

}  // namespace tandem
