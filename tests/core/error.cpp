// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/error.hpp>

#include "../support/catch.hpp"

#include <concepts>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

namespace {

// Derived from error, from std::exception in one way only, and from no other standard exception.
template <class Error>
constexpr bool has_one_standard_base =
    std::derived_from<Error, tandem::error> && std::convertible_to<Error*, std::runtime_error*> &&
    std::convertible_to<Error*, std::exception*> && !std::derived_from<Error, std::system_error> &&
    !std::derived_from<Error, std::range_error> && !std::derived_from<Error, std::overflow_error> &&
    !std::derived_from<Error, std::underflow_error> &&
    !std::derived_from<Error, std::logic_error> && !std::derived_from<Error, std::bad_alloc>;

template <class... Errors>
constexpr bool all_have_one_standard_base = (has_one_standard_base<Errors> && ...);

// An exception that throws while it is copied ends the program.
template <class... Errors>
constexpr bool all_copy_without_throwing =
    ((std::is_nothrow_copy_constructible_v<Errors> && std::is_nothrow_copy_assignable_v<Errors> &&
      std::is_nothrow_destructible_v<Errors>) &&
     ...);

// A completed_process that is never looked into, so that its header is not needed here.
std::shared_ptr<const tandem::completed_process> some_process() {
    const auto owner = std::make_shared<int>(0);
    return {owner, reinterpret_cast<const tandem::completed_process*>(owner.get())};
}

std::string reason(std::errc code) { return std::make_error_code(code).message(); }

}  // namespace

TEST_CASE("every exception has one standard base", "[error]") {
    using namespace tandem;
    STATIC_REQUIRE(
        all_have_one_standard_base<error, timeout_error, cancelled_error, invalid_state,
                                   broken_promise, pool_closed, broken_pool, codec_error, io_error,
                                   spawn_error, worker_died, remote_exception, called_process_error,
                                   timeout_expired, incomplete_read, line_too_long>);
}

TEST_CASE("copying an exception never throws", "[error]") {
    using namespace tandem;
    STATIC_REQUIRE(
        all_copy_without_throwing<error, timeout_error, cancelled_error, invalid_state,
                                  broken_promise, pool_closed, broken_pool, codec_error, io_error,
                                  spawn_error, worker_died, remote_exception, called_process_error,
                                  timeout_expired, incomplete_read, line_too_long>);
}

TEST_CASE("an exception says what it was made with", "[error]") {
    CHECK(tandem::error("plain").what() == std::string("plain"));
    CHECK(tandem::invalid_state("closed twice").what() == std::string("closed twice"));
    CHECK(tandem::pool_closed("apply").what() == std::string("apply"));
    CHECK(tandem::broken_pool("no worker").what() == std::string("no worker"));
    CHECK(tandem::codec_error("short").what() == std::string("short"));
}

TEST_CASE("exceptions that need no text have one", "[error]") {
    CHECK(tandem::timeout_error().what() == std::string("timed out"));
    CHECK(tandem::timeout_error("pop timed out").what() == std::string("pop timed out"));
    CHECK(tandem::cancelled_error().what() == std::string("cancelled"));
    CHECK_FALSE(std::string(tandem::broken_promise().what()).empty());
}

TEST_CASE("an io_error has the code and says what failed and why", "[error]") {
    const tandem::io_error failure(std::make_error_code(std::errc::permission_denied), "open /x");
    CHECK(failure.code() == std::errc::permission_denied);
    CHECK(failure.what() == "open /x: " + reason(std::errc::permission_denied));
}

TEST_CASE("a spawn_error names the program, the step and the reason", "[error]") {
    const auto code = std::make_error_code(std::errc::no_such_file_or_directory);
    const tandem::spawn_error failure(code, "exec", "/bin/nothing");
    CHECK(failure.code() == code);
    CHECK(failure.step() == "exec");
    CHECK(failure.path() == "/bin/nothing");
    const std::string what = failure.what();
    CHECK(what.find("exec") != what.npos);
    CHECK(what.find("/bin/nothing") != what.npos);
    CHECK(what.find(code.message()) != what.npos);
}

TEST_CASE("a worker_died tells how the process ended", "[error]") {
    tandem::death how;
    how.pid = 12;
    how.signal = 11;
    how.core_dumped = true;
    how.stderr_tail = "last words";
    const tandem::worker_died failure("worker 12 died", how);
    CHECK(failure.what() == std::string("worker 12 died"));
    CHECK(failure.pid() == 12);
    CHECK(failure.signal() == 11);
    CHECK(failure.exit_code() == std::nullopt);
    CHECK(failure.core_dumped());
    CHECK_FALSE(failure.out_of_memory());
    CHECK(failure.stderr_tail() == "last words");
}

TEST_CASE("an unknown death is neither an exit nor a signal", "[error]") {
    const tandem::worker_died failure("gone", {});
    CHECK(failure.pid() == -1);
    CHECK(failure.exit_code() == std::nullopt);
    CHECK(failure.signal() == std::nullopt);
    CHECK_FALSE(failure.core_dumped());
    CHECK_FALSE(failure.out_of_memory());
    CHECK(failure.stderr_tail().empty());
}

TEST_CASE("a remote_exception keeps the type and the process it came from", "[error]") {
    const tandem::remote_exception failure("no such key", "app::missing", 34);
    CHECK(failure.what() == std::string("no such key"));
    CHECK(failure.type_name() == "app::missing");
    CHECK(failure.pid() == 34);
}

TEST_CASE("a called_process_error holds the process", "[error]") {
    const auto process = some_process();
    const tandem::called_process_error failure("false failed with 1", process);
    CHECK(failure.what() == std::string("false failed with 1"));
    CHECK(&failure.process() == process.get());
}

TEST_CASE("a timeout_expired is a timeout_error that holds the process", "[error]") {
    const auto process = some_process();
    try {
        throw tandem::timeout_expired("sleep timed out", process);
    } catch (const tandem::timeout_error& failure) {
        CHECK(failure.what() == std::string("sleep timed out"));
        const auto* whole = dynamic_cast<const tandem::timeout_expired*>(&failure);
        REQUIRE(whole);
        CHECK(&whole->process() == process.get());
    }
}

TEST_CASE("an output_overflow is an error and no time-out", "[error]") {
    STATIC_REQUIRE(std::is_base_of_v<tandem::error, tandem::output_overflow>);
    STATIC_REQUIRE_FALSE(std::is_base_of_v<tandem::timeout_error, tandem::output_overflow>);
    CHECK(std::string(tandem::output_overflow("too much", nullptr).what()) == "too much");
}

TEST_CASE("an incomplete_read keeps the bytes that did come", "[error]") {
    const tandem::incomplete_read failure(std::string("a\0b", 3), 10);
    CHECK(failure.partial() == std::string("a\0b", 3));
    CHECK(failure.expected() == 10);
    CHECK(failure.what() == std::string("the stream ended after 3 of 10 bytes"));
}

TEST_CASE("a line_too_long tells the limit", "[error]") {
    const tandem::line_too_long failure(4096);
    CHECK(failure.limit() == 4096);
    CHECK(failure.what() == std::string("a line is longer than the limit of 4096 bytes"));
}

TEST_CASE("a copy outlives its original with text and details", "[error]") {
    auto original = std::make_unique<tandem::incomplete_read>("abc", 10);
    const tandem::incomplete_read copy = *original;
    original.reset();
    CHECK(copy.what() == std::string("the stream ended after 3 of 10 bytes"));
    CHECK(copy.partial() == "abc");
    CHECK(copy.expected() == 10);
}
