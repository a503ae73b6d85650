// SPDX-License-Identifier: BSL-1.0
// tandem/coroutine/when_all.hpp: awaits several things at once, and gives all that they give.        level 1
#pragma once

#include <tandem/core/outcome.hpp>
#include <tandem/coroutine/gather.hpp>
#include <tandem/coroutine/task.hpp>

#include <exception>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace tandem {
namespace detail {

// What each gives, or the first failure.
template <class... T>
class when_all_tuple final : public gather_tuple<T...> {
   public:
    explicit when_all_tuple(std::tuple<task<T>...>& work)
        : gather_tuple<T...>(gather_until::first_failure, work) {}
    std::tuple<gathered_t<T>...> await_resume() {
        return std::apply(
            [this](auto&... child) {
                if (this->first()) {
                    (this->report_unless_first(child), ...);
                    this->throw_first();
                }
                return std::tuple<gathered_t<T>...>(take_gathered(child)...);
            },
            this->children_);
    }
};

template <class T>
class when_all_vector final : public gather_vector<T> {
   public:
    explicit when_all_vector(std::vector<task<T>>& work)
        : gather_vector<T>(gather_until::first_failure, work) {}
    auto await_resume() {
        if (this->first()) {
            for (auto& child : this->children_) this->report_unless_first(child);
            this->throw_first();
        }
        if constexpr (!std::is_void_v<T>) {
            std::vector<gathered_t<T>> results;
            results.reserve(this->children_.size());
            for (auto& child : this->children_) results.push_back(take_gathered(child));
            return results;
        }
    }
};

// What each came to.
template <class... T>
class settled_tuple final : public gather_tuple<T...> {
   public:
    explicit settled_tuple(std::tuple<task<T>...>& work)
        : gather_tuple<T...>(gather_until::all, work) {}
    std::tuple<outcome<T>...> await_resume() {
        return std::apply(
            [](auto&... child) { return std::tuple<outcome<T>...>(take_outcome(child)...); },
            this->children_);
    }
};

template <class T>
class settled_vector final : public gather_vector<T> {
   public:
    explicit settled_vector(std::vector<task<T>>& work)
        : gather_vector<T>(gather_until::all, work) {}
    std::vector<outcome<T>> await_resume() {
        std::vector<outcome<T>> results;
        results.reserve(this->children_.size());
        for (auto& child : this->children_) results.push_back(take_outcome(child));
        return results;
    }
};

// Tasks, until they are awaited all at once. `Awaiter` is made of them then.
template <class Awaiter, class Work>
class [[nodiscard]] gather_request {
   public:
    explicit gather_request(Work work) : work_(std::move(work)) {}
    Awaiter operator co_await() && { return Awaiter(work_); }

   private:
    Work work_;
};

}  // namespace detail

/// `auto [a, b] = co_await when_all(f(), g());`: runs all at once. Gives what each gives, in the
/// order of the arguments (std::monostate for nothing, std::reference_wrapper for a reference).
/// Takes tasks, futures and whatever else can be awaited. Python: asyncio.gather, TaskGroup.
/// Throws: the first failure in time, after it has cancelled the others and they have ended; what
/// others threw goes to the loop's on_error. Cancellation: passed on to all.
template <class... A>
auto when_all(A... awaited) {
    using awaiter = detail::when_all_tuple<detail::awaited_t<A>...>;
    using work = std::tuple<task<detail::awaited_t<A>>...>;
    return detail::gather_request<awaiter, work>(work(detail::as_task(std::move(awaited))...));
}
/// The same for any number of tasks of one type; gives a vector, or nothing for void.
template <class T>
auto when_all(std::vector<task<T>> tasks) {
    return detail::gather_request<detail::when_all_vector<T>, std::vector<task<T>>>(
        std::move(tasks));
}

/// As when_all, but waits for all whatever they throw, and gives what each came to, as outcome.
/// Python: gather(return_exceptions=True).
template <class... A>
auto when_all_settled(A... awaited) {
    using awaiter = detail::settled_tuple<detail::awaited_t<A>...>;
    using work = std::tuple<task<detail::awaited_t<A>>...>;
    return detail::gather_request<awaiter, work>(work(detail::as_task(std::move(awaited))...));
}
template <class T>
auto when_all_settled(std::vector<task<T>> tasks) {
    return detail::gather_request<detail::settled_vector<T>, std::vector<task<T>>>(
        std::move(tasks));
}

}  // namespace tandem
