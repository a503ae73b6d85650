// SPDX-License-Identifier: BSL-1.0
#include <tandem/coroutine/when_any.hpp>

#include "../async/tools.hpp"

#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

using namespace async_tests;
using tandem::task;
using tandem::when_any;

namespace {

template <class A>
task<> awaits(A awaited, frame_mark = {}) {
    co_await std::move(awaited);
}

}  // namespace

TEST_CASE("when_any gives the first, and cancels and awaits the others", "[when_any]") {
    const auto main = []() -> task<> {
        std::string log;
        auto first = co_await when_any(notes_end(1h, log), later(1ms, 7), notes_end(1h, log));
        CHECK(first.index == 1);
        CHECK(std::get<1>(first.value) == 7);
        CHECK(log == "cancelled cancelled ");
    };
    run(main());
}

TEST_CASE("when_any throws what the first one threw", "[when_any]") {
    const auto main = []() -> task<> {
        auto failure = co_await failure_of(awaits(when_any(later(1h, 1), throws_after(0s, "bad"))));
        CHECK(failure == "bad");
    };
    run(main());
}

TEST_CASE("when_any of a vector", "[when_any]") {
    const auto main = []() -> task<> {
        std::vector<task<int>> tasks;
        tasks.push_back(later(1h, 1));
        tasks.push_back(later(1ms, 2));
        auto first = co_await when_any(std::move(tasks));
        CHECK(first.index == 1);
        CHECK(first.value == 2);
    };
    run(main());
    CHECK_THROWS_AS(when_any(std::vector<task<>>()), std::invalid_argument);
}

TEST_CASE("a cancel of when_any ends all", "[when_any]") {
    const auto main = []() -> task<> {
        std::string log;
        auto handle = tandem::spawn(awaits(when_any(notes_end(1h, log), notes_end(1h, log))));
        co_await tandem::sleep_for(1ms);
        handle.cancel();
        auto failure = co_await failure_of(awaits(std::move(handle)));
        CHECK(failure == "cancelled");
        CHECK(log == "cancelled cancelled ");
    };
    run(main());
}
