// SPDX-License-Identifier: BSL-1.0
#include <tandem/coroutine/async_map.hpp>

#include "../async/tools.hpp"

#include <algorithm>
#include <ranges>
#include <stdexcept>
#include <string>
#include <vector>

using namespace async_tests;
using tandem::async_map;
using tandem::task;

TEST_CASE("async_map gives results in order, so many at a time", "[async_map]") {
    const auto main = []() -> task<> {
        int now = 0, most = 0;
        const auto squares = [&](int x) -> task<int> {
            most = std::max(most, ++now);
            co_await tandem::sleep_for((10 - x) * 100us);
            --now;
            co_return x* x;
        };
        const std::vector<int> numbers{1, 2, 3, 4, 5, 6, 7};
        const auto results = co_await async_map(squares, numbers, 3);
        CHECK(results == std::vector{1, 4, 9, 16, 25, 36, 49});
        CHECK(most == 3);
        const auto all = co_await async_map(squares, std::views::iota(1, 4), 100);
        CHECK(all == std::vector{1, 4, 9});
        const auto none = co_await async_map(squares, std::vector<int>(), 1);
        CHECK(none.empty());
    };
    run(main());
}

TEST_CASE("async_map of tasks that give nothing", "[async_map]") {
    const auto main = []() -> task<> {
        int sum = 0;
        const auto adds = [&](const std::string& word) -> task<> {
            co_await tandem::yield_now();
            sum += static_cast<int>(word.size());
        };
        const std::vector<std::string> words{"a", "bb", "ccc"};
        co_await async_map(adds, words, 2);
        CHECK(sum == 6);
    };
    run(main());
}

TEST_CASE("the first failure of async_map cancels the others", "[async_map]") {
    const auto main = []() -> task<> {
        int begun = 0;
        const auto fails_at_2 = [&](int x) -> task<int> {
            ++begun;
            if (x == 2) throw std::runtime_error("two");
            co_await tandem::sleep_for(1h);
            co_return x;
        };
        auto failure = co_await failure_of(async_map(fails_at_2, std::views::iota(0, 100), 4));
        CHECK(failure == "two");
        CHECK(begun == 3);
    };
    run(main());
    const auto any = [](int) -> task<> { co_return; };
    CHECK_THROWS_AS(async_map(any, std::views::iota(0, 1), 0), std::invalid_argument);
}
