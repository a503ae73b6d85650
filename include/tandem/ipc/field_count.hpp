// SPDX-License-Identifier: BSL-1.0
// tandem/ipc/field_count.hpp: how many fields an aggregate has, found by what initialises it.        level 1
#pragma once

#include <cstddef>
#include <cstdlib>
#include <type_traits>
#include <utility>

namespace tandem::detail {

// More fields than these have no names in fields.hpp.
inline constexpr std::size_t most_fields = 32;

// Converts to whatever a field of Whole is, but not to Whole itself, which would be a copy. The
// conversion is const volatile so that a constructor of the field that takes anything is always
// the better match, never an ambiguous one. It is never called, but for a type of an unnamed
// namespace a compiler wants it defined.
template <class Whole>
struct any_field {
    template <class T>
        requires(!std::is_same_v<T, Whole>)
    operator T() const volatile {  // NOLINT: implicit on purpose
        std::abort();
    }
};

// Converts to a reference only, as a field that is a reference needs.
template <class Whole>
struct any_lvalue {
    template <class T>
        requires(!std::is_same_v<T, Whole>)
    operator T&() const volatile {  // NOLINT
        std::abort();
    }
};

// Converts to the bases of Whole only, which are initialised before its fields.
template <class Whole, bool Empty>
struct any_base {
    template <class T>
        requires(!std::is_same_v<T, Whole> && std::is_base_of_v<T, Whole> &&
                 (!Empty || std::is_empty_v<T>))
    operator T() const volatile {  // NOLINT
        std::abort();
    }
};

template <class Initializer, std::size_t>
using repeated = Initializer;

// Whether T{x, x, ..., x} is well-formed with so many of one initializer.
template <class T, class Initializer, std::size_t... Index>
constexpr bool takes(std::index_sequence<Index...>) {
    return requires { T{repeated<Initializer, Index>()...}; };
}
template <class T, class Initializer, std::size_t Count>
inline constexpr bool takes_v = takes<T, Initializer>(std::make_index_sequence<Count>());

// The counts that are taken are an interval: below it, a field would be left out that needs a
// value; above it, there is nothing left to give one to. Finds its end, or -1 if it is empty.
inline constexpr std::size_t most_initializers = 1024;

template <class T, class Initializer, std::size_t Low, std::size_t High>
constexpr std::size_t last_taken() {  // Low is taken, High is not
    if constexpr (High - Low == 1) {
        return Low;
    } else if constexpr (takes_v<T, Initializer, (Low + High) / 2>) {
        return last_taken<T, Initializer, (Low + High) / 2, High>();
    } else {
        return last_taken<T, Initializer, Low, (Low + High) / 2>();
    }
}

template <class T, class Initializer, std::size_t Low, std::size_t Step>
constexpr std::size_t last_taken_from() {  // Low is taken
    if constexpr (Low + Step > most_initializers) {
        return most_initializers;
    } else if constexpr (takes_v<T, Initializer, Low + Step>) {
        return last_taken_from<T, Initializer, Low + Step, Step * 2>();
    } else {
        return last_taken<T, Initializer, Low, Low + Step>();
    }
}

inline constexpr std::size_t none_taken = static_cast<std::size_t>(-1);

template <class T, class Initializer, std::size_t Low = 0>
constexpr std::size_t count_initializers() {
    if constexpr (takes_v<T, Initializer, Low>) {
        return last_taken_from<T, Initializer, Low, 1>();
    } else if constexpr (Low < 2 * most_fields) {
        return count_initializers<T, Initializer, Low + 1>();
    } else {
        return none_taken;
    }
}

// Whether T{x, ..., x, {x, ..., x}, x, ..., x} is well-formed.
template <class T, std::size_t... Before, std::size_t... Inside, std::size_t... After>
constexpr bool takes_braces(std::index_sequence<Before...>, std::index_sequence<Inside...>,
                            std::index_sequence<After...>) {
    using any = any_field<T>;
    return requires {
        T{repeated<any, Before>()..., {repeated<any, Inside>()...}, repeated<any, After>()...};
    };
}
template <class T, std::size_t Before, std::size_t Inside, std::size_t After>
inline constexpr bool takes_braces_v =
    takes_braces<T>(std::make_index_sequence<Before>(), std::make_index_sequence<Inside>(),
                    std::make_index_sequence<After>());

// Whether braces at an offset stand for one initializer: then it is no array of several elements.
template <class T, std::size_t Offset, std::size_t After, std::size_t Inside = 0>
constexpr bool is_single() {
    if constexpr (takes_braces_v<T, Offset, Inside, After>) {
        return true;
    } else if constexpr (Inside <= After && Inside < 8) {
        return is_single<T, Offset, After, Inside + 1>();
    } else {
        return false;
    }
}

// As how many elements an array at an offset has: its braces stand for that many initializers.
// Halving needs fields behind it that can be left out; the walk is for those that cannot.
template <class T, std::size_t Offset, std::size_t Low, std::size_t High>
constexpr std::size_t most_after() {  // {} with Low behind it is taken, with High it is not
    if constexpr (High - Low == 1) {
        return Low;
    } else if constexpr (takes_braces_v<T, Offset, 0, (Low + High) / 2>) {
        return most_after<T, Offset, (Low + High) / 2, High>();
    } else {
        return most_after<T, Offset, Low, (Low + High) / 2>();
    }
}

template <class T, std::size_t Offset, std::size_t Total, std::size_t Size = 2>
constexpr std::size_t array_size() {
    if constexpr (Offset + Size > Total) {
        return 1;
    } else if constexpr (takes_braces_v<T, Offset, 0, 0>) {
        return Total - Offset - most_after<T, Offset, 0, Total - Offset - 1>();
    } else if constexpr (takes_braces_v<T, Offset, 0, Total - Offset - Size> ||
                         takes_braces_v<T, Offset, Size, Total - Offset - Size>) {
        return Size;
    } else {
        return array_size<T, Offset, Total, Size + 1>();
    }
}

// How many initializers the field at an offset takes: as many as it has elements if it is an array,
// since nothing converts to an array and its braces may be left out; else 1.
template <class T, std::size_t Offset, std::size_t Total>
constexpr std::size_t initializers_at() {
    if constexpr (is_single<T, Offset, Total - Offset - 1>()) {
        return 1;
    } else {
        return array_size<T, Offset, Total>();
    }
}

template <class T, std::size_t Offset, std::size_t Total>
constexpr std::size_t count_fields_from() {
    if constexpr (Offset >= Total) {
        return 0;
    } else {
        return 1 + count_fields_from<T, Offset + initializers_at<T, Offset, Total>(), Total>();
    }
}

template <class T, class Base, std::size_t Count = 0>
constexpr std::size_t count_bases() {
    if constexpr (takes_v<T, Base, Count + 1>) {
        return count_bases<T, Base, Count + 1>();
    } else {
        return Count;
    }
}

enum class shape { regular, has_reference, has_base, too_many_fields, not_countable };

// What is known of an aggregate. The fields can be visited only if it is regular.
template <class T>
struct aggregate_info {
    static constexpr std::size_t initializers = count_initializers<T, any_field<T>>();
    static constexpr std::size_t bases = count_bases<T, any_base<T, false>>();

    static constexpr shape find_shape() {
        if constexpr (initializers == none_taken) {
            return count_initializers<T, any_lvalue<T>>() == none_taken ? shape::not_countable
                                                                        : shape::has_reference;
        } else if constexpr (bases != count_bases<T, any_base<T, true>>()) {
            return shape::has_base;
        } else if constexpr (initializers >= most_initializers) {
            return shape::too_many_fields;
        } else {
            return count_fields_from<T, bases, initializers>() <= most_fields
                       ? shape::regular
                       : shape::too_many_fields;
        }
    }
    static constexpr shape kind = find_shape();

    static constexpr std::size_t find_fields() {
        if constexpr (kind == shape::regular) {
            return count_fields_from<T, bases, initializers>();
        } else {
            return 0;
        }
    }
    static constexpr std::size_t fields = find_fields();
};

}  // namespace tandem::detail
