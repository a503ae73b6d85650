// SPDX-License-Identifier: BSL-1.0
// tandem/coroutine/when_any.hpp: awaits several things at once, and gives what the first of them gives.        level 1
#pragma once

#include <tandem/coroutine/gather.hpp>
#include <tandem/coroutine/task.hpp>
#include <tandem/coroutine/when_all.hpp>

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

namespace tandem {

/// What when_any() gives: which one was first, and what it gave.
/// Thread safety: a value.
template <class Value>
struct any_result {
    std::size_t index;
    Value value;
};

namespace detail {

template <class... T>
class when_any_tuple final : public gather_tuple<T...> {
    using value = std::variant<gathered_t<T>...>;

   public:
    explicit when_any_tuple(std::tuple<task<T>...>& work)
        : gather_tuple<T...>(gather_until::first_end, work) {}
    any_result<value> await_resume() {
        std::apply([this](auto&... child) { (this->report_unless_first(child), ...); },
                   this->children_);
        this->throw_first();
        return pick(std::index_sequence_for<T...>());
    }

   private:
    template <std::size_t... I>
    any_result<value> pick(std::index_sequence<I...>) {
        std::optional<value> picked;
        std::size_t index = 0;
        const auto look = [&](auto which, auto& child) {
            constexpr std::size_t i = decltype(which)::value;
            if (&child != this->first()) return;
            index = i;
            picked.emplace(std::in_place_index<i>, take_gathered(child));
        };
        (look(std::integral_constant<std::size_t, I>(), std::get<I>(this->children_)), ...);
        return {index, std::move(*picked)};
    }
};

template <class T>
class when_any_vector final : public gather_vector<T> {
   public:
    explicit when_any_vector(std::vector<task<T>>& work)
        : gather_vector<T>(gather_until::first_end, work) {}
    any_result<gathered_t<T>> await_resume() {
        std::size_t index = 0;
        for (std::size_t i = 0; i != this->children_.size(); ++i) {
            if (&this->children_[i] == this->first()) index = i;
            this->report_unless_first(this->children_[i]);
        }
        this->throw_first();
        return {index, take_gathered(this->children_[index])};
    }
};

}  // namespace detail

/// `auto first = co_await when_any(f(), g());`: runs all at once; when the first has ended, cancels
/// the others and waits for them. Gives `first.index` and `first.value`, a variant by index.
/// Takes tasks, futures and whatever else can be awaited. Python: asyncio.wait(FIRST_COMPLETED).
/// Throws: what the first one threw. Cancellation: passed on to all.
template <class... A>
    requires(sizeof...(A) != 0)
auto when_any(A... awaited) {
    using awaiter = detail::when_any_tuple<detail::awaited_t<A>...>;
    using work = std::tuple<task<detail::awaited_t<A>>...>;
    return detail::gather_request<awaiter, work>(work(detail::as_task(std::move(awaited))...));
}
/// The same for any number of tasks of one type; the value is not a variant.
/// Throws: std::invalid_argument if there are none.
template <class T>
auto when_any(std::vector<task<T>> tasks) {
    if (tasks.empty()) throw std::invalid_argument("when_any of no tasks never ends");
    return detail::gather_request<detail::when_any_vector<T>, std::vector<task<T>>>(
        std::move(tasks));
}

}  // namespace tandem
