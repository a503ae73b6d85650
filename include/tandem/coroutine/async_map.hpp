// SPDX-License-Identifier: BSL-1.0
// tandem/coroutine/async_map.hpp: a task for each element of a range, some of them at a time.        level 1
#pragma once

#include <tandem/coroutine/gather.hpp>
#include <tandem/coroutine/task.hpp>
#include <tandem/coroutine/when_all.hpp>

#include <cstddef>
#include <functional>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

namespace tandem {
namespace detail {

// The elements that are left, for all workers together.
template <class F, class R, class T>
struct async_map_work {
    F f;
    R range;
    std::ranges::iterator_t<R> next = std::ranges::begin(range);
    std::vector<std::optional<gathered_t<T>>> results;
};

// Takes elements, one after the other.
template <class F, class R, class T>
task<> async_map_worker(async_map_work<F, R, T>& work) {
    while (work.next != std::ranges::end(work.range)) {
        auto&& element = *work.next;
        ++work.next;
        if constexpr (std::is_void_v<T>) {
            co_await std::invoke(work.f, std::forward<decltype(element)>(element));
        } else {
            const std::size_t index = work.results.size();
            work.results.emplace_back();
            gathered_t<T> result =
                co_await std::invoke(work.f, std::forward<decltype(element)>(element));
            work.results[index].emplace(std::move(result));
        }
    }
}

template <class F, class R, class T>
task<std::conditional_t<std::is_void_v<T>, void, std::vector<gathered_t<T>>>> async_map_all(
    F f, R range, std::size_t limit) {
    async_map_work<F, R, T> work{std::move(f), std::move(range), {}, {}};
    work.next = std::ranges::begin(work.range);
    std::vector<task<>> workers;
    if constexpr (std::ranges::sized_range<R>) {
        const auto size = static_cast<std::size_t>(std::ranges::size(work.range));
        limit = limit < size ? limit : size;
    }
    for (std::size_t i = 0; i != limit; ++i) workers.push_back(async_map_worker(work));
    co_await when_all(std::move(workers));
    if constexpr (!std::is_void_v<T>) {
        std::vector<gathered_t<T>> results;
        results.reserve(work.results.size());
        for (auto& one : work.results) results.push_back(std::move(*one));
        co_return results;
    }
}

}  // namespace detail

/// `co_await async_map(fetch, urls, 10)`: awaits `f(element)` for each element, at most `limit` at
/// a time; gives the results in the order of the elements, or nothing for void. An element is taken
/// from the range when its turn comes. An lvalue range must outlive the task.
/// Throws: std::invalid_argument if the limit is not positive; the first failure, after it has
/// cancelled the others. Cancellation: passed on to all.
template <class F, std::ranges::viewable_range R>
auto async_map(F f, R&& range, int limit) {
    using view = std::views::all_t<R>;
    using result =
        detail::awaited_t<std::invoke_result_t<F&, std::ranges::range_reference_t<view>>>;
    if (limit < 1) throw std::invalid_argument("async_map needs a limit of at least 1");
    return detail::async_map_all<F, view, result>(
        std::move(f), std::views::all(std::forward<R>(range)), static_cast<std::size_t>(limit));
}

}  // namespace tandem
