// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/invoke.hpp>

#include "../support/catch.hpp"

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

using tandem::task_result_t;
using tandem::detail::apply_task;
using tandem::detail::invoke_task;
using tandem::detail::takes_stop_token;
using tandem::detail::task_invocable;

namespace {

int plain(int x) { return x + 1; }
std::string stoppable(std::stop_token stop, int x) {
    return (stop.stop_possible() ? "stop " : "no stop ") + std::to_string(x);
}
struct both {
    int operator()(int) const { return 1; }
    std::string operator()(std::stop_token, int) const { return "token"; }
};
struct account {
    int balance = 5;
    int plus(int x) const { return balance + x; }
};

}  // namespace

TEST_CASE("a callable that takes no stop_token gets none", "[invoke]") {
    CHECK(invoke_task({}, plain, 1) == 2);
    STATIC_REQUIRE(!takes_stop_token<decltype(&plain), int>);
    STATIC_REQUIRE(std::is_same_v<task_result_t<decltype(&plain), int>, int>);
}

TEST_CASE("a callable whose first parameter is a stop_token gets it", "[invoke]") {
    const std::stop_source source;
    CHECK(invoke_task(source.get_token(), stoppable, 1) == "stop 1");
    STATIC_REQUIRE(takes_stop_token<decltype(&stoppable), int>);
    STATIC_REQUIRE(std::is_same_v<task_result_t<decltype(&stoppable), int>, std::string>);
}

TEST_CASE("a callable that can be called both ways gets the stop_token, as with jthread",
          "[invoke]") {
    CHECK(invoke_task({}, both(), 1) == "token");
    STATIC_REQUIRE(std::is_same_v<task_result_t<both, int>, std::string>);
}

TEST_CASE("a callable that fits neither way is refused", "[invoke]") {
    STATIC_REQUIRE(!task_invocable<decltype(&plain), std::string>);
    STATIC_REQUIRE(!task_invocable<decltype(&plain)>);
    STATIC_REQUIRE(task_invocable<decltype(&plain), int>);
    STATIC_REQUIRE(!task_invocable<int, int>);
}

TEST_CASE("members are called as std::invoke does", "[invoke]") {
    const account mine;
    CHECK(invoke_task({}, &account::plus, mine, 2) == 7);
    CHECK(invoke_task({}, &account::plus, &mine, 2) == 7);
    CHECK(invoke_task({}, &account::balance, std::cref(mine)) == 5);
}

TEST_CASE("a reference stays a reference", "[invoke]") {
    int object = 0;
    auto same = [&]() -> int& { return object; };
    invoke_task({}, same) = 3;
    CHECK(object == 3);
    STATIC_REQUIRE(std::is_same_v<task_result_t<decltype(same)>, int&>);
}

TEST_CASE("a tuple of arguments is passed on, moved from if it is an rvalue", "[invoke]") {
    const auto value = apply_task(
        {}, [](std::unique_ptr<int> p, int y) { return *p + y; },
        std::tuple(std::make_unique<int>(3), 4));
    CHECK(value == 7);
    std::tuple<std::string> kept("text");
    CHECK(apply_task({}, [](const std::string& s) { return s.size(); }, kept) == 4);
    CHECK(std::get<0>(kept) == "text");
    const std::stop_source source;
    CHECK(apply_task(source.get_token(), stoppable, std::tuple(2)) == "stop 2");
}

TEST_CASE("submit's result is that of a call on copies", "[invoke]") {
    const auto by_value = [](int&& x) { return x; };
    STATIC_REQUIRE(std::is_same_v<task_result_t<decltype(by_value), int&>, int>);
    const auto takes_lvalue = [](int&) {};
    STATIC_REQUIRE(!task_invocable<decltype(takes_lvalue), int>);
    CHECK(by_value(1) == 1);
}
