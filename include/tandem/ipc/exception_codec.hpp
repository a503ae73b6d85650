// SPDX-License-Identifier: BSL-1.0
// tandem/ipc/exception_codec.hpp: exceptions to bytes and back as the same type with the same text.        level 1
#pragma once

#include <tandem/core/error.hpp>
#include <tandem/ipc/codec.hpp>
#include <tandem/ipc/exception_kinds.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include <cxxabi.h>

namespace tandem {
namespace detail {

// One of the user's exception types; lives as long as the program.
struct registered_exception {
    const char* name;  // mangled, which is the same in every process of the program
    bool (*encode)(writer&, const std::exception_ptr&);  // null: it travels as its text
    std::exception_ptr (*decode)(reader&, const std::exception_ptr& inner);
    std::exception_ptr (*from_text)(const std::string&, const std::exception_ptr& inner);
    const registered_exception* next = nullptr;
};

// The first of a list that only grows at its head. Whoever registers a type writes it, with release
// so that acquire in find_registered sees the entry complete. No lock: a forked child must be able
// to look while another thread of its parent was registering.
inline std::atomic<const registered_exception*> registered_exceptions{nullptr};

inline const registered_exception* find_registered(std::string_view name) noexcept {
    const auto* each = registered_exceptions.load(std::memory_order_acquire);
    while (each != nullptr && each->name != name) each = each->next;
    return each;
}

inline bool add_registered(registered_exception& entry) noexcept {
    entry.next = registered_exceptions.load(std::memory_order_relaxed);
    while (!registered_exceptions.compare_exchange_weak(
        entry.next, &entry, std::memory_order_release, std::memory_order_relaxed)) {
    }
    return true;
}

template <class T>
bool encode_registered(writer& to, const std::exception_ptr& thrown) {
    try {
        std::rethrow_exception(thrown);
    } catch (const T& known) {
        tandem::encode(to, known);
        return true;
    } catch (...) {
        return false;
    }
}

template <class T>
std::exception_ptr decode_registered(reader& from, const std::exception_ptr& inner) {
    return throw_as(inner, [&from] { return tandem::decode<T>(from); });
}

template <class T>
std::exception_ptr make_from_text(const std::string& text, const std::exception_ptr& inner) {
    return throw_as(inner, [&text] {
        if constexpr (std::is_constructible_v<T, const std::string&>) {
            return T(text);
        } else {
            return T(text.c_str());
        }
    });
}

template <class T>
concept made_from_text =
    std::is_base_of_v<std::exception, T> &&
    (std::is_constructible_v<T, const std::string&> || std::is_constructible_v<T, const char*>);

// Deeper ones are left out when encoding and refused when decoding.
inline constexpr int max_nested_exceptions = 16;

// An exception of a type that is not in the list of known ones.
struct other_exception {
    std::string name;       // mangled
    std::string type_name;  // for people
    std::string text;
    std::optional<std::string> bytes;  // by its own codec
};

inline std::string demangle(const std::string& name) {
    int status = 0;
    const std::unique_ptr<char, void (*)(void*)> text(
        abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status), &std::free);
    return status == 0 && text != nullptr ? text.get() : name;
}

inline std::string name_of_thrown(const std::exception_ptr& thrown) {
    try {
        std::rethrow_exception(thrown);
    } catch (...) {
        const std::type_info* type = abi::__cxa_current_exception_type();
        return std::string(without_nested(type != nullptr ? type->name() : "unknown"));
    }
}

inline std::exception_ptr nested_in(const std::exception_ptr& thrown) {
    try {
        std::rethrow_exception(thrown);
    } catch (const std::nested_exception& outer) {
        return outer.nested_ptr();
    } catch (...) {
        return nullptr;
    }
}

inline std::string text_of_thrown(const std::exception_ptr& thrown) {
    try {
        std::rethrow_exception(thrown);
    } catch (const std::exception& known) {
        return text_of(known);
    } catch (...) {
        return "unknown exception";
    }
}

inline void encode_other(writer& to, const std::exception_ptr& thrown, std::string name) {
    other_exception other{std::move(name), "", text_of_thrown(thrown), std::nullopt};
    other.type_name = demangle(other.name);
    const registered_exception* entry = find_registered(other.name);
    if (entry != nullptr && entry->encode != nullptr) {
        writer own;
        try {
            if (entry->encode(own, thrown)) {
                other.bytes.emplace(reinterpret_cast<const char*>(own.bytes().data()),
                                    own.bytes().size());
            }
        } catch (...) {  // its codec failed, so its text must do
        }
    }
    coder<other_exception>::encode(to, other);
}

inline std::exception_ptr decode_other(reader& from, const std::exception_ptr& inner, int pid) {
    other_exception other = coder<other_exception>::decode(from);
    const registered_exception* entry = find_registered(other.name);
    if (entry != nullptr && entry->decode != nullptr && other.bytes) {
        reader own(std::as_bytes(std::span(*other.bytes)));
        std::exception_ptr thrown = entry->decode(own, inner);
        if (own.remaining() == 0) return thrown;
        throw codec_error("decode: bytes are left after an exception of type " + other.type_name);
    }
    if (entry != nullptr && entry->from_text != nullptr) return entry->from_text(other.text, inner);
    return throw_as(inner,
                    [&] { return remote_exception(other.text, std::move(other.type_name), pid); });
}

// False if the exception holds what has no bytes, such as a code of the user's own category.
template <class T>
bool encode_known(writer& to, const std::exception_ptr& thrown) {
    const std::size_t start = to.position();
    try {
        std::rethrow_exception(thrown);
    } catch (const T& known) {
        try {
            exception_kind<T>::encode(to, known);
            return true;
        } catch (const codec_error&) {
            to.truncate(start);
        }
    } catch (...) {
    }
    return false;
}

template <class T>
std::exception_ptr decode_known(reader& from, const std::exception_ptr& inner) {
    return throw_as(inner, [&from] { return exception_kind<T>::decode(from); });
}

struct known_exception {
    const std::type_info* type;
    bool (*encode)(writer&, const std::exception_ptr&);
    std::exception_ptr (*decode)(reader&, const std::exception_ptr& inner);
};

template <class... T>
constexpr std::array<known_exception, sizeof...(T)> make_known(exception_list<T...>) {
    return {{{&typeid(T), &encode_known<T>, &decode_known<T>}...}};
}
inline constexpr auto known_exception_table = make_known(known_exceptions());

// In place of a place in that table.
inline constexpr std::uint8_t other_place = 255;
static_assert(known_exception_table.size() < other_place);

inline std::uint8_t place_of(std::string_view name) noexcept {
    for (std::size_t place = 0; place < known_exception_table.size(); ++place) {
        if (name == known_exception_table[place].type->name()) {
            return static_cast<std::uint8_t>(place);
        }
    }
    return other_place;
}

// Whether one is nested and that one come first, since the outer one is made around it.
inline void encode_thrown(writer& to, const std::exception_ptr& thrown, int depth) {
    const std::exception_ptr inner = depth < max_nested_exceptions ? nested_in(thrown) : nullptr;
    coder<bool>::encode(to, inner != nullptr);
    if (inner != nullptr) encode_thrown(to, inner, depth + 1);
    std::string name = name_of_thrown(thrown);
    const std::size_t start = to.position();
    if (const std::uint8_t place = place_of(name); place != other_place) {
        to.write(&place, 1);
        if (known_exception_table[place].encode(to, thrown)) return;
        to.truncate(start);
    }
    to.write(&other_place, 1);
    encode_other(to, thrown, std::move(name));
}

inline std::exception_ptr decode_thrown(reader& from, int pid, int depth) {
    std::exception_ptr inner;
    if (decode_truth(from, "whether an exception is nested")) {
        if (depth == max_nested_exceptions) {
            throw codec_error("decode: more than " + std::to_string(max_nested_exceptions) +
                              " exceptions are nested");
        }
        inner = decode_thrown(from, pid, depth + 1);
    }
    const auto place = decode_plain<std::uint8_t>(from, "the type of an exception");
    if (place == other_place) return decode_other(from, inner, pid);
    if (place < known_exception_table.size())
        return known_exception_table[place].decode(from, inner);
    throw codec_error("decode: no exception type has the number " + std::to_string(place));
}

inline void encode_or_throw(writer& to, const std::exception_ptr& thrown) {
    coder<bool>::encode(to, thrown != nullptr);
    if (thrown != nullptr) encode_thrown(to, thrown, 0);
}

}  // namespace detail

/// Lets exceptions of type T come back from another process as T; otherwise they are a
/// remote_exception. T travels (it has a codec), or derives from std::exception and can be made
/// from what() alone. May be called at any time, also to initialise a variable at namespace scope:
/// `const bool registered = tandem::register_exception<parse_error>();`. Returns: true.
/// Thread safety: any thread, any number of times.
template <class T>
bool register_exception() {
    static_assert(std::is_class_v<T> && (travels<T> || detail::made_from_text<T>),
                  "tandem: an exception type can be registered if it has a codec, or if it derives "
                  "from std::exception and can be constructed from a std::string");
    static detail::registered_exception entry{typeid(T).name(), nullptr, nullptr, nullptr};
    static const bool added = [] {
        if constexpr (travels<T>) {
            entry.encode = &detail::encode_registered<T>;
            entry.decode = &detail::decode_registered<T>;
        }
        if constexpr (detail::made_from_text<T>) entry.from_text = &detail::make_from_text<T>;
        return detail::add_registered(entry);
    }();
    return added;
}

/// Appends an exception with those nested in it, whatever was thrown; the exact type decides what
/// it will be. Effects: without memory for it, std::bad_alloc is appended instead, or nothing.
inline void encode_exception(writer& to, std::exception_ptr thrown) noexcept {
    const std::size_t start = to.position();
    try {
        detail::encode_or_throw(to, thrown);
    } catch (...) {
        to.truncate(start);
        try {
            detail::encode_or_throw(to, std::make_exception_ptr(std::bad_alloc()));
        } catch (...) {
            to.truncate(start);
        }
    }
}

/// Takes the next exception from the reader, thrown by process pid. Returns: null if that is what
/// was encoded. Throws: codec_error if the bytes there are no exception.
inline std::exception_ptr decode_exception(reader& from, int pid) {
    try {
        if (!detail::decode_truth(from, "whether there is an exception")) return nullptr;
        return detail::decode_thrown(from, pid, 0);
    } catch (const codec_error&) {
        throw;
    } catch (const std::bad_alloc&) {
        throw;
    } catch (const std::exception& failure) {
        throw codec_error(std::string("decode: an exception could not be rebuilt: ") +
                          detail::text_of(failure));
    } catch (...) {
        throw codec_error("decode: an exception could not be rebuilt");
    }
}

}  // namespace tandem
