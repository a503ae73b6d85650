// SPDX-License-Identifier: BSL-1.0
// tandem/core/outcome.hpp: what a call came to: a value or an exception.        level 0
#pragma once

#include <tandem/core/error.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>
#include <variant>

namespace tandem {
namespace detail {

// What stands for a result of type T in memory.
template <class T>
struct stored {
    using type = T;
};
template <class T>
    requires std::is_void_v<T>
struct stored<T> {
    using type = std::monostate;
};
template <class T>
struct stored<T&> {
    using type = T*;
};
template <class T>
using stored_t = typename stored<T>::type;

// Whether an exception says that the work was cancelled.
inline bool is_cancelled(const std::exception_ptr& error) noexcept {
    if (!error) return false;
    try {
        std::rethrow_exception(error);
    } catch (const cancelled_error&) {
        return true;
    } catch (...) {
        return false;
    }
}

// The cancelled_error of all that were cancelled: once it was made, to cancel takes no memory.
inline const std::exception_ptr& cancelled_pointer() noexcept {
    static const auto shared = std::make_exception_ptr(cancelled_error());
    return shared;
}

}  // namespace detail

/// What a call came to: the value it returned (T may be void or a reference), or what it threw.
/// Thread safety: as a variant; const members may be called from several threads.
template <class T>
class outcome {
    using stored_type = detail::stored_t<T>;

   public:
    /// Holds nothing yet: value() throws invalid_state.
    outcome() noexcept = default;

    /// Whether there is a value.
    bool has_value() const noexcept { return slot_.index() == 1; }
    explicit operator bool() const noexcept { return has_value(); }
    /// Whether there is neither a value nor an exception.
    bool empty() const noexcept { return slot_.index() == 0; }
    /// Whether the work was cancelled.
    bool cancelled() const noexcept { return detail::is_cancelled(error()); }

    /// The exception, null if there is none.
    std::exception_ptr error() const& noexcept {
        const auto* held = std::get_if<2>(&slot_);
        return held ? *held : nullptr;
    }
    /// The exception moves out, and leaves nothing.
    std::exception_ptr error() && noexcept {
        auto* held = std::get_if<2>(&slot_);
        if (!held) return nullptr;
        auto taken = std::move(*held);
        slot_.template emplace<0>();
        return taken;
    }

    /// The value. Throws: the exception, if that is what the call came to.
    decltype(auto) value() & { return get(*this); }
    decltype(auto) value() const& { return get(*this); }
    /// The value moves out; an exception does and leaves nothing.
    T value() && {
        if (auto failure = std::move(*this).error()) std::rethrow_exception(std::move(failure));
        if constexpr (std::is_object_v<T>) {
            return std::move(get(*this));
        } else {
            return get(*this);
        }
    }
    /// Same as value().
    decltype(auto) operator*() & { return get(*this); }
    decltype(auto) operator*() const& { return get(*this); }

    /// Holds a value made from `args` from now on.
    template <class... Args>
    void emplace(Args&&... args) {
        if constexpr (std::is_reference_v<T>) {
            slot_.template emplace<1>(std::addressof(args...));
        } else {
            slot_.template emplace<1>(std::forward<Args>(args)...);
        }
    }
    /// Holds an exception from now on.
    void fail(std::exception_ptr error) noexcept { slot_.template emplace<2>(std::move(error)); }

    /// Holds what `f(args...)` returns or throws from now on.
    template <class F, class... Args>
    void capture(F&& f, Args&&... args) noexcept {
        try {
            if constexpr (std::is_void_v<T>) {
                std::invoke(std::forward<F>(f), std::forward<Args>(args)...);
                emplace();
            } else {
                emplace(std::invoke(std::forward<F>(f), std::forward<Args>(args)...));
            }
        } catch (...) {
            fail(std::current_exception());
        }
    }

   private:
    template <class Self>
    static decltype(auto) get(Self& self) {
        if (self.slot_.index() == 2) std::rethrow_exception(std::get<2>(self.slot_));
        if (self.slot_.index() == 0) throw invalid_state("the outcome is not known yet");
        if constexpr (std::is_void_v<T>) {
            return;
        } else if constexpr (std::is_reference_v<T>) {
            return (*std::get<1>(self.slot_));
        } else {
            return (std::get<1>(self.slot_));
        }
    }

    std::variant<std::monostate, stored_type, std::exception_ptr> slot_;
};

}  // namespace tandem
