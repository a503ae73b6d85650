// SPDX-License-Identifier: BSL-1.0
#include <tandem/subprocess/redirect.hpp>

#include <tandem/subprocess/run.hpp>

#include "subprocess/tools.hpp"

#include <climits>
#include <filesystem>
#include <ios>
#include <stdexcept>
#include <string>
#include <type_traits>

using namespace tandem;
using tools::leaves_nothing;

// A coroutine of g++ 12 may destroy them twice.
static_assert(std::is_trivially_destructible_v<redirect>);
static_assert(std::is_trivially_destructible_v<run_options>);
static_assert(std::is_trivially_destructible_v<subprocess_options>);

TEST_CASE("a redirect is a stdio or something else", "[redirect]") {
    CHECK(redirect(stdio::null) == stdio::null);
    CHECK_FALSE(redirect(stdio::null) == stdio::pipe);
    CHECK_FALSE(use_fd(3) == stdio::inherit);
    redirect to = to_file("name");
    redirect copy = to;
    to = stdio::pipe;
    CHECK(to == stdio::pipe);
    CHECK(std::string(detail::redirect_access::path(copy)) == "name");
}

TEST_CASE("what cannot be a file or a descriptor is refused at once", "[redirect]") {
    CHECK_THROWS_AS(to_file(std::string(PATH_MAX, 'x')), std::invalid_argument);
    CHECK_THROWS_AS(from_file(std::string("a\0b", 3)), std::invalid_argument);
    CHECK_THROWS_AS(use_fd(-1), std::invalid_argument);
    CHECK_NOTHROW(to_file(std::string(PATH_MAX - 1, 'x')));
}

TEST_CASE("a file is written anew, or appended to", "[redirect]") {
    leaves_nothing([] {
        const tools::temporary_folder folder;
        const std::string file = folder / "out";
        run({"echo", "one"}, {.out = to_file(file)});
        run({"echo", "two"}, {.out = to_file(file)});
        CHECK(tools::text_of(file) == "two\n");
        run({"echo", "three"}, {.out = to_file(std::filesystem::path(file), std::ios::app)});
        CHECK(tools::text_of(file) == "two\nthree\n");
    });
}

TEST_CASE("a program reads a file, nothing, and a descriptor that stays open", "[redirect]") {
    leaves_nothing([] {
        const tools::temporary_folder folder;
        const std::string file = folder.write("in", "text");
        CHECK(run({"cat"}, {.in = from_file(file), .out = stdio::pipe}).out == "text");
        CHECK(run({"cat"}, {.in = stdio::null, .out = stdio::pipe}).out == "");
        const unique_fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
        CHECK(run({"cat"}, {.in = use_fd(fd.get()), .out = stdio::pipe}).out == "text");
        CHECK(::fcntl(fd.get(), F_GETFD) == FD_CLOEXEC);
    });
}

TEST_CASE("standard error goes where standard output goes", "[redirect]") {
    leaves_nothing([] {
        const auto both = shell("echo out; echo err >&2");
        const auto r = run(both, {.out = stdio::pipe, .err = stdio::merge});
        CHECK(r.out == "out\nerr\n");
        CHECK(r.err == "");
        const tools::temporary_folder folder;
        run(both, {.out = to_file(folder / "both"), .err = stdio::merge});
        CHECK(tools::text_of(folder / "both") == "out\nerr\n");
    });
}

TEST_CASE("a file that cannot be opened is named, and nothing is started", "[redirect]") {
    leaves_nothing([] {
        CHECK(tools::spawn_failure([] { run({"cat"}, {.in = from_file("/nonexistent/x")}); }) ==
              "open 2 /nonexistent/x");
        CHECK(tools::spawn_failure([] { run({"cat"}, {.out = to_file("/")}); }) == "open 21 /");
    });
}
