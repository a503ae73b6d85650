// SPDX-License-Identifier: BSL-1.0
#include <tandem/subprocess/poll.hpp>

#include "support/catch.hpp"
#include "support/within.hpp"

#include <chrono>
#include <csignal>
#include <ctime>
#include <utility>

#include <sys/time.h>

using namespace std::chrono_literals;
using tandem::deadline;
using tandem::detail::poll_one;

TEST_CASE("a wait for a descriptor ends when it is ready, or in time", "[poll]") {
    auto [a, b] = tandem::detail::make_socketpair(SOCK_STREAM);
    CHECK_FALSE(poll_one(a.get(), POLLIN, 0ms));
    CHECK_FALSE(poll_one(a.get(), POLLIN, -1h));
    const auto start = std::chrono::steady_clock::now();
    CHECK_FALSE(poll_one(a.get(), POLLIN, 30ms));
    CHECK(std::chrono::steady_clock::now() - start >= 30ms);
    REQUIRE(::write(b.get(), "x", 1) == 1);
    within(20s, [&, in = a.get()] {
        CHECK(poll_one(in, POLLIN, deadline::never()));
        CHECK(poll_one(in, POLLIN, std::chrono::hours::max()));
        CHECK(poll_one(in, POLLIN, 0ms));
    });
}

TEST_CASE("signals neither end a wait nor make it longer", "[poll]") {
    struct sigaction action{}, before{};
    action.sa_handler = [](int) {};
    ::sigaction(SIGALRM, &action, &before);
    const itimerval often{{0, 500}, {0, 500}}, never{};
    ::setitimer(ITIMER_REAL, &often, nullptr);
    auto [a, b] = tandem::detail::make_socketpair(SOCK_STREAM);
    const auto start = std::chrono::steady_clock::now();
    within(20s, [in = a.get()] { CHECK_FALSE(poll_one(in, POLLIN, 50ms)); });
    CHECK(std::chrono::steady_clock::now() - start >= 50ms);
    ::setitimer(ITIMER_REAL, &never, nullptr);
    ::sigaction(SIGALRM, &before, nullptr);
}
