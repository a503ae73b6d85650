// SPDX-License-Identifier: BSL-1.0
#include <tandem/async/timeout.hpp>

#include <tandem/testing/virtual_clock.hpp>

#include "tools.hpp"

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

using namespace async_tests;
using tandem::move_on_after;
using tandem::task;
using tandem::with_timeout;

namespace {

tandem::event_loop_options with(tandem::testing::virtual_clock& clock) {
    tandem::event_loop_options options;
    options.clock = &clock;
    return options;
}
template <class A>
task<> awaits(A awaited, frame_mark = {}) {
    co_await std::move(awaited);
}
// Does not let itself be cancelled.
task<int> swallows() {
    try {
        co_await tandem::sleep_for(1h);
    } catch (const tandem::cancelled_error&) {
    }
    co_return 5;
}
task<int> fails_on_cancel() {
    try {
        co_await tandem::sleep_for(1h);
    } catch (const tandem::cancelled_error&) {
        throw std::runtime_error("in the cleanup");
    }
    co_return 0;
}

}  // namespace

TEST_CASE("with_timeout gives the result that comes in time", "[timeout]") {
    tandem::testing::virtual_clock clock;
    const auto main = []() -> task<> {
        const int got = co_await with_timeout(1h, later(1min, 4));
        CHECK(got == 4);
        const auto failure =
            co_await failure_of(awaits(with_timeout(1h, throws_after(1min, "bad"))));
        CHECK(failure == "bad");
        co_await with_timeout(tandem::forever, sleeps(1min));
    };
    run(main(), with(clock));
    CHECK(clock.elapsed() == 3min);
}

TEST_CASE("with_timeout cancels, waits for the cancel, and throws timeout_error", "[timeout]") {
    tandem::testing::virtual_clock clock;
    const auto main = []() -> task<> {
        std::string log;
        bool timed_out = false;
        try {
            co_await with_timeout(1min, notes_end(1h, log));
        } catch (const tandem::timeout_error&) {
            timed_out = true;
        }
        CHECK(timed_out);
        CHECK(log == "cancelled ");
        const int got = co_await with_timeout(1min, swallows());
        CHECK(got == 5);  // its own value counts
        const auto failure = co_await failure_of(awaits(with_timeout(1min, fails_on_cancel())));
        CHECK(failure == "in the cleanup");
    };
    run(main(), with(clock));
    CHECK(clock.elapsed() == 3min);
}

TEST_CASE("without time a task does not begin", "[timeout]") {
    const auto main = []() -> task<> {
        bool began = false;
        const auto begins = [](bool& b) -> task<> {
            b = true;
            co_return;
        };
        for (const auto limit : {0ms, -5ms}) {
            bool timed_out = false;
            try {
                co_await with_timeout(limit, begins(began));
            } catch (const tandem::timeout_error&) {
                timed_out = true;
            }
            CHECK(timed_out);
            CHECK_FALSE(began);
        }
    };
    run(main());
}

TEST_CASE("a cancel from outside is not taken for a time-out", "[timeout]") {
    tandem::testing::virtual_clock clock;
    const auto main = []() -> task<> {
        std::string log;
        auto handle = tandem::spawn(awaits(with_timeout(1h, notes_end(10h, log))));
        co_await tandem::sleep_for(1min);
        handle.cancel();
        const auto failure = co_await failure_of(awaits(std::move(handle)));
        CHECK(failure == "cancelled");
        CHECK(log == "cancelled ");
    };
    run(main(), with(clock));
}

TEST_CASE("of nested time limits the one that is over counts", "[timeout]") {
    tandem::testing::virtual_clock clock;
    const auto main = []() -> task<> {
        std::string log;
        const auto inner = [](std::string& to) -> task<> {
            try {
                co_await with_timeout(1h, sleeps(10h));
            } catch (const tandem::timeout_error&) {
                to = "inner";
            }
        };
        bool outer_was = false;
        try {
            co_await with_timeout(1min, inner(log));
        } catch (const tandem::timeout_error&) {
            outer_was = true;
        }
        CHECK(outer_was);
        CHECK(log.empty());
        co_await with_timeout(5h, inner(log));
        CHECK(log == "inner");
    };
    run(main(), with(clock));
}

TEST_CASE("move_on_after says whether it was in time", "[timeout]") {
    tandem::testing::virtual_clock clock;
    const auto main = []() -> task<> {
        const std::optional<int> in_time = co_await move_on_after(1h, later(1min, 4));
        CHECK(in_time == 4);
        const std::optional<int> late = co_await move_on_after(1min, later(1h, 4));
        CHECK_FALSE(late);
        const bool done = co_await move_on_after(1h, sleeps(1min));
        const bool not_done = co_await move_on_after(1min, tandem::sleep_for(1h));
        CHECK(done);
        CHECK_FALSE(not_done);
    };
    run(main(), with(clock));
}

TEST_CASE("a task with a time limit is destroyed where it waits", "[timeout]") {
    {
        tandem::event_loop loop;
        loop.spawn(awaits(with_timeout(1h, sleeps(2h))));
        loop.poll_once();
        loop.poll_once();
    }
    CHECK(frame_mark::alive == 0);
}
