// SPDX-License-Identifier: BSL-1.0
// tandem/pool/shipped_call.hpp: a call to be made once in each worker process.        level 3
#pragma once

#include <tandem/executor/call.hpp>
#include <tandem/ipc/thunk.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace tandem {

namespace detail {

// What an argument of call(f, args...) travels as: a literal has become a pointer there.
template <class T>
using bound_travel_t = std::conditional_t<std::is_same_v<T, const char*>, std::string, T>;

// A call whose result nobody wants.
template <class F, class... Args>
struct preparing_call {
    static void run(reader& state, reader& in, writer&) {
        F f = carried<F>::decode(state);
        std::tuple<Args...> args{tandem::decode<Args>(in)...};
        std::apply(f, std::move(args));
    }
    static inline const thunk entry{&run};
};

}  // namespace detail

/// A call as bytes, such as an initializer: made from `call(f, args...)` or from a callable without
/// arguments. What cannot go to another process does not compile, as with `submit`.
/// Thread safety: copies share the bytes, which do not change.
class shipped_call {
   public:
    /// No call.
    shipped_call() noexcept = default;
    /// Throws: codec_error if an argument cannot be encoded.
    template <class F, class... Args>
    shipped_call(const typed_call<F, Args...>& bound) {
        if constexpr (detail::callable_elsewhere<F, detail::bound_travel_t<Args>...>) {
            std::apply(
                [&](const Args&... args) { encode_all<F, Args...>(bound.callable(), args...); },
                bound.arguments());
        } else {
            detail::require_call<F, detail::bound_travel_t<Args>...>();
        }
    }
    /// A call without arguments.
    template <class F>
        requires(!std::derived_from<std::remove_cvref_t<F>, bound_call> &&
                 !std::same_as<std::remove_cvref_t<F>, shipped_call> &&
                 std::invocable<std::decay_t<F>&>)
    shipped_call(F&& f) : shipped_call(call(std::forward<F>(f))) {}

    /// Whether there is a call.
    explicit operator bool() const noexcept { return parts_ != nullptr; }
    /// The bytes that name it.
    std::span<const std::byte> name() const noexcept { return parts_->name; }
    /// The bytes of its arguments.
    std::span<const std::byte> arguments() const noexcept { return parts_->arguments; }

   private:
    struct parts {
        std::vector<std::byte> name;
        std::vector<std::byte> arguments;
    };

    template <class F, class... Args>
    void encode_all(const F& f, const Args&... args) {
        writer name;
        detail::encode_call<detail::preparing_call<F, detail::bound_travel_t<Args>...>>(name, f);
        writer arguments;
        (encode(arguments, static_cast<const detail::bound_travel_t<Args>&>(args)), ...);
        parts_ = std::make_shared<const parts>(parts{copied(name), copied(arguments)});
    }
    static std::vector<std::byte> copied(const writer& from) {
        return {from.bytes().begin(), from.bytes().end()};
    }

    std::shared_ptr<const parts> parts_;
};

}  // namespace tandem
