// SPDX-License-Identifier: BSL-1.0
// tandem/ipc/coder.hpp: what every way of encoding a type is made of; numbers and lengths.        level 1
#pragma once

#include <tandem/ipc/bytes.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>

namespace tandem {

/// How a type of yours becomes bytes and comes back; specialise it with
/// `static void encode(writer&, const T&)` and `static T decode(reader&)`. T need not be default
/// constructible. It may say how few bytes a T can take, `static constexpr std::size_t min_size`;
/// then a length that T's elements have no bytes for is refused at once. Requires: it is declared
/// before the first use of T with the library. What it throws comes out of encode and decode.
template <class T, class = void>
struct codec;

namespace detail {

// A coder has
//   static void encode(writer&, const T&);
//   static T decode(reader&);
//   static constexpr std::size_t least();   how few bytes a T can take; 0: perhaps none
//   static constexpr bool plain();          its bytes in memory are its encoding, any bytes are a T
// the last two functions, so that a type that holds itself can be named while it is examined.
template <class T>
struct coder;  // codec.hpp: picks the one that applies

// The coders of the types that the language and the standard library provide. A specialisation
// adds `parts`, the types inside and the step that leads to each.
template <class T>
struct builtin {
    static constexpr bool known = false;
};

// The way from a type to one inside it, as it is spelled in a compiler's message.
template <int Index>
struct argument {};
struct result {};
template <int Index>
struct field {};
template <int Index>
struct alternative {};
struct element {};
struct key {};
struct mapped {};
struct pointee {};
struct comparator {};

// What orders or hashes keys: made anew where the container arrives, so it must have no state.
template <class T>
struct made_anew {};

template <class Step, class T>
struct part {};
template <class... Parts>
struct parts_of {};

template <class... Parts>
struct known_type {
    static constexpr bool known = true;
    using parts = parts_of<Parts...>;
};

// Neither a class nor something that refers to memory: numbers, characters, enumerations.
template <class T>
concept scalar = !std::is_class_v<T> && !std::is_union_v<T> && !std::is_array_v<T> &&
                 !std::is_pointer_v<T> && !std::is_member_pointer_v<T> && !std::is_reference_v<T> &&
                 !std::is_function_v<T> && !std::is_void_v<T> && !std::is_null_pointer_v<T>;

template <class T>
constexpr bool is_truth_value() {
    if constexpr (std::is_enum_v<T>) {
        return std::is_same_v<std::underlying_type_t<T>, bool>;
    } else {
        return std::is_same_v<T, bool>;
    }
}

template <class T>
T decode_plain(reader& from, const char* expected) {
    if constexpr (std::is_trivially_default_constructible_v<T>) {
        T value;
        from.read(std::addressof(value), sizeof(T), expected);
        return value;
    } else {
        struct image {
            std::byte bytes[sizeof(T)];
        } copy;
        from.read(copy.bytes, sizeof(T), expected);
        return std::bit_cast<T>(copy);
    }
}

template <scalar T>
struct builtin<T> : known_type<> {
    static void encode(writer& to, const T& value) { to.write(&value, sizeof(T)); }
    static T decode(reader& from) { return decode_plain<T>(from, "a number"); }
    static constexpr std::size_t least() { return sizeof(T); }
    static constexpr bool plain() { return true; }
};

inline bool decode_truth(reader& from, const char* expected) {
    unsigned char byte;
    from.read(&byte, 1, expected);
    if (byte > 1) {
        throw codec_error(std::string("decode: expected ") + expected + " (0 or 1), found " +
                          std::to_string(byte));
    }
    return byte == 1;
}

// Not plain: a bool made from any other byte than 0 or 1 is undefined behaviour.
template <scalar T>
    requires(is_truth_value<T>())
struct builtin<T> : known_type<> {
    static void encode(writer& to, const T& value) { to.write(&value, sizeof(T)); }
    static T decode(reader& from) { return static_cast<T>(decode_truth(from, "a bool")); }
    static constexpr std::size_t least() { return 1; }
    static constexpr bool plain() { return false; }
};

// Elements that take no bytes leave nothing to check a count against.
inline constexpr std::uint64_t most_empty_elements = std::uint64_t{16} << 20;

inline void encode_length(writer& to, std::size_t length) {
    const std::uint64_t wide = length;
    to.write(&wide, sizeof wide);
}

[[noreturn]] inline void fail_length(std::uint64_t length, std::size_t left) {
    throw codec_error("decode: " + std::to_string(length) + " elements cannot be in the " +
                      std::to_string(left) + " bytes that are left");
}

// Reads how many elements follow, each of at least `least` bytes; what it returns is safe to
// multiply with that, and there are bytes for it.
inline std::size_t decode_length(reader& from, std::size_t least) {
    std::uint64_t length;
    from.read(&length, sizeof length, "a length");
    const std::uint64_t left = from.remaining();
    const std::uint64_t most =
        least != 0 ? left / least : (left > most_empty_elements ? left : most_empty_elements);
    if (length > most) fail_length(length, from.remaining());
    return static_cast<std::size_t>(length);
}

// How many elements to make room for: their memory may be a few times as big as the bytes that
// are there, however small an element can be and whatever count was claimed.
template <class T>
std::size_t worth_reserving(std::size_t count, const reader& from) {
    const std::size_t affordable = from.remaining() / sizeof(T) * 4 + 4;
    return count < affordable ? count : affordable;
}

}  // namespace detail
}  // namespace tandem
