// SPDX-License-Identifier: BSL-1.0
// tandem/ipc/travels.hpp: whether a value of a type can go to another process, and if not, why.        level 1
#pragma once

#include <tandem/ipc/archive.hpp>
#include <tandem/ipc/codec_associative.hpp>
#include <tandem/ipc/codec_containers.hpp>
#include <tandem/ipc/codec_vocabulary.hpp>
#include <tandem/ipc/coder.hpp>
#include <tandem/ipc/fields.hpp>

#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace tandem {
namespace detail {

enum class refusal {
    none,
    nothing,
    reference,
    function_pointer,
    pointer,
    member_pointer,
    view,
    iterator,
    shared_ownership,
    polymorphic,
    synchronisation,
    thread,
    future,
    function,
    any,
    descriptor,
    comparator,
    union_type,
    opaque_class,
    has_base,
    too_many_fields,
    not_countable,
    not_default_constructible,
};

// Types that are refused by name.
template <class T>
inline constexpr refusal refused_by_name = refusal::none;
template <class C, class Traits>
inline constexpr refusal refused_by_name<std::basic_string_view<C, Traits>> = refusal::view;
template <class T, std::size_t Size>
inline constexpr refusal refused_by_name<std::span<T, Size>> = refusal::view;
template <class T>
inline constexpr refusal refused_by_name<std::initializer_list<T>> = refusal::view;
template <class T>
inline constexpr refusal refused_by_name<std::shared_ptr<T>> = refusal::shared_ownership;
template <class T>
inline constexpr refusal refused_by_name<std::weak_ptr<T>> = refusal::shared_ownership;
template <class T, class Deleter>
inline constexpr refusal refused_by_name<std::unique_ptr<T, Deleter>> = refusal::pointer;

// A pointer to a base would bring the base alone.
template <class T>
inline constexpr refusal refused_by_name<std::unique_ptr<T>> =
    std::is_array_v<T>                                ? refusal::pointer
    : std::is_polymorphic_v<T> && !std::is_final_v<T> ? refusal::polymorphic
                                                      : refusal::none;

template <class T>
inline constexpr refusal refused_by_name<made_anew<T>> =
    std::is_empty_v<T> && std::default_initializable<T> ? refusal::none : refusal::comparator;

// Classes that would be refused anyway, told apart by what they offer for a message that helps.
template <class T>
constexpr refusal why_opaque() {
    if constexpr (std::is_polymorphic_v<T>) {
        return refusal::polymorphic;
    } else if constexpr (
        requires(T t) { t.lock(), t.unlock(); } ||
        requires(T t) { t.notify_one(), t.notify_all(); } || requires(T t) { t.is_lock_free(); } ||
        requires(T t) { t.test_and_set(); }) {
        return refusal::synchronisation;
    } else if constexpr (requires(T t) { t.joinable(), t.join(); }) {
        return refusal::thread;
    } else if constexpr (
        requires(T t) { t.wait(), t.get(); } || requires(T t) { t.get_future(); }) {
        return refusal::future;
    } else if constexpr (requires(T t) { t.target_type(); } || requires { &T::operator(); }) {
        return refusal::function;
    } else if constexpr (requires(const T t) { t.type(), t.has_value(); }) {
        return refusal::any;
    } else if constexpr (requires(T t) {
                             { t.get() } -> std::same_as<int>;
                             { t.release() } -> std::same_as<int>;
                         }) {
        return refusal::descriptor;
    } else if constexpr (requires(const T t) {
                             { t.get() } -> std::same_as<typename T::type&>;
                         }) {
        return refusal::view;  // std::reference_wrapper
    } else if constexpr (std::input_or_output_iterator<T>) {
        return refusal::iterator;
    } else {
        return refusal::opaque_class;
    }
}

// An object without state, such as a lambda without captures, travels as no bytes.
template <class T>
concept stateless = std::is_class_v<T> && std::is_empty_v<T> && std::is_trivially_copyable_v<T> &&
                    std::default_initializable<T>;

template <class T>
constexpr refusal why_class() {
    if constexpr (stateless<T>) {
        return refusal::none;
    } else if constexpr (!std::is_aggregate_v<T>) {
        return why_opaque<T>();
    } else {
        switch (aggregate_info<T>::kind) {
            case shape::regular:
                return refusal::none;
            case shape::has_reference:
                return refusal::reference;
            case shape::has_base:
                return refusal::has_base;
            case shape::too_many_fields:
                return refusal::too_many_fields;
            case shape::not_countable:
                break;
        }
        return refusal::not_countable;
    }
}

template <class T>
constexpr refusal why_not_class() {
    if constexpr (std::is_void_v<T>) {
        return refusal::nothing;
    } else if constexpr (std::is_reference_v<T>) {
        return refusal::reference;
    } else if constexpr (std::is_function_v<std::remove_pointer_t<T>>) {
        return refusal::function_pointer;
    } else if constexpr (std::is_pointer_v<T> || std::is_null_pointer_v<T>) {
        return refusal::pointer;
    } else if constexpr (std::is_member_pointer_v<T>) {
        return refusal::member_pointer;
    } else if constexpr (std::is_union_v<T>) {
        return refusal::union_type;
    } else {
        return refusal::none;
    }
}

// Why a T itself cannot travel, whatever is inside it. T has no const or volatile.
template <class T>
constexpr refusal why_not() {
    if constexpr (has_codec<T>) {
        return refusal::none;
    } else if constexpr (!std::is_class_v<T>) {
        return why_not_class<T>();
    } else if constexpr (archive_style_of<T> != archive_style::none) {
        return std::is_default_constructible_v<T> ? refusal::none
                                                  : refusal::not_default_constructible;
    } else if constexpr (refused_by_name<T> != refusal::none) {
        return refused_by_name<T>;
    } else if constexpr (builtin<T>::known || std::is_same_v<T, made_anew<void>>) {
        return refusal::none;
    } else {
        return why_class<T>();
    }
}

// What is inside a T, which travels if that does.
template <class... T, std::size_t... Index>
constexpr auto number_fields(std::index_sequence<Index...>) {
    return parts_of<part<field<static_cast<int>(Index)>, std::remove_cv_t<T>>...>();
}
struct list_fields {
    template <class... T>
    constexpr auto operator()(const T&...) const {
        return number_fields<T...>(std::index_sequence_for<T...>());
    }
};

template <class T>
constexpr auto find_parts() {
    if constexpr (std::is_array_v<T>) {
        return parts_of<part<element, std::remove_extent_t<T>>>();
    } else if constexpr (has_codec<T> || archive_style_of<T> != archive_style::none) {
        return parts_of<>();
    } else if constexpr (builtin<T>::known) {
        return typename builtin<T>::parts();
    } else if constexpr (stateless<T>) {
        return parts_of<>();
    } else {
        return decltype(visit_fields(std::declval<const T&>(), list_fields()))();
    }
}

// The steps to a type that cannot travel, and that type; empty if there is none.
template <class... StepsAndType>
struct trace {};
template <class... Types>
struct seen {};

template <class T, class... Steps, class... Outer>
constexpr auto search(trace<Steps...> path, seen<Outer...>);

template <class Path, class Seen>
constexpr trace<> search_parts(parts_of<>, Path, Seen) {
    return {};
}
template <class Step, class T, class... Rest, class... Steps, class Seen>
constexpr auto search_parts(parts_of<part<Step, T>, Rest...>, trace<Steps...> path, Seen outer) {
    using found = decltype(search<T>(trace<Steps..., Step>(), outer));
    if constexpr (std::is_same_v<found, trace<>>) {
        return search_parts(parts_of<Rest...>(), path, outer);
    } else {
        return found();
    }
}

// A type inside itself is not examined again, so that the search ends.
template <class T, class... Steps, class... Outer>
constexpr auto search(trace<Steps...> path, seen<Outer...>) {
    using value = std::remove_cv_t<T>;
    if constexpr (why_not<value>() != refusal::none) {
        return trace<Steps..., value>();
    } else if constexpr ((std::is_same_v<value, Outer> || ...)) {
        return trace<>();
    } else {
        return search_parts(find_parts<value>(), path, seen<Outer..., value>());
    }
}

template <class T, class... Path>
using obstacle = decltype(search<T>(trace<Path...>(), seen<>()));

template <class First, class... Rest>
struct last_of : last_of<Rest...> {};
template <class Last>
struct last_of<Last> {
    using type = Last;
};

// Its arguments say where: the steps from the argument inwards, then the type that is refused.
template <class... StepsAndType>
struct cannot_travel {
    static constexpr refusal why = why_not<typename last_of<StepsAndType...>::type>();

    static_assert(why != refusal::nothing, "tandem: void is no value that could travel");
    static_assert(why != refusal::reference,
                  "tandem: a reference cannot travel to another process, it refers to memory of "
                  "this one; send the value itself");
    static_assert(why != refusal::function_pointer,
                  "tandem: a pointer to a function cannot travel as data; submit the function "
                  "itself, or pass an object without state");
    static_assert(why != refusal::pointer,
                  "tandem: a pointer cannot travel to another process, it refers to memory of "
                  "this one; send the value it points to, or a std::vector or std::string");
    static_assert(why != refusal::member_pointer,
                  "tandem: a pointer to a member cannot travel; send a value that says which "
                  "member is meant, such as an enum");
    static_assert(why != refusal::view,
                  "tandem: a view or a reference (string_view, span, initializer_list, "
                  "reference_wrapper) cannot travel to another process, what it refers to stays "
                  "here; send a std::string or a std::vector, which own it");
    static_assert(why != refusal::iterator,
                  "tandem: an iterator cannot travel to another process, its container stays "
                  "here; send the elements in a std::vector, or an index");
    static_assert(why != refusal::shared_ownership,
                  "tandem: a shared_ptr or weak_ptr cannot travel, processes do not share the "
                  "object; send the value, or a std::unique_ptr to it");
    static_assert(why != refusal::polymorphic,
                  "tandem: a polymorphic class cannot travel, its most derived type is not known "
                  "here; send a std::variant, or specialise tandem::codec for it");
    static_assert(why != refusal::synchronisation,
                  "tandem: a mutex, an atomic or a condition variable cannot travel, it works "
                  "only where it is; send the value it protects");
    static_assert(why != refusal::thread,
                  "tandem: a thread cannot travel to another process; send what it should work on");
    static_assert(why != refusal::future,
                  "tandem: a future or promise cannot travel to another process; get() its value "
                  "and send that");
    static_assert(why != refusal::function,
                  "tandem: a std::function or a callable with state cannot travel, its captures "
                  "cannot be seen; pass the state as arguments to a function or a lambda without "
                  "captures");
    static_assert(why != refusal::any,
                  "tandem: a std::any cannot travel, its type is not known until it runs; send a "
                  "std::variant of the types it may hold");
    static_assert(why != refusal::descriptor,
                  "tandem: a file descriptor cannot travel as data, its number means nothing in "
                  "another process; send the path, and open it there");
    static_assert(why != refusal::comparator,
                  "tandem: a container whose comparator or hash has state cannot travel, it is "
                  "made anew on arrival; use a comparator type without members");
    static_assert(why != refusal::union_type,
                  "tandem: a union cannot travel, which member is set is not known; send a "
                  "std::variant");
    static_assert(why != refusal::opaque_class,
                  "tandem: a class with constructors or private members cannot travel as it is; "
                  "specialise tandem::codec for it, or give it a member serialize(archive)");
    static_assert(why != refusal::has_base,
                  "tandem: an aggregate with a base class that has fields cannot travel as it is; "
                  "make the base a member, specialise tandem::codec for it, or give it a member "
                  "serialize(archive)");
    static_assert(why != refusal::too_many_fields,
                  "tandem: an aggregate of more than 32 fields cannot travel as it is; group "
                  "fields in structs, specialise tandem::codec for it, or give it a member "
                  "serialize(archive)");
    static_assert(why != refusal::not_countable,
                  "tandem: the fields of this aggregate cannot be counted; specialise "
                  "tandem::codec for it, or give it a member serialize(archive)");
    static_assert(why != refusal::not_default_constructible,
                  "tandem: a class that is loaded by serialize(archive) must be default "
                  "constructible; add a constructor, or specialise tandem::codec for it");
};

template <>
struct cannot_travel<> {};

template <class Trace>
struct explain;
template <class... StepsAndType>
struct explain<trace<StepsAndType...>> : cannot_travel<StepsAndType...> {};

}  // namespace detail

/// Whether a value of T can go to another process: at no depth does it hold a pointer, a reference,
/// a view, something that synchronises, or a class whose state cannot be seen.
template <class T>
concept travels = std::is_same_v<detail::obstacle<T>, detail::trace<>>;

/// Does not compile unless T travels; the message says why not and what to do instead. Its template
/// arguments name the way there, which starts with Path.
template <class T, class... Path>
constexpr void require_travels() {
    static_cast<void>(sizeof(detail::explain<detail::obstacle<T, Path...>>));
}

}  // namespace tandem
