// SPDX-License-Identifier: BSL-1.0
// tandem/executor/call.hpp: a call to be made once in each worker, such as an initializer.        level 2
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

namespace tandem {

/// A call with its arguments, made as often as needed: what `call(f, args...)` returns.
/// Python: the pair initializer, initargs.
/// Thread safety: copies share the callable, which several workers may call at once.
class bound_call {
   public:
    /// No call.
    bound_call() noexcept = default;
    /// A call without arguments.
    template <class F>
        requires(!std::same_as<std::remove_cvref_t<F>, bound_call> &&
                 std::invocable<std::decay_t<F>&>)
    bound_call(F&& f) : bound_call(std::forward<F>(f), std::tuple<>()) {}

    /// Whether there is a call.
    explicit operator bool() const noexcept { return call_ != nullptr; }
    /// Makes the call. Throws: what it throws.
    void operator()() const { call_->run(); }

   private:
    template <class F, class... Args>
    friend bound_call call(F&& f, Args&&... args);

    struct target {
        virtual ~target() = default;
        virtual void run() = 0;
    };
    template <class F, class Tuple>
    struct target_of final : target {
        target_of(F given, Tuple arguments) : f(std::move(given)), args(std::move(arguments)) {}
        void run() override { std::apply(f, std::as_const(args)); }
        F f;
        Tuple args;
    };

    template <class F, class Tuple>
    bound_call(F&& f, Tuple args)
        : call_(std::make_shared<target_of<std::decay_t<F>, Tuple>>(std::forward<F>(f),
                                                                    std::move(args))) {}

    std::shared_ptr<target> call_;
};

/// Binds a callable to copies of its arguments, which it gets as const lvalues each time.
template <class F, class... Args>
bound_call call(F&& f, Args&&... args) {
    return bound_call(std::forward<F>(f),
                      std::tuple<std::decay_t<Args>...>(std::forward<Args>(args)...));
}

}  // namespace tandem
