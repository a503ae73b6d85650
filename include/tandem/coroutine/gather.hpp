// SPDX-License-Identifier: BSL-1.0
// tandem/coroutine/gather.hpp: runs several tasks at once and waits for all of them.        level 1
#pragma once

#include <tandem/core/outcome.hpp>
#include <tandem/coroutine/child_chain.hpp>

#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace tandem::detail {

// When a child's end cancels the others.
enum class gather_until { all, first_failure, first_end };

// The children's ends, whatever their types. A cancel is passed on to them; all are waited for.
class gather : public operation, public chain_owner {
   public:
    void cancel() noexcept final { cancel_all(); }
    void on_child_end(chain& ended) noexcept final {
        const bool failed = ended.root()->error() != nullptr;
        if (!first_ && (until_ == gather_until::first_end || failed)) {
            first_ = &ended;
            if (until_ != gather_until::all) cancel_all();
        }
        if (--running_ == 0) wake();
    }

   protected:
    explicit gather(gather_until until) noexcept : until_(until) {}
    ~gather() = default;

    virtual void cancel_all() noexcept = 0;
    void started(std::size_t count) noexcept { running_ = count; }
    // The child whose end was the first that counts; null if there was none.
    const chain* first() const noexcept { return first_; }
    // All have ended: the failures but the first go to the loop.
    void report_unless_first(const chain& child) const {
        const auto& error = child.root()->error();
        if (&child == first_ || !error || is_cancelled(error)) return;
        child.home()->report(error);
    }
    void throw_first() const {
        if (const auto& error = first_->root()->error()) std::rethrow_exception(error);
    }

   private:
    const gather_until until_;
    std::size_t running_ = 0;
    chain* first_ = nullptr;
};

// What a result of type T is in a tuple, a variant or a vector of them.
template <class T>
using gathered_t =
    std::conditional_t<std::is_void_v<T>, std::monostate,
                       std::conditional_t<std::is_reference_v<T>,
                                          std::reference_wrapper<std::remove_reference_t<T>>, T>>;

template <class T>
gathered_t<T> take_gathered(child_chain<T>& child) {
    if constexpr (std::is_void_v<T>) {
        child.take();
        return {};
    } else {
        return gathered_t<T>(child.take());
    }
}
template <class T>
outcome<T> take_outcome(child_chain<T>& child) {
    outcome<T> result;
    result.capture([&]() -> T { return child.take(); });
    return result;
}

// Children of several types.
template <class... T>
class gather_tuple : public gather {
   public:
    gather_tuple(gather_until until, std::tuple<task<T>...>& work)
        : gather(until),
          children_(std::apply([this](auto&... each) { return seeds(each...); }, work)) {}
    bool await_ready() const {
        check_cancelled();
        return sizeof...(T) == 0;
    }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> leaf) noexcept {
        suspend(leaf);
        started(sizeof...(T));
        std::apply([](auto&... child) { (child.begin(), ...); }, children_);
    }
    void describe(await_tree& tree) const override {
        tree.line("waits for");
        tree.deeper();
        std::apply(
            [&](auto&... child) { ((child.has_ended() ? void() : child.describe(tree)), ...); },
            children_);
        tree.back();
    }

   protected:
    ~gather_tuple() = default;
    std::tuple<child_chain<T>...> children_;

   private:
    auto seeds(task<T>&... each) {
        auto& home = *scheduler::current();
        return std::tuple<child_seed<T>...>(child_seed<T>{home, *this, each}...);
    }
    void cancel_all() noexcept override {
        std::apply([](auto&... child) { (child.cancel(), ...); }, children_);
    }
};

// Children of one type.
template <class T>
class gather_vector : public gather {
   public:
    gather_vector(gather_until until, std::vector<task<T>>& work) : gather(until) {
        auto& home = *scheduler::current();
        for (auto& one : work) children_.emplace_back(child_seed<T>{home, *this, one});
    }
    bool await_ready() const {
        check_cancelled();
        return children_.empty();
    }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> leaf) noexcept {
        suspend(leaf);
        started(children_.size());
        for (auto& child : children_) child.begin();
    }
    void describe(await_tree& tree) const override {
        tree.line("waits for");
        tree.deeper();
        for (auto& child : children_) {
            if (!child.has_ended()) child.describe(tree);
        }
        tree.back();
    }

   protected:
    ~gather_vector() = default;
    std::deque<child_chain<T>> children_;

   private:
    void cancel_all() noexcept override {
        for (auto& child : children_) child.cancel();
    }
};

}  // namespace tandem::detail
