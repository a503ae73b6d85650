// SPDX-License-Identifier: BSL-1.0
// tandem/coroutine/with.hpp: a resource whose end has to be awaited, however its use ends.        level 1
#pragma once

#include <tandem/core/outcome.hpp>
#include <tandem/coroutine/chain.hpp>
#include <tandem/coroutine/child_chain.hpp>
#include <tandem/coroutine/shield.hpp>
#include <tandem/coroutine/task.hpp>

#include <exception>
#include <functional>
#include <type_traits>
#include <utility>

namespace tandem {

/// `co_await with(open(), use, close)`: awaits `use(resource)`, then `close(resource)`, whether use
/// returned, threw or was cancelled; close is shielded. Gives what use gives. Python: `async with`.
/// Throws: what use threw, then what close threw goes to the loop's on_error; else what close
/// threw.
template <class Resource, class Use, class Close>
auto with(Resource resource, Use use, Close close)
    -> task<detail::awaited_t<std::invoke_result_t<Use&, Resource&>>> {
    using result = detail::awaited_t<std::invoke_result_t<Use&, Resource&>>;
    outcome<result> used;
    try {
        if constexpr (std::is_void_v<result>) {
            co_await std::invoke(use, resource);
            used.emplace();
        } else {
            used.emplace(co_await std::invoke(use, resource));
        }
    } catch (...) {
        used.fail(std::current_exception());
    }
    std::exception_ptr unclosed;
    try {
        co_await shield(std::invoke(close, resource));
    } catch (...) {
        unclosed = std::current_exception();
    }
    if (unclosed) {
        if (used) std::rethrow_exception(unclosed);
        detail::scheduler::current()->report(std::move(unclosed));
    }
    co_return std::move(used).value();
}

}  // namespace tandem
