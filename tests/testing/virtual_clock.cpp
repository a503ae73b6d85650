// SPDX-License-Identifier: BSL-1.0
#include <tandem/testing/virtual_clock.hpp>

#include "../async/tools.hpp"

#include <tandem/future/promise.hpp>

#include <string>
#include <thread>

using namespace async_tests;
using tandem::task;
using tandem::testing::virtual_clock;

namespace {

tandem::event_loop_options with(virtual_clock& clock) {
    tandem::event_loop_options options;
    options.clock = &clock;
    return options;
}

}  // namespace

TEST_CASE("a virtual clock makes sleeps instant and keeps their order", "[virtual_clock]") {
    virtual_clock clock;
    const auto main = []() -> task<> {
        std::string log;
        const auto notes = [](std::string& to, char c, std::chrono::hours t) -> task<> {
            co_await tandem::sleep_for(t);
            to += c;
        };
        auto b = tandem::spawn(notes(log, 'b', 48h));
        auto a = tandem::spawn(notes(log, 'a', 24h));
        auto c = tandem::spawn(notes(log, 'c', 48h));
        co_await std::move(c);
        CHECK(log == "abc");
        co_await std::move(a);
        co_await std::move(b);
    };
    run(main(), with(clock));
    CHECK(clock.elapsed() == 48h);
}

TEST_CASE("time that a step takes counts", "[virtual_clock]") {
    virtual_clock clock;
    const auto main = [](virtual_clock& c) -> task<> {
        c.advance(3s);
        co_await tandem::sleep_for(1s);
    };
    run(main(clock), with(clock));
    CHECK(clock.elapsed() == 4s);
}

TEST_CASE("a virtual clock does not jump while another thread is awaited", "[virtual_clock]") {
    virtual_clock clock;
    const auto main = [](virtual_clock& c) -> task<> {
        tandem::promise<int> from;
        auto sleeper = tandem::spawn(sleeps(1h));
        std::thread other([&] { from.set_value(1); });
        const int got = co_await from.get_future();
        CHECK(got == 1);
        CHECK(c.elapsed() == 0s);
        other.join();
        co_await std::move(sleeper);
        CHECK(c.elapsed() == 1h);
    };
    run(main(clock), with(clock));
}

TEST_CASE("a deadlock is reported with who waits for what", "[virtual_clock]") {
    virtual_clock clock;
    std::string text;
    tandem::task_handle<> first;
    const auto waits_for = [](tandem::task_handle<>& other, frame_mark) -> task<> {
        co_await tandem::yield_now();
        co_await std::move(other);
    };
    const auto main = [](auto f, tandem::task_handle<>& one) -> task<> {
        tandem::task_handle<> two;
        one = tandem::spawn(f(two, frame_mark()), {.name = "first"});
        two = tandem::spawn(f(one, frame_mark()), {.name = "second"});
        co_await tandem::sleep_for(1h);
        co_await tandem::sleep_until(tandem::deadline());
    };
    try {
        run(main(waits_for, first), with(clock));
    } catch (const tandem::invalid_state& e) {
        text = e.what();
    }
    CHECK(text.find("deadlock") != text.npos);
    CHECK(text.find("first:") != text.npos);
    CHECK(text.find("waits for the task first") != text.npos);
    CHECK(frame_mark::alive == 0);
}
