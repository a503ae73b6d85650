// SPDX-License-Identifier: BSL-1.0
// tandem/executor/concept.hpp: what every executor can do, as a concept.        level 2
#pragma once

#include <tandem/executor/work.hpp>
#include <tandem/future/future.hpp>

#include <concepts>
#include <vector>

namespace tandem {
namespace detail {

struct probe_call {
    int operator()(int x) const { return x; }
};

}  // namespace detail

/// Something that makes calls: inline_executor, thread_pool, process_pool, pool_view, any_executor.
/// Code that takes an `executor auto&` runs on any of them. Who ends it is not its affair.
template <class E>
concept executor = requires(E& e, const E& c, std::vector<int>& range) {
    { e.submit(detail::probe_call(), 1) } -> std::same_as<future<int>>;
    { e.apply(detail::probe_call(), 1) } -> std::same_as<int>;
    { e.map(detail::probe_call(), range) } -> std::same_as<std::vector<int>>;
    { e.map_async(detail::probe_call(), range) } -> std::same_as<future<std::vector<int>>>;
    e.imap(detail::probe_call(), range);
    e.imap_unordered(detail::probe_call(), range);
    e.for_each(detail::probe_call(), range);
    { c.size() } -> std::same_as<int>;
    { c.stats() } -> std::same_as<pool_stats>;
};

}  // namespace tandem
