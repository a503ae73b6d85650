// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/process_pool_options.hpp>

#include "support/catch.hpp"

#include <type_traits>

using namespace tandem;
using namespace std::chrono_literals;

TEST_CASE("by default there is no limit and nothing is tried twice", "[process_pool_options]") {
    const auto limits = detail::checked_limits({});
    CHECK(limits.timeout == forever);
    CHECK(limits.grace == 0ns);
    CHECK(limits.retries == 0);
}

TEST_CASE("task options change what they name", "[process_pool_options]") {
    STATIC_REQUIRE(std::is_trivially_destructible_v<task_options>);
    const auto limits = detail::checked_limits({.timeout = 2s, .grace = 1s, .retries = 3});
    const auto changed = limits.with({.timeout = 5s});
    CHECK(changed.timeout == 5s);
    CHECK(changed.grace == 1s);
    CHECK(changed.retries == 3);
    CHECK(limits.with({.retries = 0}).retries == 0);
    CHECK_THROWS_AS(limits.with({.grace = -1ns}), std::invalid_argument);
}

TEST_CASE("negative limits are refused", "[process_pool_options]") {
    CHECK_THROWS_AS(detail::checked_limits({.workers = -1}), std::invalid_argument);
    CHECK_THROWS_AS(detail::checked_limits({.timeout = -1s}), std::invalid_argument);
    CHECK_THROWS_AS(detail::checked_limits({.retries = -1}), std::invalid_argument);
}
