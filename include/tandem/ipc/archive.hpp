// SPDX-License-Identifier: BSL-1.0
// tandem/ipc/archive.hpp: archives for types that have `serialize` in the style of cereal or Boost.        level 1
#pragma once

#include <tandem/ipc/coder.hpp>

#include <concepts>
#include <cstddef>
#include <type_traits>
#include <utility>

namespace tandem {
namespace detail {

// A name-value pair, of which only the value travels: cereal's has members, Boost's functions.
template <class T>
concept named_by_functions = requires(T& item) {
    { item.name() } -> std::convertible_to<const char*>;
    item.value();
};
template <class T>
concept named_by_members = requires(T& item) {
    { item.name } -> std::convertible_to<const char*>;
    item.value;
};
template <class T>
concept has_codec = requires(writer& to, reader& from, const T& value) {
    codec<T>::encode(to, value);
    { codec<T>::decode(from) } -> std::same_as<T>;
};
template <class T>
concept name_value =
    std::is_class_v<T> && !has_codec<T> && !builtin<T>::known &&
    (named_by_functions<T> || named_by_members<T>) && !std::is_default_constructible_v<T>;

}  // namespace detail

/// What `serialize(archive)` is given while a value is encoded: `archive(a, b)`, `archive & a & b`
/// and `archive << a` append fields.
/// Thread safety: distinct objects only.
class saving_archive {
   public:
    using is_saving = std::true_type;
    using is_loading = std::false_type;

    explicit saving_archive(writer& to) noexcept : to_(to) {}

    /// Appends each item by its own codec.
    template <class... T>
    saving_archive& operator()(const T&... items) {
        (save(items), ...);
        return *this;
    }
    /// Appends one item.
    template <class T>
    saving_archive& operator&(const T& item) {
        return (*this)(item);
    }
    /// Appends one item.
    template <class T>
    saving_archive& operator<<(const T& item) {
        return (*this)(item);
    }

   private:
    template <class T>
    void save(const T& item) {
        if constexpr (std::is_array_v<T>) {
            for (const auto& each : item) save(each);
        } else if constexpr (!detail::name_value<T>) {
            detail::coder<T>::encode(to_, item);
        } else if constexpr (detail::named_by_functions<const T>) {
            save(item.value());
        } else {
            save(item.value);
        }
    }

    writer& to_;
};

/// What `serialize(archive)` is given while a value is decoded; the same fields in the same order
/// are assigned by `archive(a, b)`, `archive & a & b` and `archive >> a`.
/// Thread safety: distinct objects only.
class loading_archive {
   public:
    using is_saving = std::false_type;
    using is_loading = std::true_type;

    explicit loading_archive(reader& from) noexcept : from_(from) {}

    /// Assigns each item. Throws: codec_error if the bytes do not hold them.
    template <class... T>
    loading_archive& operator()(T&&... items) {
        (load(items), ...);
        return *this;
    }
    /// Assigns one item.
    template <class T>
    loading_archive& operator&(T&& item) {
        return (*this)(item);
    }
    /// Assigns one item.
    template <class T>
    loading_archive& operator>>(T&& item) {
        return (*this)(item);
    }

   private:
    template <class T>
    void load(T& item) {
        if constexpr (std::is_array_v<T>) {
            for (auto& each : item) load(each);
        } else if constexpr (!detail::name_value<std::remove_const_t<T>>) {
            item = detail::coder<T>::decode(from_);
        } else if constexpr (detail::named_by_functions<T>) {
            load(item.value());
        } else {
            load(item.value);
        }
    }

    reader& from_;
};

namespace detail {

enum class archive_style {
    none,
    member,
    member_with_version,
    split_members,
    split_members_with_version,
    function,
    function_with_version,
    split_functions,
};

template <class T, class Archive>
concept member_style = requires(T& value, Archive& archive) { value.serialize(archive); };
template <class T, class Archive>
concept versioned_member_style =
    requires(T& value, Archive& archive) { value.serialize(archive, 0U); };
template <class T>
concept split_member_style =
    requires(const T& value, T& to, saving_archive& s, loading_archive& l) {
        value.save(s);
        to.load(l);
    };
template <class T>
concept versioned_split_member_style =
    requires(const T& value, T& to, saving_archive& s, loading_archive& l) {
        value.save(s, 0U);
        to.load(l, 0U);
    };

// Functions are found in the namespace of T by their arguments.
template <class T, class Archive>
concept function_style = requires(T& value, Archive& archive) { serialize(archive, value); };
template <class T, class Archive>
concept versioned_function_style =
    requires(T& value, Archive& archive) { serialize(archive, value, 0U); };
template <class T>
concept split_function_style =
    requires(const T& value, T& to, saving_archive& s, loading_archive& l) {
        save(s, value);
        load(l, to);
    };

template <class T>
constexpr archive_style find_member_style() {
    if constexpr (member_style<T, saving_archive> && member_style<T, loading_archive>) {
        return archive_style::member;
    } else if constexpr (versioned_member_style<T, saving_archive> &&
                         versioned_member_style<T, loading_archive>) {
        return archive_style::member_with_version;
    } else if constexpr (split_member_style<T>) {
        return archive_style::split_members;
    } else if constexpr (versioned_split_member_style<T>) {
        return archive_style::split_members_with_version;
    } else {
        return archive_style::none;
    }
}

template <class T>
constexpr archive_style find_function_style() {
    if constexpr (function_style<T, saving_archive> && function_style<T, loading_archive>) {
        return archive_style::function;
    } else if constexpr (versioned_function_style<T, saving_archive> &&
                         versioned_function_style<T, loading_archive>) {
        return archive_style::function_with_version;
    } else if constexpr (split_function_style<T>) {
        return archive_style::split_functions;
    } else {
        return archive_style::none;
    }
}

// Member functions come before the built-in coders, free functions after them: a template in the
// namespace of T must not take over std::vector<T>.
template <class T>
constexpr archive_style find_archive_style() {
    if constexpr (!std::is_class_v<T>) {
        return archive_style::none;
    } else if constexpr (find_member_style<T>() != archive_style::none) {
        return find_member_style<T>();
    } else if constexpr (builtin<T>::known) {
        return archive_style::none;
    } else {
        return find_function_style<T>();
    }
}

template <class T>
inline constexpr archive_style archive_style_of = find_archive_style<T>();

template <archive_style Style, class T, class Archive>
void serialize_whole(T& value, Archive& archive) {
    if constexpr (Style == archive_style::member) {
        value.serialize(archive);
    } else if constexpr (Style == archive_style::member_with_version) {
        value.serialize(archive, 0U);
    } else if constexpr (Style == archive_style::function) {
        serialize(archive, value);
    } else {
        serialize(archive, value, 0U);
    }
}

template <class T>
struct archive_coder {
    static constexpr archive_style style = archive_style_of<T>;

    static void encode(writer& to, const T& value) {
        const nesting<writer> level(to);
        saving_archive archive(to);
        if constexpr (style == archive_style::split_members) {
            value.save(archive);
        } else if constexpr (style == archive_style::split_members_with_version) {
            value.save(archive, 0U);
        } else if constexpr (style == archive_style::split_functions) {
            save(archive, value);
        } else {
            // One function does both ways, so it cannot be const; saving, it only reads.
            serialize_whole<style>(const_cast<T&>(value), archive);
        }
    }

    static T decode(reader& from) {
        const nesting<reader> level(from);
        loading_archive archive(from);
        T value{};
        if constexpr (style == archive_style::split_members) {
            value.load(archive);
        } else if constexpr (style == archive_style::split_members_with_version) {
            value.load(archive, 0U);
        } else if constexpr (style == archive_style::split_functions) {
            load(archive, value);
        } else {
            serialize_whole<style>(value, archive);
        }
        return value;
    }

    static constexpr std::size_t least() { return 0; }
    static constexpr bool plain() { return false; }
};

}  // namespace detail
}  // namespace tandem
