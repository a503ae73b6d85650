// SPDX-License-Identifier: BSL-1.0
#include <tandem/coroutine/shield.hpp>

#include "../async/tools.hpp"

#include <string>
#include <utility>

using namespace async_tests;
using tandem::shield;
using tandem::task;

TEST_CASE("what is shielded ends, then the cancel comes", "[shield]") {
    const auto main = []() -> task<> {
        std::string log;
        const auto works = [](std::string& to) -> task<> {
            const int got = co_await shield(later(2ms, 4));
            to += std::to_string(got) + " ";
            co_await notes_end(1h, to);
        };
        auto handle = tandem::spawn(works(log));
        co_await tandem::yield_now();
        handle.cancel();
        co_await tandem::sleep_for(10ms);
        CHECK(handle.done());
        CHECK(log == "4 cancelled ");
    };
    run(main());
}

TEST_CASE("a task that is cancelled cleans up behind a shield", "[shield]") {
    const auto main = []() -> task<> {
        std::string log;
        const auto works = [](std::string& to) -> task<> {
            try {
                co_await tandem::sleep_for(1h);
            } catch (const tandem::cancelled_error&) {
                to += "cleaning ";
            }
            co_await shield(tandem::sleep_for(1ms));
            to += "clean ";
            co_await notes_end(0s, to);
        };
        auto handle = tandem::spawn(works(log));
        co_await tandem::yield_now();
        handle.cancel();
        co_await tandem::sleep_for(10ms);
        CHECK(log == "cleaning clean cancelled ");
    };
    run(main());
}

TEST_CASE("an exception passes through a shield", "[shield]") {
    const auto main = []() -> task<> {
        const auto works = []() -> task<> { co_await shield(throws_after(0s, "bad")); };
        const auto failure = co_await failure_of(works());
        CHECK(failure == "bad");
        co_await tandem::sleep_for(0s);
    };
    run(main());
}

TEST_CASE("a shielded handle is left by a cancel, and its task runs on", "[shield]") {
    const auto main = []() -> task<> {
        std::string log;
        auto inner = tandem::spawn(notes_end(3ms, log));
        const auto waits = [](tandem::task_handle<>& h) -> task<> { co_await shield(h); };
        auto outer = tandem::spawn(waits(inner));
        co_await tandem::yield_now();
        outer.cancel();
        co_await tandem::yield_now();
        CHECK(outer.done());
        CHECK_FALSE(inner.done());
        co_await shield(inner);
        CHECK(log == "slept ");
    };
    run(main());
}

TEST_CASE("a frame that is shielded is destroyed where it waits", "[shield]") {
    {
        tandem::event_loop loop;
        const auto works = [](frame_mark = {}) -> task<> { co_await shield(sleeps(1h)); };
        loop.spawn(works());
        loop.poll_once();
    }
    CHECK(frame_mark::alive == 0);
}
