// SPDX-License-Identifier: BSL-1.0
#include <tandem/observe/progress_text.hpp>

#include "../support/catch.hpp"

#include <chrono>
#include <string>

using namespace std::chrono_literals;
using tandem::detail::clock_text;
using tandem::detail::progress_state;
using tandem::detail::progress_text;
using tandem::detail::rate_text;

TEST_CASE("times are minutes and seconds, and hours from one on", "[progress_text]") {
    CHECK(clock_text(0) == "0:00");
    CHECK(clock_text(245.9) == "4:05");
    CHECK(clock_text(3723) == "1:02:03");
    CHECK(clock_text(-1) == "0:00");
    CHECK(clock_text(1e30) == "99:59:59");
}

TEST_CASE("rates have one digit behind the point where it says something", "[progress_text]") {
    CHECK(rate_text(0) == "0.0/s");
    CHECK(rate_text(12.34) == "12.3/s");
    CHECK(rate_text(4567.8) == "4568/s");
    CHECK(rate_text(1'234'567) == "1.2M/s");
}

TEST_CASE("with a total there is a share, a bar and the time left", "[progress_text]") {
    const progress_state half{50, 100, 10s, 2};
    CHECK(progress_text("", half, 0) == " 50% 50/100  5.0/s  0:10 left  2 busy");
    CHECK(progress_text("primes", half, 60) ==
          "primes  [######......]  50% 50/100  5.0/s  0:10 left  2 busy");
    CHECK(progress_text("primes", half, 20) == "primes   50% 50/100 ");
    CHECK(progress_text("", {0, 100, 0s}, 0) == "  0% 0/100  0.0/s  ? left");
    CHECK(progress_text("", {100, 100, 65s}, 0) == "100% 100/100  1.5/s  1:05");
}

TEST_CASE("without a total, or beyond it, there is what was done", "[progress_text]") {
    CHECK(progress_text("lines", {30, 0, 60s}, 80) == "lines  30  0.5/s  1:00");
    CHECK(progress_text("", {30, 20, 60s}, 80) == "30  0.5/s  1:00");
}
