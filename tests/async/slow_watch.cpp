// SPDX-License-Identifier: BSL-1.0
#include <tandem/async/slow_watch.hpp>

#include "../support/gate.hpp"
#include "tools.hpp"

#include <mutex>
#include <string>
#include <vector>

using namespace async_tests;
using tandem::slow_step;
using tandem::task;

namespace {

// Holds the loop until somebody heard of it.
task<> holds_the_loop(gate& heard, frame_mark = {}) {
    co_await tandem::yield_now();
    heard.wait();
}

}  // namespace

TEST_CASE("a coroutine that holds the loop is named while it does, and afterwards",
          "[slow_watch]") {
    gate heard;
    std::mutex mutex;
    std::vector<slow_step> steps;
    tandem::event_loop_options options;
    options.debug = true;
    options.slow_callback = 5ms;
    options.on_slow = [&](const slow_step& step) {
        const std::lock_guard hold(mutex);
        steps.push_back(step);
        heard.open();
    };
    run(holds_the_loop(heard), std::move(options));
    REQUIRE(steps.size() >= 2);
    CHECK_FALSE(steps.front().over);
    CHECK(steps.front().what.find("holds_the_loop (slow_watch.cpp:") != std::string::npos);
    CHECK(steps.back().over);
    CHECK(steps.back().held >= 5ms);
}

TEST_CASE("a posted function that holds the loop is told too", "[slow_watch]") {
    gate heard;
    std::string what;
    tandem::event_loop_options options;
    options.debug = true;
    options.slow_callback = 1ms;
    options.on_slow = [&](const slow_step& step) {
        if (!heard.is_open()) what = step.what;
        heard.open();
    };
    within(60s, [&] {
        tandem::event_loop loop(std::move(options));
        loop.post([&] { heard.wait(); });
        loop.post([&] { loop.stop(); });
        loop.run();
    });
    CHECK(what == "a callback");
}
