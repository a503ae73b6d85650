// SPDX-License-Identifier: BSL-1.0
// tandem/ipc/codec.hpp: values to bytes and back, between processes of the same program.        level 1
#pragma once

#include <tandem/ipc/archive.hpp>
#include <tandem/ipc/bytes.hpp>
#include <tandem/ipc/codec_associative.hpp>
#include <tandem/ipc/codec_containers.hpp>
#include <tandem/ipc/codec_vocabulary.hpp>
#include <tandem/ipc/coder.hpp>
#include <tandem/ipc/fields.hpp>
#include <tandem/ipc/travels.hpp>

#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace tandem {
namespace detail {

template <class T>
struct custom_coder {
    static void encode(writer& to, const T& value) {
        const nesting<writer> level(to);
        codec<T>::encode(to, value);
    }
    static T decode(reader& from) {
        const nesting<reader> level(from);
        return codec<T>::decode(from);
    }
    static constexpr std::size_t least() {
        if constexpr (requires { codec<T>::min_size; }) {
            return codec<T>::min_size;
        } else {
            return 0;
        }
    }
    static constexpr bool plain() { return false; }
};

template <class T>
struct stateless_coder {
    static void encode(writer&, const T&) {}
    static T decode(reader&) { return T(); }
    static constexpr std::size_t least() { return 0; }
    static constexpr bool plain() { return false; }
};

// An array in an aggregate; it cannot be returned, so it is filled where it is.
template <class T, std::size_t Size>
struct array_coder {
    using value = std::remove_cv_t<T>;
    static void encode(writer& to, const T (&items)[Size]) {
        if constexpr (plain()) {
            to.write(items, sizeof items);
        } else {
            for (const T& item : items) coder<value>::encode(to, item);
        }
    }
    static void decode_into(reader& from, T (&items)[Size]) {
        for (T& item : items) {
            if constexpr (std::is_array_v<T>) {
                coder<value>::decode_into(from, item);
            } else {
                item = coder<value>::decode(from);
            }
        }
    }
    static constexpr std::size_t least() { return Size * coder<value>::least(); }
    static constexpr bool plain() { return coder<value>::plain(); }
};

// Stands for an empty base where an aggregate is made from a list of initializers.
struct make_base {
    template <class Base>
    operator Base() const {  // NOLINT: implicit on purpose
        return Base();
    }
};

template <class T>
struct aggregate_coder {
    static void encode(writer& to, const T& value) {
        if constexpr (plain()) {
            to.write(std::addressof(value), sizeof(T));
        } else {
            const nesting<writer> level(to);
            visit_fields(value, [&to]<class... Fields>(const Fields&... fields) {
                static_cast<void>(to);
                (coder<std::remove_cv_t<Fields>>::encode(to, fields), ...);
            });
        }
    }

    static T decode(reader& from) {
        if constexpr (plain()) {
            return decode_plain<T>(from, "an aggregate");
        } else {
            const nesting<reader> level(from);
            return decode_fields(from, find_parts<T>(),
                                 std::make_index_sequence<aggregate_info<T>::bases>());
        }
    }

    static constexpr std::size_t least() { return sum_least(find_parts<T>()); }

    static constexpr bool plain() {
        if constexpr (std::is_trivially_copyable_v<T>) {
            return all_plain(find_parts<T>());
        } else {
            return false;
        }
    }

   private:
    template <class... Steps, class... Fields>
    static constexpr bool all_plain(parts_of<part<Steps, Fields>...>) {
        return ((coder<Fields>::plain() || stateless<Fields>) && ...);
    }
    template <class... Steps, class... Fields>
    static constexpr std::size_t sum_least(parts_of<part<Steps, Fields>...>) {
        return (std::size_t{0} + ... + coder<Fields>::least());
    }

// A value that came out of a bit-field fits into it again.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
    // Initializers in braces are evaluated in order, and a field is made in its place.
    template <class... Steps, class... Fields, std::size_t... Base>
    static T decode_fields(reader& from, parts_of<part<Steps, Fields>...>,
                           std::index_sequence<Base...>) {
        if constexpr ((std::is_array_v<Fields> || ...)) {
            T value{};
            visit_fields(value, [&from](auto&... fields) { (decode_into(from, fields), ...); });
            return value;
        } else {
            return T{repeated<make_base, Base>()..., coder<Fields>::decode(from)...};
        }
    }
#pragma GCC diagnostic pop

    template <class Field>
    static void decode_into(reader& from, Field& field) {
        if constexpr (std::is_array_v<Field>) {
            coder<Field>::decode_into(from, field);
        } else {
            field = coder<Field>::decode(from);
        }
    }
};

// Named only where a value that cannot travel is met inside a codec or serialize of the user's.
template <class T>
struct refused_coder : cannot_travel<T> {
    static void encode(writer&, const T&) {}
    static T decode(reader&);
    static constexpr std::size_t least() { return 0; }
    static constexpr bool plain() { return false; }
};

template <class T>
struct array_coder_of;
template <class T, std::size_t Size>
struct array_coder_of<T[Size]> {
    using type = array_coder<T, Size>;
};

// The order of precedence: yours, serialize, what the library knows, aggregates.
template <class T>
constexpr auto choose_coder() {
    if constexpr (has_codec<T>) {
        return std::type_identity<custom_coder<T>>();
    } else if constexpr (why_not<T>() != refusal::none) {
        return std::type_identity<refused_coder<T>>();
    } else if constexpr (std::is_array_v<T>) {
        return std::type_identity<typename array_coder_of<T>::type>();
    } else if constexpr (archive_style_of<T> != archive_style::none) {
        return std::type_identity<archive_coder<T>>();
    } else if constexpr (builtin<T>::known) {
        return std::type_identity<builtin<T>>();
    } else if constexpr (stateless<T>) {
        return std::type_identity<stateless_coder<T>>();
    } else {
        return std::type_identity<aggregate_coder<T>>();
    }
}

template <class T>
struct coder : decltype(choose_coder<T>())::type {};

}  // namespace detail

/// Appends a value. Throws: codec_error if it has no bytes (a variant without a value, nesting
/// deeper than 64), or what the type's own codec throws; the writer is then as it was.
template <class T>
void encode(writer& to, const T& value) {
    require_travels<T>();
    if constexpr (travels<T>) {
        if constexpr (detail::coder<T>::plain()) {
            detail::coder<T>::encode(to, value);
        } else {
            const std::size_t start = to.position();
            try {
                detail::coder<T>::encode(to, value);
            } catch (...) {
                to.truncate(start);
                throw;
            }
        }
    }
}

/// The bytes of a value. Throws: as encode(writer&, value). Python: pickle.dumps.
template <class T>
std::vector<std::byte> encode(const T& value) {
    writer to;
    encode(to, value);
    return {to.bytes().begin(), to.bytes().end()};
}

/// Takes the next value from the reader. Throws: codec_error if the bytes there are not one; they
/// are never trusted, so it neither crashes nor allocates more than a few times what is there.
template <class T>
    requires std::same_as<T, std::remove_cvref_t<T>>
T decode(reader& from) {
    static_assert(!std::is_array_v<T>, "tandem: an array cannot be returned; decode a std::array");
    require_travels<T>();
    if constexpr (travels<T>) return detail::coder<T>::decode(from);
}

/// The value that the bytes hold, all of them. Throws: codec_error, as above, also if bytes are
/// left over. Python: pickle.loads.
template <class T>
T decode(std::span<const std::byte> bytes) {
    reader from(bytes);
    T value = decode<T>(from);
    if (from.remaining() != 0) {
        throw codec_error("decode: " + std::to_string(from.remaining()) +
                          " bytes are left after the value");
    }
    return value;
}

}  // namespace tandem
