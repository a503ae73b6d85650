// SPDX-License-Identifier: BSL-1.0
#include <tandem/async/loop_clock.hpp>

#include "tools.hpp"

using namespace async_tests;

namespace {

// Jumps ten times as far as it is asked.
struct hasty_clock final : tandem::loop_clock {
    time_point at{};
    int jumps = 0;
    time_point now() noexcept override { return at; }
    void jump(time_point next) noexcept override {
        at += 10 * (next - at);
        ++jumps;
    }
};

}  // namespace

TEST_CASE("a loop takes the time of its clock", "[loop_clock]") {
    hasty_clock clock;
    tandem::event_loop_options options;
    options.clock = &clock;
    run(sleeps(1h), std::move(options));
    CHECK(clock.jumps == 1);
    CHECK(clock.at.time_since_epoch() == 10h);
}
