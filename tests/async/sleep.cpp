// SPDX-License-Identifier: BSL-1.0
#include <tandem/async/sleep.hpp>

#include "../support/long_chain.hpp"
#include "tools.hpp"

#include <chrono>
#include <string>
#include <vector>

using namespace async_tests;
using tandem::task;

namespace {

task<> notes(std::string& to, char what, std::chrono::nanoseconds time) {
    co_await tandem::sleep_for(time);
    to += what;
}

}  // namespace

TEST_CASE("a sleep takes at least its time, and the earliest ends first", "[sleep]") {
    const auto main = []() -> task<> {
        std::string order;
        const auto began = std::chrono::steady_clock::now();
        auto b = tandem::spawn(notes(order, 'b', 6ms));
        auto a = tandem::spawn(notes(order, 'a', 2ms));
        co_await std::move(a);
        CHECK(order == "a");
        co_await std::move(b);
        CHECK(order == "ab");
        CHECK(std::chrono::steady_clock::now() - began >= 6ms);
    };
    run(main());
}

TEST_CASE("a sleep until a moment ends then, or at once if it has passed", "[sleep]") {
    const auto main = []() -> task<> {
        const auto moment = std::chrono::steady_clock::now() + 3ms;
        co_await tandem::sleep_until(moment);
        CHECK(std::chrono::steady_clock::now() >= moment);
        co_await tandem::sleep_until(moment);
        co_await tandem::sleep_for(-1h);
        co_await tandem::sleep_for(0s);
    };
    run(main());
}

TEST_CASE("a sleep that is too long for the clock never ends", "[sleep]") {
    const auto main = []() -> task<> {
        auto a = tandem::spawn(sleeps(tandem::forever));
        const auto hours = []() -> task<> {
            co_await tandem::sleep_for(std::chrono::hours::max());
        };
        auto b = tandem::spawn(hours());
        const auto never = []() -> task<> { co_await tandem::sleep_until(tandem::deadline()); };
        auto c = tandem::spawn(never());
        co_await tandem::sleep_for(2ms);
        CHECK_FALSE(a.done());
        CHECK_FALSE(b.done());
        CHECK_FALSE(c.done());
    };
    run(main());
}

TEST_CASE("a cancel ends a sleep", "[sleep]") {
    const auto main = []() -> task<> {
        std::string log;
        auto handle = tandem::spawn(notes_end(1h, log));
        co_await tandem::yield_now();
        handle.cancel();
        co_await tandem::yield_now();
        CHECK(handle.done());
        CHECK(log == "cancelled ");
    };
    run(main());
}

TEST_CASE("yield_now lets every other ready task run exactly once", "[sleep]") {
    const auto main = []() -> task<> {
        std::string order;
        const auto turns = [](std::string& to, char c) -> task<> {
            for (int i = 0; i < 3; ++i) {
                to += c;
                co_await tandem::yield_now();
            }
        };
        auto a = tandem::spawn(turns(order, 'a'));
        auto b = tandem::spawn(turns(order, 'b'));
        co_await std::move(a);
        co_await std::move(b);
        CHECK(order == "ababab");
    };
    run(main());
}

TEST_CASE("a million sleepers", "[sleep]") {
    const auto main = []() -> task<int> {
        int woken = 0;
        const auto sleeper = [](int& n, int i) -> task<> {
            co_await tandem::sleep_for(std::chrono::microseconds(i % 1000));
            ++n;
        };
        for (int i = 0; i < long_chain; ++i) tandem::spawn(sleeper(woken, i));
        while (woken != long_chain) co_await tandem::sleep_for(1ms);
        co_return woken;
    };
    CHECK(run(main()) == long_chain);
}

TEST_CASE("a million sleepers are dropped with their loop", "[sleep]") {
    {
        tandem::event_loop loop;
        for (int i = 0; i < long_chain; ++i) loop.spawn(sleeps(1h));
        while (loop.poll_once()) {
        }
        CHECK(frame_mark::alive == long_chain);
    }
    CHECK(frame_mark::alive == 0);
}
