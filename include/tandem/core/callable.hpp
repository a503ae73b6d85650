// SPDX-License-Identifier: BSL-1.0
// tandem/core/callable.hpp: a move-only owner of anything that can be called.        level 0
#pragma once

#include <tandem/core/error.hpp>

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace tandem {

template <class Signature>
class callable;

namespace detail {

template <class T>
inline constexpr bool is_callable = false;
template <class Signature>
inline constexpr bool is_callable<callable<Signature>> = true;

// A null pointer or an empty callable makes an empty callable, not one that fails when called.
template <class Target>
bool is_empty_target(const Target& target) noexcept {
    if constexpr (std::is_pointer_v<Target> || std::is_member_pointer_v<Target>)
        return target == nullptr;
    else if constexpr (is_callable<Target>)
        return !target;
    else
        return false;
}

}  // namespace detail

/// Owns a function, a lambda (move-only captures included) or a pointer to member, and calls it.
/// A target of up to 48 bytes whose move cannot throw lives inside; any other is allocated.
/// Stands in for C++23's std::move_only_function; calling an empty one throws invalid_state.
/// Thread safety: distinct objects are independent; one object is used by one thread at a time.
template <class Result, class... Args>
class callable<Result(Args...)> {
   public:
    /// Holds nothing.
    callable() noexcept = default;
    /// Holds nothing.
    callable(std::nullptr_t) noexcept {}

    /// Holds a decayed copy of `target`, or nothing if that is a null pointer or an empty callable.
    template <class Work, class Target = std::decay_t<Work>>
        requires(!std::same_as<Target, callable> && std::constructible_from<Target, Work> &&
                 std::is_invocable_r_v<Result, Target&, Args...>)
    callable(Work&& target) {
        if (detail::is_empty_target<Target>(target)) return;
        if constexpr (fits_inside<Target>)
            ::new (static_cast<void*>(storage_)) Target(std::forward<Work>(target));
        else
            ::new (static_cast<void*>(storage_)) Target*(new Target(std::forward<Work>(target)));
        table_ = &table_of<Target>;
    }

    callable(callable&& other) noexcept { take(other); }
    callable& operator=(callable&& other) noexcept {
        callable(std::move(other)).swap(*this);
        return *this;
    }
    /// Drops the target; *this is already empty while the target is destroyed.
    callable& operator=(std::nullptr_t) noexcept {
        callable().swap(*this);
        return *this;
    }
    ~callable() {
        if (table_) table_->destroy(storage_);
    }

    /// Whether it holds a target.
    explicit operator bool() const noexcept { return table_ != nullptr; }

    /// Calls the target.
    /// Throws: invalid_state if there is none, and whatever the target throws.
    Result operator()(Args... args) {
        if (!table_) throw invalid_state("call of an empty callable");
        return table_->call(storage_, std::forward<Args>(args)...);
    }

    void swap(callable& other) noexcept {
        callable mine(std::move(*this));
        take(other);
        other.take(mine);
    }
    friend void swap(callable& left, callable& right) noexcept { left.swap(right); }

   private:
    struct table {
        Result (*call)(void* storage, Args&&... args);
        void (*relocate)(void* from, void* to) noexcept;  // leaves nothing to destroy in `from`
        void (*destroy)(void* storage) noexcept;
    };

    static constexpr std::size_t inline_bytes = 48;

    template <class Target>
    static constexpr bool fits_inside =
        sizeof(Target) <= inline_bytes && alignof(Target) <= alignof(std::max_align_t) &&
        std::is_nothrow_move_constructible_v<Target>;

    // The storage holds the target itself, or a pointer that owns it.
    template <class Target>
    static Target& target_in(void* storage) noexcept {
        if constexpr (fits_inside<Target>)
            return *std::launder(static_cast<Target*>(storage));
        else
            return **std::launder(static_cast<Target**>(storage));
    }

    template <class Target>
    static Result call(void* storage, Args&&... args) {
        if constexpr (std::is_void_v<Result>)
            std::invoke(target_in<Target>(storage), std::forward<Args>(args)...);
        else
            return std::invoke(target_in<Target>(storage), std::forward<Args>(args)...);
    }

    template <class Target>
    static void relocate(void* from, void* to) noexcept {
        if constexpr (fits_inside<Target>) {
            ::new (to) Target(std::move(target_in<Target>(from)));
            std::destroy_at(std::addressof(target_in<Target>(from)));
        } else {
            ::new (to) Target*(std::addressof(target_in<Target>(from)));
        }
    }

    template <class Target>
    static void destroy(void* storage) noexcept {
        if constexpr (fits_inside<Target>)
            std::destroy_at(std::addressof(target_in<Target>(storage)));
        else
            delete std::addressof(target_in<Target>(storage));
    }

    template <class Target>
    static constexpr table table_of{&call<Target>, &relocate<Target>, &destroy<Target>};

    // Requires: *this holds nothing.
    void take(callable& other) noexcept {
        table_ = std::exchange(other.table_, nullptr);
        if (table_) table_->relocate(other.storage_, storage_);
    }

    alignas(std::max_align_t) std::byte storage_[inline_bytes];
    const table* table_ = nullptr;  // null: empty
};

}  // namespace tandem
