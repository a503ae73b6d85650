// SPDX-License-Identifier: BSL-1.0
// tandem/sync/synchronized_value.hpp: a value that can be reached only under its lock.        level 1
#pragma once

#include <tandem/core/error.hpp>

#include <concepts>
#include <functional>
#include <memory>
#include <mutex>
#include <type_traits>
#include <utility>

namespace tandem {

template <class T>
class synchronized_value;

/// The value of a synchronized_value, locked as long as this lives: `*p`, `p->`.
/// Thread safety: belongs to one thread.
template <class T>
class [[nodiscard]] locked_value {
   public:
    locked_value(const locked_value&) = delete;
    locked_value& operator=(const locked_value&) = delete;

    T& operator*() const noexcept { return *value_; }
    T* operator->() const noexcept { return std::addressof(*value_); }

   private:
    template <class>
    friend class synchronized_value;
    locked_value(std::mutex& mutex, T& value) : hold_(mutex), value_(std::addressof(value)) {}

    std::lock_guard<std::mutex> hold_;
    T* value_;
};

namespace detail {

struct synchronized_access;

}  // namespace detail

/// A value and the mutex that guards it: there is no way to the one without the other. Changing
/// `count += 1` from several threads needs `count.apply([](int& n) { ++n; })`, and nothing else can
/// be written by mistake. The names are P0290's. Python: threading.Lock around a value.
/// Thread safety: every member may be called concurrently, but a thread that has the value locked
/// may not lock it again.
template <class T>
class synchronized_value {
   public:
    using value_type = T;

    /// Holds a T made from `args`.
    template <class... Args>
        requires(std::constructible_from<T, Args...> &&
                 !(sizeof...(Args) == 1 &&
                   (std::same_as<std::remove_cvref_t<Args>, synchronized_value> && ...)))
    explicit(sizeof...(Args) > 1 || !(std::is_convertible_v<Args, T> && ...))
        synchronized_value(Args&&... args)
        : value_(std::forward<Args>(args)...) {}
    synchronized_value(const synchronized_value&) = delete;
    synchronized_value& operator=(const synchronized_value&) = delete;
    ~synchronized_value() = default;

    /// Calls `f(value)` under the lock. Returns, throws: as f does; a reference to the value, or a
    /// pointer to it, would be good for nothing.
    template <std::invocable<T&> F>
    decltype(auto) apply(F&& f) {
        const std::lock_guard hold(mutex_);
        return std::invoke(std::forward<F>(f), value_);
    }
    template <std::invocable<const T&> F>
    decltype(auto) apply(F&& f) const {
        const std::lock_guard hold(mutex_);
        return std::invoke(std::forward<F>(f), value_);
    }

    /// Locks the value for as long as the result lives.
    locked_value<T> lock() { return {mutex_, value_}; }
    locked_value<const T> lock() const { return {mutex_, value_}; }

   private:
    friend detail::synchronized_access;

    mutable std::mutex mutex_;  // guards value_
    T value_;
};

template <class T>
synchronized_value(T) -> synchronized_value<T>;

namespace detail {

template <class>
inline constexpr bool is_synchronized = false;
template <class T>
inline constexpr bool is_synchronized<synchronized_value<T>> = true;
template <class T>
concept synchronized = is_synchronized<std::remove_const_t<T>>;

struct synchronized_access {
    template <class F, class... Values>
    static decltype(auto) apply(F&& f, Values&... values) {
        const std::scoped_lock hold(values.mutex_...);
        return std::invoke(std::forward<F>(f), values.value_...);
    }
};

// Whether the first is one of the others, or one of those is there twice.
template <class First, class... Rest>
bool any_twice(const First& first, const Rest&... rest) noexcept {
    const void* const address = std::addressof(first);
    if ((... || (address == static_cast<const void*>(std::addressof(rest))))) return true;
    if constexpr (sizeof...(rest) > 1) return any_twice(rest...);
    return false;
}

}  // namespace detail

/// Calls `f(value, values...)` with all of them locked; two threads that name them in different
/// orders do not wait for each other for ever. Returns: what f does. Throws: what f does;
/// invalid_state if one is named twice.
template <class F, detail::synchronized Value, detail::synchronized... Values>
decltype(auto) apply(F&& f, Value& value, Values&... values) {
    if (detail::any_twice(value, values...)) {
        throw invalid_state("apply() with the same synchronized_value twice");
    }
    return detail::synchronized_access::apply(std::forward<F>(f), value, values...);
}

}  // namespace tandem
