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

   protected:
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

/// A bound_call whose parts are known: what can go to another process is seen when it is compiled.
template <class F, class... Args>
class typed_call : public bound_call {
   public:
    template <class G, class... Given>
    explicit typed_call(std::in_place_t, G&& f, Given&&... args)
        : bound_call(std::forward<G>(f), std::tuple<Args...>(std::forward<Given>(args)...)) {}

    /// The callable.
    const F& callable() const noexcept { return parts().f; }
    /// Its arguments.
    const std::tuple<Args...>& arguments() const noexcept { return parts().args; }

   private:
    const auto& parts() const noexcept {
        return static_cast<const target_of<F, std::tuple<Args...>>&>(*this->call_);
    }
};

/// Binds a callable to copies of its arguments, which it gets as const lvalues each time.
template <class F, class... Args>
auto call(F&& f, Args&&... args) {
    return typed_call<std::decay_t<F>, std::decay_t<Args>...>(std::in_place, std::forward<F>(f),
                                                              std::forward<Args>(args)...);
}

}  // namespace tandem
