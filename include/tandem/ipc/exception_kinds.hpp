// SPDX-License-Identifier: BSL-1.0
// tandem/ipc/exception_kinds.hpp: how each known exception type becomes bytes and itself again.        level 1
#pragma once

#include <tandem/core/error.hpp>
#include <tandem/ipc/codec.hpp>

#include <any>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <ios>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <typeinfo>
#include <variant>

namespace tandem::detail {

inline std::string text_of(const std::exception& thrown) {
    const char* text = thrown.what();
    return text != nullptr ? text : "";
}

// Most exceptions are made from their text; those that are not say the same text anyway.
template <class T>
struct exception_kind {
    static void encode(writer& to, const T& thrown) {
        if constexpr (std::is_constructible_v<T, std::string>) {
            coder<std::string>::encode(to, text_of(thrown));
        }
    }
    static T decode(reader& from) {
        if constexpr (std::is_constructible_v<T, std::string>) {
            return T(coder<std::string>::decode(from));
        } else {
            static_cast<void>(from);
            return T();
        }
    }
};

// A code, and the text that was given with it: what() without the code's own message, which the
// constructor adds again. No text and an empty one differ.
struct code_and_text {
    std::error_code code;
    std::optional<std::string> text;
};

inline code_and_text split_text(std::string text, const std::error_code& code) {
    const std::string message = code.message();
    if (text == message) return {code, std::nullopt};
    const std::string ending = ": " + message;
    if (text.size() >= ending.size() &&
        text.compare(text.size() - ending.size(), ending.size(), ending) == 0) {
        text.resize(text.size() - ending.size());
    }
    return {code, std::move(text)};
}

// Not the virtual what(), to which a derived class adds words of its own.
inline code_and_text split_text(const std::system_error& thrown) {
    return split_text(thrown.std::system_error::what(), thrown.code());
}

template <>
struct exception_kind<std::system_error> {
    static void encode(writer& to, const std::system_error& thrown) {
        coder<code_and_text>::encode(to, split_text(thrown));
    }
    static std::system_error decode(reader& from) {
        const auto [code, text] = coder<code_and_text>::decode(from);
        return text ? std::system_error(code, *text) : std::system_error(code);
    }
};

template <>
struct exception_kind<std::filesystem::filesystem_error> {
    using error_type = std::filesystem::filesystem_error;
    static void encode(writer& to, const error_type& thrown) {
        coder<code_and_text>::encode(to, split_text(thrown));
        coder<std::filesystem::path>::encode(to, thrown.path1());
        coder<std::filesystem::path>::encode(to, thrown.path2());
    }
    static error_type decode(reader& from) {
        const auto [code, given] = coder<code_and_text>::decode(from);
        const std::string text = given.value_or("");
        const auto first = coder<std::filesystem::path>::decode(from);
        const auto second = coder<std::filesystem::path>::decode(from);
        if (!second.empty()) return error_type(text, first, second, code);
        return first.empty() ? error_type(text, code) : error_type(text, first, code);
    }
};

// Its usual category, iostream, is one that no other type has.
template <>
struct exception_kind<std::ios_base::failure> {
    static void encode(writer& to, const std::ios_base::failure& thrown) {
        const bool usual = thrown.code().category() == std::iostream_category();
        coder<bool>::encode(to, usual);
        coder<std::error_code>::encode(
            to, usual ? std::error_code(thrown.code().value(), std::generic_category())
                      : thrown.code());
        coder<std::string>::encode(to, split_text(thrown).text.value_or(""));
    }
    static std::ios_base::failure decode(reader& from) {
        const bool usual = coder<bool>::decode(from);
        std::error_code code = coder<std::error_code>::decode(from);
        if (usual) code.assign(code.value(), std::iostream_category());
        return std::ios_base::failure(coder<std::string>::decode(from), code);
    }
};

template <>
struct exception_kind<io_error> {
    static void encode(writer& to, const io_error& thrown) {
        coder<code_and_text>::encode(to, split_text(text_of(thrown), thrown.code()));
    }
    static io_error decode(reader& from) {
        const auto [code, text] = coder<code_and_text>::decode(from);
        return io_error(code, text.value_or(""));
    }
};

template <>
struct exception_kind<spawn_error> {
    static void encode(writer& to, const spawn_error& thrown) {
        coder<std::error_code>::encode(to, thrown.code());
        coder<std::string>::encode(to, thrown.step());
        coder<std::string>::encode(to, thrown.path());
    }
    static spawn_error decode(reader& from) {
        const auto code = coder<std::error_code>::decode(from);
        const auto step = coder<std::string>::decode(from);
        return spawn_error(code, step.c_str(), coder<std::string>::decode(from));
    }
};

template <>
struct exception_kind<worker_died> {
    static void encode(writer& to, const worker_died& thrown) {
        coder<std::string>::encode(to, text_of(thrown));
        coder<death>::encode(
            to, {thrown.pid(), thrown.exit_code(), thrown.signal(), thrown.core_dumped(),
                 thrown.out_of_memory(), thrown.stderr_tail()});
    }
    static worker_died decode(reader& from) {
        const auto text = coder<std::string>::decode(from);
        return worker_died(text, coder<death>::decode(from));
    }
};

template <>
struct exception_kind<remote_exception> {
    static void encode(writer& to, const remote_exception& thrown) {
        coder<std::string>::encode(to, text_of(thrown));
        coder<std::string>::encode(to, thrown.type_name());
        coder<int>::encode(to, thrown.pid());
    }
    static remote_exception decode(reader& from) {
        const auto text = coder<std::string>::decode(from);
        auto type_name = coder<std::string>::decode(from);
        return remote_exception(text, std::move(type_name), coder<int>::decode(from));
    }
};

template <>
struct exception_kind<incomplete_read> {
    static void encode(writer& to, const incomplete_read& thrown) {
        coder<std::string>::encode(to, thrown.partial());
        coder<std::size_t>::encode(to, thrown.expected());
    }
    static incomplete_read decode(reader& from) {
        auto partial = coder<std::string>::decode(from);
        return incomplete_read(std::move(partial), coder<std::size_t>::decode(from));
    }
};

template <>
struct exception_kind<line_too_long> {
    static void encode(writer& to, const line_too_long& thrown) {
        coder<std::size_t>::encode(to, thrown.limit());
    }
    static line_too_long decode(reader& from) {
        return line_too_long(coder<std::size_t>::decode(from));
    }
};

template <class... T>
struct exception_list {};

// The place in this list is what travels.
using known_exceptions =
    exception_list<std::exception, std::bad_exception, std::logic_error, std::domain_error,
                   std::invalid_argument, std::length_error, std::out_of_range, std::runtime_error,
                   std::range_error, std::overflow_error, std::underflow_error, std::system_error,
                   std::filesystem::filesystem_error, std::ios_base::failure, std::bad_alloc,
                   std::bad_array_new_length, std::bad_cast, std::bad_typeid,
                   std::bad_optional_access, std::bad_variant_access, std::bad_any_cast,
                   std::bad_function_call, std::bad_weak_ptr, error, timeout_error, cancelled_error,
                   invalid_state, broken_promise, pool_closed, broken_pool, codec_error, io_error,
                   spawn_error, worker_died, remote_exception, incomplete_read, line_too_long>;

// An exception as it is thrown here; `make` gives it, called while the one nested in it is handled
// so that a type that remembers that one by itself does.
template <class Make>
std::exception_ptr throw_as(const std::exception_ptr& inner, Make make) {
    if (inner == nullptr) return std::make_exception_ptr(make());
    try {
        std::rethrow_exception(inner);
    } catch (...) {
        auto outer = make();
        try {
            std::throw_with_nested(std::move(outer));
        } catch (...) {
            return std::current_exception();
        }
    }
}

// The name of the type that was thrown, without the class around it that std::throw_with_nested
// makes, as the compiler mangles it.
inline std::string_view without_nested(std::string_view name) {
    for (const std::string_view wrapper : {"St17_Nested_exceptionI", "NSt3__18__nestedI"}) {
        const std::string_view end = wrapper[0] == 'N' ? "EE" : "E";
        if (name.starts_with(wrapper) && name.ends_with(end)) {
            return name.substr(wrapper.size(), name.size() - wrapper.size() - end.size());
        }
    }
    // What the standard library's own streams throw is a class behind its back.
    return name == "St13__ios_failure" ? typeid(std::ios_base::failure).name() : name;
}

}  // namespace tandem::detail
