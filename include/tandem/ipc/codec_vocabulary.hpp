// SPDX-License-Identifier: BSL-1.0
// tandem/ipc/codec_vocabulary.hpp: pair, tuple, optional, variant, unique_ptr, times, paths as bytes.        level 1
#pragma once

#include <tandem/ipc/coder.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace tandem::detail {

struct never_plain {
    static constexpr bool plain() { return false; }
};

template <class A, class B>
struct builtin<std::pair<A, B>> : known_type<part<field<0>, A>, part<field<1>, B>>, never_plain {
    using first = coder<std::remove_cv_t<A>>;
    using second = coder<std::remove_cv_t<B>>;
    static void encode(writer& to, const std::pair<A, B>& value) {
        first::encode(to, value.first);
        second::encode(to, value.second);
    }
    static std::pair<A, B> decode(reader& from) {
        return std::pair<A, B>{first::decode(from), second::decode(from)};
    }
    static constexpr std::size_t least() { return first::least() + second::least(); }
};

template <class Indices, class... T>
struct tuple_parts;
template <std::size_t... Index, class... T>
struct tuple_parts<std::index_sequence<Index...>, T...>
    : known_type<part<field<static_cast<int>(Index)>, T>...> {};

template <class... T>
struct builtin<std::tuple<T...>> : tuple_parts<std::index_sequence_for<T...>, T...>, never_plain {
    static void encode(writer& to, const std::tuple<T...>& value) {
        std::apply(
            [&to](const T&... items) {
                static_cast<void>(to);
                (coder<std::remove_cv_t<T>>::encode(to, items), ...);
            },
            value);
    }
    static std::tuple<T...> decode(reader& from) {
        static_cast<void>(from);
        return std::tuple<T...>{coder<std::remove_cv_t<T>>::decode(from)...};
    }
    static constexpr std::size_t least() {
        return (std::size_t{0} + ... + coder<std::remove_cv_t<T>>::least());
    }
};

template <class T>
struct builtin<std::optional<T>> : known_type<part<element, T>>, never_plain {
    using value = coder<std::remove_cv_t<T>>;
    static void encode(writer& to, const std::optional<T>& item) {
        const bool there = item.has_value();
        to.write(&there, 1);
        if (there) value::encode(to, *item);
    }
    static std::optional<T> decode(reader& from) {
        std::optional<T> item;
        if (decode_truth(from, "whether an optional holds a value")) {
            item.emplace(value::decode(from));
        }
        return item;
    }
    static constexpr std::size_t least() { return 1; }
};

template <>
struct builtin<std::monostate> : known_type<>, never_plain {
    static void encode(writer&, std::monostate) {}
    static std::monostate decode(reader&) { return {}; }
    static constexpr std::size_t least() { return 0; }
};

template <class Indices, class... T>
struct variant_parts;
template <std::size_t... Index, class... T>
struct variant_parts<std::index_sequence<Index...>, T...>
    : known_type<part<alternative<static_cast<int>(Index)>, T>...> {};

template <class... T>
struct builtin<std::variant<T...>> : variant_parts<std::index_sequence_for<T...>, T...>,
                                     never_plain {
    using variant = std::variant<T...>;
    using index = std::conditional_t<(sizeof...(T) < 256), std::uint8_t, std::uint16_t>;

    static void encode(writer& to, const variant& value) {
        if (value.valueless_by_exception()) {
            throw codec_error("encode: a variant that lost its value has nothing to send");
        }
        const auto which = static_cast<index>(value.index());
        to.write(&which, sizeof which);
        encode_held<0>(to, value);
    }
    static variant decode(reader& from) {
        index which;
        from.read(&which, sizeof which, "the index of a variant");
        if (which >= sizeof...(T)) {
            throw codec_error("decode: index " + std::to_string(which) + " of a variant of " +
                              std::to_string(sizeof...(T)) + " alternatives");
        }
        return decode_held(from, which, std::index_sequence_for<T...>());
    }
    static constexpr std::size_t least() { return sizeof(index); }

   private:
    template <std::size_t Index>
    using held = coder<std::remove_cv_t<std::variant_alternative_t<Index, variant>>>;

    // By index, since std::visit would need as many overloads and cannot tell equal types apart.
    template <std::size_t Index>
    static void encode_held(writer& to, const variant& value) {
        if constexpr (Index < sizeof...(T)) {
            if (const auto* item = std::get_if<Index>(&value)) {
                held<Index>::encode(to, *item);
            } else {
                encode_held<Index + 1>(to, value);
            }
        }
    }
    template <std::size_t Index>
    static variant decode_as(reader& from) {
        return variant(std::in_place_index<Index>, held<Index>::decode(from));
    }
    template <std::size_t... Index>
    static variant decode_held(reader& from, std::size_t which, std::index_sequence<Index...>) {
        static constexpr variant (*decoders[])(reader&) = {&decode_as<Index>...};
        return decoders[which](from);
    }
};

template <class T>
struct builtin<std::unique_ptr<T>> : known_type<part<pointee, T>>, never_plain {
    using value = std::remove_cv_t<T>;
    static void encode(writer& to, const std::unique_ptr<T>& pointer) {
        const bool there = pointer != nullptr;
        to.write(&there, 1);
        if (there) coder<value>::encode(to, *pointer);
    }
    static std::unique_ptr<T> decode(reader& from) {
        if (!decode_truth(from, "whether a unique_ptr is null")) return nullptr;
        return std::unique_ptr<T>(new value(coder<value>::decode(from)));
    }
    static constexpr std::size_t least() { return 1; }
};

// An array of unknown length stays a pointer.
template <class T>
struct builtin<std::unique_ptr<T[]>> {
    static constexpr bool known = false;
};

template <>
struct builtin<std::error_code> : known_type<>, never_plain {
    static void encode(writer& to, const std::error_code& code) {
        const bool system = code.category() == std::system_category();
        if (!system && code.category() != std::generic_category()) {
            throw codec_error(std::string("encode: an error_code of category \"") +
                              code.category().name() +
                              "\" cannot travel, only of generic and system");
        }
        const int value = code.value();
        to.write(&system, 1);
        to.write(&value, sizeof value);
    }
    static std::error_code decode(reader& from) {
        const bool system = decode_truth(from, "the category of an error_code");
        const int value = decode_plain<int>(from, "the value of an error_code");
        return {value, system ? std::system_category() : std::generic_category()};
    }
    static constexpr std::size_t least() { return 1 + sizeof(int); }
};

// The types below are known by what they offer, because their headers take long to compile. Each
// has a member that returns the type itself, so that a class derived from it is not taken for it.
template <class T>
concept chrono_duration = std::is_class_v<T> && requires(T value) {
    typename T::rep;
    typename T::period;
    { T::zero() } -> std::same_as<T>;
    { ++value } -> std::same_as<T&>;
    { value.count() } -> std::same_as<typename T::rep>;
};

template <class T>
concept chrono_time_point = std::is_class_v<T> && requires(T value) {
    typename T::clock;
    typename T::duration;
    { T::max() } -> std::same_as<T>;
    { value.time_since_epoch() } -> std::same_as<typename T::duration>;
};

template <class T>
concept complex_number = std::is_class_v<T> && requires(T value, typename T::value_type part) {
    { value *= part } -> std::same_as<T&>;
    { value.real() } -> std::same_as<typename T::value_type>;
    { value.imag() } -> std::same_as<typename T::value_type>;
    T(part, part);
};

template <class T>
concept filesystem_path = std::is_class_v<T> && requires(const T value) {
    T::preferred_separator;
    { value.native() } -> std::same_as<const typename T::string_type&>;
    { value.lexically_normal() } -> std::same_as<T>;
};

// A type that is one value of another type, got out by Out.
template <class T, class Value, Value (*Out)(const T&)>
struct wrapper_coder {
    static void encode(writer& to, const T& value) { coder<Value>::encode(to, Out(value)); }
    static T decode(reader& from) { return T(coder<Value>::decode(from)); }
    static constexpr std::size_t least() { return coder<Value>::least(); }
    static constexpr bool plain() {
        if constexpr (std::is_trivially_copyable_v<T> && sizeof(T) == sizeof(Value)) {
            return coder<Value>::plain();
        } else {
            return false;
        }
    }
};

template <class T>
typename T::rep ticks_of(const T& value) {
    return value.count();
}

template <class T>
typename T::duration since_epoch_of(const T& value) {
    return value.time_since_epoch();
}

template <chrono_duration T>
struct builtin<T> : known_type<part<element, typename T::rep>>,
                    wrapper_coder<T, typename T::rep, &ticks_of<T>> {};

template <chrono_time_point T>
struct builtin<T> : known_type<part<element, typename T::duration>>,
                    wrapper_coder<T, typename T::duration, &since_epoch_of<T>> {};

template <complex_number T>
struct builtin<T> : known_type<part<element, typename T::value_type>> {
    using value = coder<typename T::value_type>;
    static void encode(writer& to, const T& number) {
        value::encode(to, number.real());
        value::encode(to, number.imag());
    }
    static T decode(reader& from) {
        const auto real = value::decode(from);
        return T(real, value::decode(from));
    }
    static constexpr std::size_t least() { return 2 * value::least(); }
    static constexpr bool plain() {
        return std::is_trivially_copyable_v<T> && sizeof(T) == 2 * sizeof(typename T::value_type) &&
               value::plain();
    }
};

template <filesystem_path T>
struct builtin<T> : known_type<>, never_plain {
    using text = coder<typename T::string_type>;
    static void encode(writer& to, const T& path) { text::encode(to, path.native()); }
    static T decode(reader& from) { return T(text::decode(from)); }
    static constexpr std::size_t least() { return text::least(); }
};

}  // namespace tandem::detail
