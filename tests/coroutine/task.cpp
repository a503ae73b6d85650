// SPDX-License-Identifier: BSL-1.0
#include <tandem/coroutine/task.hpp>

#include "../async/tools.hpp"
#include "../support/long_chain.hpp"

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

using namespace async_tests;
using tandem::task;

namespace {

task<int> gives(int x, frame_mark = {}) { co_return x; }
task<std::unique_ptr<int>> gives_unique(int x) { co_return std::make_unique<int>(x); }
task<int&> gives_reference(int& x) { co_return x; }
task<> gives_nothing() { co_return; }
task<> fails() {
    throw std::runtime_error("no");
    co_return;
}
struct no_default {
    explicit no_default(std::string w) : word(std::move(w)) {}
    std::string word;
};
task<no_default> gives_no_default() { co_return no_default("hello"); }
task<std::string> gives_converted() { co_return "hello"; }

task<> takes_all() {
    {
        const auto got = co_await gives(4);
        CHECK(got == 4);
    }
    const auto unique = co_await gives_unique(5);
    CHECK(*unique == 5);
    int x = 1;
    int& same = co_await gives_reference(x);
    CHECK(&same == &x);
    co_await gives_nothing();
    const auto word = co_await gives_no_default();
    CHECK(word.word == "hello");
    {
        const auto got = co_await gives_converted();
        CHECK(got == "hello");
    }
    const auto failure = co_await failure_of(fails());
    CHECK(failure == "no");
}

}  // namespace

TEST_CASE("a task gives a value, a reference, nothing, or an exception", "[task]") {
    run(takes_all());
}

TEST_CASE("a task is lazy, and one that is dropped never runs", "[task]") {
    bool ran = false;
    const auto sets = [](bool& r, frame_mark = {}) -> task<> {
        r = true;
        co_return;
    };
    {
        const auto dropped = sets(ran);
        CHECK(dropped.valid());
    }
    CHECK_FALSE(ran);
    CHECK(frame_mark::alive == 0);
    run(sets(ran));
    CHECK(ran);
}

TEST_CASE("a task moves, and what was moved from cannot be awaited", "[task]") {
    const auto main = []() -> task<> {
        auto first = gives(1);
        auto second = std::move(first);
        CHECK_FALSE(first.valid());
        second = gives(2);
        {
            const auto got = co_await std::move(second);
            CHECK(got == 2);
        }
        bool refused = false;
        try {
            co_await std::move(second);
        } catch (const tandem::invalid_state&) {
            refused = true;
        }
        CHECK(refused);
    };
    run(main());
    STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<task<int>>);
}

namespace {

task<int> counts_down(int n, frame_mark = {}) {
    if (n == 0) co_return 0;
    co_return 1 + co_await counts_down(n - 1);
}
task<int> counts_down_and_waits(int n, frame_mark = {}) {
    if (n == 0) {
        co_await tandem::yield_now();
        co_return 0;
    }
    co_return 1 + co_await counts_down_and_waits(n - 1);
}
task<int> counts_down_and_sleeps(int n, frame_mark = {}) {
    if (n == 0) {
        co_await tandem::sleep_for(1h);
        co_return 0;
    }
    co_return 1 + co_await counts_down_and_sleeps(n - 1);
}
task<int> counts_down_and_throws(int n, frame_mark = {}) {
    if (n == 0) throw std::runtime_error("bottom");
    const int below = co_await counts_down_and_throws(n - 1);
    co_return 1 + below;
}

}  // namespace

TEST_CASE("the native stack stays flat, however deep tasks await each other", "[task]") {
    const int deep = long_chain / 5;
    CHECK(run(counts_down(deep)) == deep);
    CHECK(run(counts_down_and_waits(deep)) == deep);
}

TEST_CASE("an exception passes through all that await", "[task]") {
    CHECK(run(failure_of(counts_down_and_throws(1000))) == "bottom");
}

TEST_CASE("a million ready awaits in a row need no stack", "[task]") {
    const auto main = []() -> task<int> {
        int sum = 0;
        for (int i = 0; i < 1'000'000; ++i) sum += co_await gives(1, frame_mark());
        co_return sum;
    };
    CHECK(run(main()) == 1'000'000);
}

TEST_CASE("a deep chain that is destroyed where it waits needs no stack", "[task]") {
    {
        tandem::event_loop loop;
        loop.spawn(counts_down_and_sleeps(long_chain / 5));
        loop.poll_once();
        CHECK(frame_mark::alive > 1000);
    }
    CHECK(frame_mark::alive == 0);
}

TEST_CASE("arguments live as long as the task", "[task]") {
    const auto main = []() -> task<> {
        const auto keeps = [](std::string word) -> task<std::string> {
            co_await tandem::yield_now();
            co_return word;
        };
        auto waiting = keeps(std::string(100, 'x'));
        co_await tandem::yield_now();
        const auto word = co_await std::move(waiting);
        CHECK(word == std::string(100, 'x'));
    };
    run(main());
}
