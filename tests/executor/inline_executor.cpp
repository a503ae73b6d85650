// SPDX-License-Identifier: BSL-1.0
#include <tandem/executor/inline_executor.hpp>

#include "common_cases.hpp"

#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using tandem::inline_executor;

TEST_CASE("the serial executor does what every executor does", "[inline_executor]") {
    common::all([] { return inline_executor(); });
}

TEST_CASE("a call is made at once, in the thread that submits it", "[inline_executor]") {
    inline_executor e;
    const auto here = std::this_thread::get_id();
    auto f = e.submit([] { return std::this_thread::get_id(); });
    CHECK(f.ready());
    CHECK(f.get() == here);
    std::vector<int> order;
    e.for_each([&](int x) { order.push_back(x); }, std::vector{3, 1, 2});
    CHECK(order == std::vector{3, 1, 2});
}

TEST_CASE("the serial map stops at the first exception", "[inline_executor]") {
    inline_executor e;
    int calls = 0;
    const auto count = [&](int x) {
        ++calls;
        if (x == 2) throw std::runtime_error("two");
    };
    CHECK_THROWS_WITH(e.map(count, std::vector{0, 1, 2, 3, 4}), "two");
    CHECK(calls == 3);
}

TEST_CASE("the serial imap calls one element at a time", "[inline_executor]") {
    inline_executor e;
    int calls = 0;
    auto results = e.imap([&](int x) { return ++calls, x; }, std::vector{1, 2, 3}, {.window = 1});
    CHECK(calls == 0);
    auto it = results.begin();
    CHECK(calls == 1);
    ++it;
    CHECK(calls == 2);
}

TEST_CASE("serial calls nest", "[inline_executor]") {
    inline_executor e;
    CHECK(e.apply([&] {
        return e
            .submit([&] {
                const auto two =
                    e.map([&](int x) { return e.apply(common::twice, x); }, std::vector{1, 2});
                return two[0] + two[1];
            })
            .get();
    }) == 6);
}

TEST_CASE("a serial call may submit after close, nobody else may", "[inline_executor]") {
    inline_executor e;
    CHECK(e.apply([&] {
        e.close();
        return e.apply(common::twice, 4);
    }) == 8);
    CHECK_THROWS_AS(e.submit(common::twice, 1), tandem::pool_closed);
    CHECK_NOTHROW(e.join());
}

TEST_CASE("a serial map ends when its time is over", "[inline_executor]") {
    inline_executor e;
    int calls = 0;
    const auto slow = [&](int) {
        ++calls;
        const auto until = std::chrono::steady_clock::now() + 5ms;
        while (std::chrono::steady_clock::now() < until) {
        }
    };
    CHECK_THROWS_AS(e.for_each(slow, common::numbers(1000), {.timeout = 20ms}),
                    tandem::timeout_error);
    CHECK(calls >= 1);
    CHECK(calls <= 5);
}

TEST_CASE("the serial executor says its name and counts", "[inline_executor]") {
    inline_executor e;
    std::ostringstream text;
    text << e;
    CHECK(text.str() == "inline_executor state=running size=1");
    e.apply([&] { CHECK(e.stats().running.size() == 1); });
    CHECK(e.stats().done == 1);
    CHECK(e.stats().running.empty());
}

TEST_CASE("a serial future outlives its executor", "[inline_executor]") {
    std::optional<inline_executor> e(std::in_place);
    auto f = e->submit([] { return std::string("kept"); });
    auto g = e->imap(common::twice, std::vector{1, 2});
    e.reset();
    CHECK(f.get() == "kept");
    CHECK(common::to_vector(g) == std::vector{2, 4});
}
