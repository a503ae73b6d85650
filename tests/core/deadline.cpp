// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/deadline.hpp>

#include "../support/catch.hpp"

#include <chrono>
#include <cstdint>
#include <limits>
#include <ratio>
#include <type_traits>

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;
using std::chrono::system_clock;
using tandem::deadline;

namespace {

// A clock whose time is what the test says, with an epoch of its own.
struct set_clock {
    using rep = std::int64_t;
    using period = std::nano;
    using duration = nanoseconds;
    using time_point = std::chrono::time_point<set_clock>;
    [[maybe_unused]] static constexpr bool is_steady = false;
    static time_point now() noexcept { return current; }
    static inline time_point current{};
};

// Whether `until` is `timeout` after some moment between `before` and now.
bool is_after(deadline until, steady_clock::time_point before, nanoseconds timeout) {
    return until.time() >= before + timeout && until.time() <= steady_clock::now() + timeout;
}

}  // namespace

TEST_CASE("a default deadline never passes", "[deadline]") {
    constexpr deadline until;
    STATIC_REQUIRE(until.is_never());
    STATIC_REQUIRE(until == deadline::never());
    CHECK_FALSE(until.expired());
    CHECK(until.remaining() == tandem::forever);
}

TEST_CASE("a deadline is forever from now when it is told so", "[deadline]") {
    CHECK(deadline(tandem::forever).is_never());
}

TEST_CASE("a duration counts from the construction", "[deadline]") {
    const auto before = steady_clock::now();
    CHECK(is_after(deadline(1h), before, 1h));
    CHECK(is_after(deadline(5ms), before, 5ms));
    CHECK(is_after(deadline(1ns), before, 1ns));
    CHECK(is_after(deadline(std::chrono::duration<std::int8_t>(3)), before, 3s));
    CHECK(is_after(deadline(std::chrono::duration<unsigned>(3)), before, 3s));
}

TEST_CASE("a duration that is too long never ends", "[deadline]") {
    CHECK(deadline(std::chrono::hours::max()).is_never());
    CHECK(deadline(std::chrono::seconds::max()).is_never());
    CHECK(deadline(std::chrono::milliseconds::max()).is_never());
    CHECK(deadline(nanoseconds::max()).is_never());
    CHECK(deadline(nanoseconds::max() - 1ns).is_never());
    CHECK(deadline(std::chrono::duration<std::uint64_t, std::nano>::max()).is_never());
    CHECK(deadline(std::chrono::duration<double>::max()).is_never());
    CHECK(deadline(std::chrono::duration<float, std::ratio<86400>>::max()).is_never());
    CHECK(deadline(std::chrono::duration<double>(std::numeric_limits<double>::infinity()))
              .is_never());
    CHECK(deadline(std::chrono::hours(24 * 366 * 300)).is_never());
}

TEST_CASE("a duration of centuries that still fits is kept", "[deadline]") {
    const auto before = steady_clock::now();
    const auto century = std::chrono::hours(24 * 365 * 100);
    CHECK(is_after(deadline(century), before, century));
    CHECK_FALSE(deadline(century).expired());
}

TEST_CASE("zero and negative durations have passed", "[deadline]") {
    CHECK(deadline(0s).expired());
    CHECK(deadline(-1ns).expired());
    CHECK(deadline(-1h).expired());
    CHECK(deadline(nanoseconds::min()).expired());
    CHECK(deadline(std::chrono::hours::min()).expired());
    CHECK(deadline(std::chrono::duration<double>(-0.5)).expired());
    CHECK(deadline(std::chrono::duration<double>::min()).expired());
    CHECK(deadline(-std::chrono::duration<double>(std::numeric_limits<double>::infinity()))
              .expired());
}

TEST_CASE("a part of a nanosecond is rounded up", "[deadline]") {
    const auto before = steady_clock::now();
    CHECK(deadline(std::chrono::duration<double>(1e-12)).time() >= before + 1ns);
    CHECK(deadline(std::chrono::duration<std::int64_t, std::pico>(1)).time() >= before + 1ns);
}

TEST_CASE("a duration of doubles keeps its fraction", "[deadline]") {
    const auto before = steady_clock::now();
    CHECK(is_after(deadline(std::chrono::duration<double>(1.5)), before, 1500ms));
    CHECK(is_after(deadline(std::chrono::duration<double, std::ratio<60>>(0.5)), before, 30s));
    CHECK(is_after(deadline(std::chrono::duration<float>(0.5F)), before, 500ms));
}

TEST_CASE("a time point of the steady clock is taken as it is", "[deadline]") {
    constexpr steady_clock::time_point moment(123456789ns);
    STATIC_REQUIRE(deadline(moment).time() == moment);
    const std::chrono::time_point<steady_clock, std::chrono::hours> coarse(1000000h);
    CHECK(deadline(coarse).time() == coarse);
    CHECK(deadline(steady_clock::now()).expired());
    CHECK_FALSE(deadline(steady_clock::now() + 1h).expired());
}

TEST_CASE("the last and the first time point of the steady clock are never and always",
          "[deadline]") {
    CHECK(deadline(steady_clock::time_point::max()).is_never());
    const deadline always(steady_clock::time_point::min());
    CHECK(always.expired());
    CHECK(always.remaining() == 0ns);
    using coarse = std::chrono::time_point<steady_clock, std::chrono::hours>;
    CHECK(deadline(coarse::max()).is_never());
    CHECK(deadline(coarse::min()).expired());
}

TEST_CASE("a time point of another clock is translated", "[deadline]") {
    set_clock::current = set_clock::time_point(1000000h);
    const auto before = steady_clock::now();
    CHECK(is_after(deadline(set_clock::current + 1h), before, 1h));
    CHECK(deadline(set_clock::current).expired());
    CHECK(deadline(set_clock::current - 1h).expired());
}

TEST_CASE("a time point of another clock stays put when that clock is set", "[deadline]") {
    set_clock::current = set_clock::time_point(1000h);
    const deadline until(set_clock::current + 1h);
    set_clock::current += 2h;
    CHECK_FALSE(until.expired());
}

TEST_CASE("a clock before its epoch is translated", "[deadline]") {
    set_clock::current = set_clock::time_point(-1000000h);
    const auto before = steady_clock::now();
    CHECK(is_after(deadline(set_clock::current + 1h), before, 1h));
    CHECK(deadline(set_clock::current - 1h).expired());
    CHECK(deadline(set_clock::time_point::min()).expired());
    CHECK(deadline(set_clock::time_point::max()).is_never());
    CHECK(deadline(set_clock::time_point::max() - 1h).is_never());
}

TEST_CASE("the last and the first time point of the system clock are never and always",
          "[deadline]") {
    CHECK(deadline(system_clock::time_point::max()).is_never());
    CHECK(deadline(system_clock::time_point::min()).expired());
    CHECK(deadline(system_clock::time_point::min()).remaining() == 0ns);
    CHECK_FALSE(deadline(system_clock::time_point::max() - 1ns).expired());
    CHECK(deadline(system_clock::now() - 1h).expired());
    CHECK_FALSE(deadline(system_clock::now() + 1h).expired());
}

TEST_CASE("a time point in days may be further than its clock can count", "[deadline]") {
    using namespace std::chrono;
    CHECK(deadline(sys_days::max()).is_never());
    CHECK(deadline(sys_days::min()).expired());
    CHECK_FALSE(deadline(sys_days(2300y / 1 / 1)).expired());
    CHECK_FALSE(deadline(sys_days(9999y / 12 / 31)).expired());
    CHECK(deadline(sys_days(1500y / 1 / 1)).expired());
    CHECK(deadline(sys_days(2000y / 1 / 1)).expired());
    CHECK_FALSE(deadline(sys_days(2200y / 1 / 1)).is_never());
}

TEST_CASE("remaining is what is left, and zero when it has passed", "[deadline]") {
    const deadline until(1h);
    const nanoseconds left = until.remaining();
    CHECK(left > 0ns);
    CHECK(left <= 1h);
    CHECK(deadline(0s).remaining() == 0ns);
    CHECK(deadline(steady_clock::now() - 1h).remaining() == 0ns);
}

TEST_CASE("deadlines compare by their moments, never being the last", "[deadline]") {
    const auto now = steady_clock::now();
    CHECK(deadline(now) < deadline(now + 1ns));
    CHECK(deadline(now) == deadline(now));
    CHECK(deadline(now + 1000h) < deadline::never());
    CHECK(deadline(tandem::forever) == deadline::never());
    CHECK(deadline(1h) > deadline(1min));
}

TEST_CASE("durations and time points convert implicitly", "[deadline]") {
    STATIC_REQUIRE(std::is_convertible_v<std::chrono::milliseconds, deadline>);
    STATIC_REQUIRE(std::is_convertible_v<std::chrono::duration<double>, deadline>);
    STATIC_REQUIRE(std::is_convertible_v<steady_clock::time_point, deadline>);
    STATIC_REQUIRE(std::is_convertible_v<system_clock::time_point, deadline>);
    STATIC_REQUIRE(!std::is_convertible_v<int, deadline>);
    STATIC_REQUIRE(std::is_trivially_copyable_v<deadline>);
    STATIC_REQUIRE(std::is_trivially_destructible_v<deadline>);
}
