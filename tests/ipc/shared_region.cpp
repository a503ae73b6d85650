// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/shared_region.hpp>

#include "support/catch.hpp"

#include <tandem/testing/leak_check.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

using tandem::unique_fd;
using tandem::detail::shared_region;

TEST_CASE("a new region is zeroed memory of the size asked for", "[shared_region]") {
    const auto region = shared_region::create(10'000);
    const auto* bytes = static_cast<const unsigned char*>(region.data());
    CHECK(std::all_of(bytes, bytes + 10'000, [](unsigned char b) { return b == 0; }));
}

TEST_CASE("two mappings of a region are the same memory", "[shared_region]") {
    const auto one = shared_region::create(4096);
    const auto other = shared_region::map(unique_fd(::fcntl(one.fd(), F_DUPFD_CLOEXEC, 3)), 4096);
    CHECK(one.data() != other.data());
    std::strcpy(static_cast<char*>(one.data()), "seen");
    CHECK(std::strcmp(static_cast<char*>(other.data()), "seen") == 0);
}

TEST_CASE("a forked process sees the region, and the owner what it writes", "[shared_region]") {
    const auto region = shared_region::create(4096);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        *static_cast<int*>(region.data()) = 42;
        ::_exit(0);
    }
    ::waitpid(child, nullptr, 0);
    CHECK(*static_cast<int*>(region.data()) == 42);
}

TEST_CASE("nobody can change the size of a region", "[shared_region]") {
    const auto region = shared_region::create(4096);
    CHECK(::ftruncate(region.fd(), 0) == -1);
    CHECK(errno == EPERM);
    CHECK(::ftruncate(region.fd(), 8192) == -1);
    CHECK(errno == EPERM);
}

TEST_CASE("a region's descriptor is closed on exec and may be closed earlier", "[shared_region]") {
    auto region = shared_region::create(4096);
    CHECK((::fcntl(region.fd(), F_GETFD) & FD_CLOEXEC) != 0);
    region.close_fd();
    CHECK(region.fd() < 0);
    *static_cast<int*>(region.data()) = 1;
    CHECK(*static_cast<int*>(region.data()) == 1);
}

TEST_CASE("a moved region stays where it is, and goes once", "[shared_region]") {
    const tandem::testing::leak_check leaks;
    {
        auto region = shared_region::create(4096);
        void* const at = region.data();
        shared_region moved(std::move(region));
        CHECK(moved.data() == at);
        shared_region assigned;
        CHECK(assigned.data() == nullptr);
        assigned = std::move(moved);
        CHECK(assigned.data() == at);
    }
    CHECK(leaks.check() == "");
}

TEST_CASE("a region that cannot be made is an io_error and leaves nothing", "[shared_region]") {
    const tandem::testing::leak_check leaks;
    CHECK_THROWS_AS(shared_region::create(~std::size_t{0} / 2), tandem::io_error);
    CHECK_THROWS_AS(shared_region::map(unique_fd(), 4096), tandem::io_error);
    CHECK(leaks.check() == "");
}
