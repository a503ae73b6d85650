// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/exception_kinds.hpp>

#include "round_trip.hpp"

#include <any>
#include <exception>
#include <filesystem>
#include <functional>
#include <ios>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <typeinfo>
#include <variant>

namespace {

using tandem::detail::exception_kind;

template <class T>
T kind_trip(const T& thrown) {
    tandem::writer to;
    exception_kind<T>::encode(to, thrown);
    tandem::reader from(to.bytes());
    T there = exception_kind<T>::decode(from);
    CHECK(from.remaining() == 0);
    return there;
}

template <class T>
void keeps_text(const T& thrown) {
    INFO(typeid(T).name());
    CHECK(std::string(kind_trip(thrown).what()) == thrown.what());
}

// The same text, code and category.
template <class T>
void keeps_code(const T& thrown) {
    const T there = kind_trip(thrown);
    CHECK(std::string(there.what()) == thrown.what());
    CHECK(there.code() == thrown.code());
    CHECK(there.code().category() == thrown.code().category());
}

const std::error_code no_entry = std::make_error_code(std::errc::no_such_file_or_directory);

}  // namespace

TEST_CASE("exceptions made from a text keep it", "[exception_kinds]") {
    keeps_text(std::logic_error("logic"));
    keeps_text(std::domain_error("domain"));
    keeps_text(std::invalid_argument(""));
    keeps_text(std::length_error("length"));
    keeps_text(std::out_of_range("range"));
    keeps_text(std::runtime_error(std::string(10000, 'x')));
    keeps_text(std::range_error("range"));
    keeps_text(std::overflow_error("over"));
    keeps_text(std::underflow_error("under"));
    keeps_text(tandem::error("error"));
    keeps_text(tandem::timeout_error());
    keeps_text(tandem::timeout_error("late"));
    keeps_text(tandem::cancelled_error("stop"));
    keeps_text(tandem::invalid_state("state"));
    keeps_text(tandem::broken_promise());
    keeps_text(tandem::pool_closed("closed"));
    keeps_text(tandem::broken_pool("broken"));
    keeps_text(tandem::codec_error("codec"));
}

TEST_CASE("exceptions without a text of their own say the same", "[exception_kinds]") {
    keeps_text(std::exception());
    keeps_text(std::bad_exception());
    keeps_text(std::bad_alloc());
    keeps_text(std::bad_array_new_length());
    keeps_text(std::bad_cast());
    keeps_text(std::bad_typeid());
    keeps_text(std::bad_optional_access());
    keeps_text(std::bad_variant_access());
    keeps_text(std::bad_any_cast());
    keeps_text(std::bad_function_call());
    keeps_text(std::bad_weak_ptr());
}

TEST_CASE("a system_error keeps its code and its text, however it was made", "[exception_kinds]") {
    keeps_code(std::system_error(no_entry));
    keeps_code(std::system_error(no_entry, "open"));
    keeps_code(std::system_error(no_entry, ""));
    keeps_code(std::system_error(no_entry, "a: b: No such file or directory"));
    keeps_code(std::system_error(2, std::system_category(), "open"));
}

TEST_CASE("a filesystem_error keeps its paths", "[exception_kinds]") {
    using std::filesystem::filesystem_error;
    keeps_code(filesystem_error("cannot", no_entry));
    keeps_code(filesystem_error("cannot", "/a", no_entry));
    const filesystem_error two("cannot", "/a", "/b", no_entry);
    keeps_code(two);
    CHECK(kind_trip(two).path1() == "/a");
    CHECK(kind_trip(two).path2() == "/b");
}

TEST_CASE("a stream's failure keeps its code and text", "[exception_kinds]") {
    keeps_code(std::ios_base::failure("bad stream"));
    keeps_code(std::ios_base::failure("bad stream", no_entry));
}

TEST_CASE("our own errors keep what they carry", "[exception_kinds]") {
    keeps_code(tandem::io_error(no_entry, "read 5"));

    const tandem::spawn_error spawn(no_entry, "exec", "/bin/nothing");
    keeps_code(spawn);
    CHECK(kind_trip(spawn).step() == "exec");
    CHECK(kind_trip(spawn).path() == "/bin/nothing");

    const tandem::worker_died died("gone", {42, std::nullopt, 9, true, false, "tail"});
    keeps_text(died);
    CHECK(kind_trip(died).pid() == 42);
    CHECK(!kind_trip(died).exit_code());
    CHECK(kind_trip(died).signal() == 9);
    CHECK(kind_trip(died).core_dumped());
    CHECK(!kind_trip(died).out_of_memory());
    CHECK(kind_trip(died).stderr_tail() == "tail");

    const tandem::remote_exception remote("text", "their_error", 7);
    keeps_text(remote);
    CHECK(kind_trip(remote).type_name() == "their_error");
    CHECK(kind_trip(remote).pid() == 7);

    const tandem::incomplete_read partial("abc", 10);
    keeps_text(partial);
    CHECK(kind_trip(partial).partial() == "abc");
    CHECK(kind_trip(partial).expected() == 10);

    keeps_text(tandem::line_too_long(64));
    CHECK(kind_trip(tandem::line_too_long(64)).limit() == 64);
}

TEST_CASE("the class around a nested exception is looked through", "[exception_kinds]") {
    try {
        std::throw_with_nested(std::out_of_range("outer"));
    } catch (const std::exception& thrown) {
        REQUIRE(typeid(thrown) != typeid(std::out_of_range));
        CHECK(tandem::detail::without_nested(typeid(thrown).name()) ==
              typeid(std::out_of_range).name());
    }
    CHECK(tandem::detail::without_nested(typeid(int).name()) == typeid(int).name());
}
