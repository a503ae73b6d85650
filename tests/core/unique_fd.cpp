// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/unique_fd.hpp>

#include "../support/catch.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

using tandem::unique_fd;
namespace detail = tandem::detail;

namespace {

unique_fd open_null() { return unique_fd(::open("/dev/null", O_RDWR | O_CLOEXEC)); }

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) != -1; }

bool closes_on_exec(int fd) { return (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0; }

bool nonblocking(int fd) { return (::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0; }

std::span<const std::byte> bytes_of(const std::string& text) {
    return std::as_bytes(std::span<const char>(text.data(), text.size()));
}

}  // namespace

TEST_CASE("a new unique_fd owns nothing", "[unique_fd]") {
    const unique_fd none;
    CHECK_FALSE(none);
    CHECK(none.get() < 0);
    CHECK_FALSE(unique_fd(-1));
}

TEST_CASE("zero is a descriptor like any other", "[unique_fd]") {
    unique_fd standard_input(0);
    CHECK(standard_input);
    CHECK(standard_input.release() == 0);
}

TEST_CASE("a unique_fd closes its descriptor when it is destroyed", "[unique_fd]") {
    int number = -1;
    {
        const unique_fd file = open_null();
        REQUIRE(file);
        number = file.get();
        CHECK(is_open(number));
    }
    CHECK_FALSE(is_open(number));
}

TEST_CASE("moving a unique_fd moves the descriptor", "[unique_fd]") {
    STATIC_REQUIRE(!std::is_copy_constructible_v<unique_fd>);
    STATIC_REQUIRE(!std::is_copy_assignable_v<unique_fd>);
    STATIC_REQUIRE(std::is_nothrow_move_constructible_v<unique_fd>);
    unique_fd file = open_null();
    const int number = file.get();
    const unique_fd moved = std::move(file);
    CHECK_FALSE(file);
    CHECK(moved.get() == number);
    CHECK(is_open(number));
}

TEST_CASE("move assignment closes what was owned before", "[unique_fd]") {
    unique_fd first = open_null();
    unique_fd second = open_null();
    const int closed = first.get();
    const int kept = second.get();
    first = std::move(second);
    CHECK_FALSE(is_open(closed));
    CHECK(first.get() == kept);
    CHECK_FALSE(second);
}

TEST_CASE("moving a unique_fd onto itself keeps the descriptor", "[unique_fd]") {
    unique_fd file = open_null();
    auto& same = file;
    file = std::move(same);
    REQUIRE(file);
    CHECK(is_open(file.get()));
}

TEST_CASE("release leaves the descriptor open", "[unique_fd]") {
    unique_fd file = open_null();
    const int number = file.release();
    CHECK_FALSE(file);
    CHECK(is_open(number));
    ::close(number);
}

TEST_CASE("reset closes, and takes another descriptor", "[unique_fd]") {
    unique_fd file = open_null();
    const int first = file.get();
    file.reset(open_null().release());
    const int second = file.get();
    CHECK_FALSE(is_open(first));
    CHECK(is_open(second));
    file.reset();
    CHECK_FALSE(file);
    CHECK_FALSE(is_open(second));
}

TEST_CASE("reset to the same descriptor keeps it open", "[unique_fd]") {
    unique_fd file = open_null();
    file.reset(file.get());
    CHECK(is_open(file.get()));
}

TEST_CASE("closing keeps errno", "[unique_fd]") {
    unique_fd stale = open_null();
    ::close(stale.get());  // so that closing it again sets errno to EBADF
    errno = ENOENT;
    stale.reset();
    CHECK(errno == ENOENT);
}

TEST_CASE("throw_io_error tells what failed and why", "[unique_fd]") {
    try {
        detail::throw_io_error("cannot open /nowhere", ENOENT);
    } catch (const tandem::io_error& failure) {
        CHECK(failure.code() == std::errc::no_such_file_or_directory);
        CHECK(failure.code().value() == ENOENT);
        const std::string reason = std::generic_category().message(ENOENT);
        CHECK(failure.what() == "cannot open /nowhere: " + reason);
    }
}

TEST_CASE("an interrupted call is repeated, another failure is not", "[unique_fd]") {
    int calls = 0;
    const auto third_time = [&calls]() noexcept -> ::ssize_t {
        errno = EINTR;
        return ++calls < 3 ? -1 : 5;
    };
    CHECK(detail::retry_interrupted(third_time) == 5);
    CHECK(calls == 3);

    int failures = 0;
    const auto fails = [&failures]() noexcept {
        ++failures;
        errno = EAGAIN;
        return -1;
    };
    CHECK(detail::retry_interrupted(fails) == -1);
    CHECK(failures == 1);
}

TEST_CASE("a socket pair is connected both ways and closed on exec", "[unique_fd]") {
    auto [left, right] = detail::make_socketpair(SOCK_STREAM);
    CHECK(closes_on_exec(left.get()));
    CHECK(closes_on_exec(right.get()));
    std::array<std::byte, 8> buffer{};
    CHECK(detail::write_some(left.get(), bytes_of("ping")) == 4);
    CHECK(detail::read_some(right.get(), buffer) == 4);
    CHECK(buffer[3] == std::byte{'g'});
    CHECK(detail::send_some(right.get(), bytes_of("pong!")) == 5);
    CHECK(detail::read_some(left.get(), buffer) == 5);
    CHECK(buffer[4] == std::byte{'!'});
}

TEST_CASE("reading from a socket whose peer has gone gives 0", "[unique_fd]") {
    auto [left, right] = detail::make_socketpair(SOCK_STREAM);
    right.reset();
    std::array<std::byte, 8> buffer{};
    CHECK(detail::read_some(left.get(), buffer) == 0);
}

TEST_CASE("sending to a peer that has gone is an error and not a signal", "[unique_fd]") {
    auto [left, right] = detail::make_socketpair(SOCK_STREAM);
    right.reset();
    const auto sent = detail::send_some(left.get(), bytes_of("ping"));
    const int err = errno;
    CHECK(sent == -1);
    CHECK(err == EPIPE);
}

TEST_CASE("a socket pair of a type that does not exist throws io_error", "[unique_fd]") {
    CHECK_THROWS_AS(detail::make_socketpair(0xff), tandem::io_error);
}

TEST_CASE("an eventfd counts from zero and does not block", "[unique_fd]") {
    const unique_fd event = detail::make_eventfd();
    CHECK(closes_on_exec(event.get()));
    std::array<std::uint64_t, 1> count{0};
    const auto buffer = std::as_writable_bytes(std::span(count));
    const auto early = detail::read_some(event.get(), buffer);
    const int err = errno;
    CHECK(early == -1);
    CHECK(err == EAGAIN);
    const std::array<std::uint64_t, 1> two{2};
    CHECK(detail::write_some(event.get(), std::as_bytes(std::span(two))) == 8);
    CHECK(detail::read_some(event.get(), buffer) == 8);
    CHECK(count[0] == 2);
}

TEST_CASE("set_nonblocking keeps the other flags", "[unique_fd]") {
    const unique_fd file(::open("/dev/null", O_WRONLY | O_APPEND | O_CLOEXEC));
    REQUIRE(file);
    CHECK_FALSE(nonblocking(file.get()));
    detail::set_nonblocking(file.get());
    CHECK(nonblocking(file.get()));
    CHECK((::fcntl(file.get(), F_GETFL) & O_APPEND) != 0);
}

TEST_CASE("set_nonblocking of a closed descriptor throws io_error", "[unique_fd]") {
    CHECK_THROWS_AS(detail::set_nonblocking(-1), tandem::io_error);
}
