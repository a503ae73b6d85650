// SPDX-License-Identifier: BSL-1.0
#include <tandem/future/as_completed.hpp>

#include "../support/catch.hpp"
#include "../support/within.hpp"

#include <tandem/future/promise.hpp>

#include <array>
#include <chrono>
#include <list>
#include <set>
#include <span>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using tandem::as_completed;
using tandem::future;
using tandem::promise;
using indices = std::vector<std::size_t>;

namespace {

struct promises {
    explicit promises(std::size_t count) : promised(count) {
        for (auto& p : promised) futures.push_back(p.get_future());
    }
    std::vector<promise<int>> promised;
    std::vector<future<int>> futures;
};

template <class Futures>
concept completable = requires(Futures&& futures) { as_completed(std::forward<Futures>(futures)); };

}  // namespace

TEST_CASE("no futures complete at once", "[as_completed]") {
    std::vector<future<int>> none;
    int seen = 0;
    for (auto item : as_completed(none)) seen += static_cast<int>(item.index) + 1;
    CHECK(seen == 0);
}

TEST_CASE("futures come in the order of their completion, with their place", "[as_completed]") {
    promises p(4);
    indices order;
    std::vector<int> values;
    auto range = as_completed(p.futures);
    for (const std::size_t i : {2U, 0U, 3U, 1U}) p.promised[i].set_value(static_cast<int>(i) * 10);
    for (auto [index, f] : range) {
        order.push_back(index);
        CHECK(&f == &p.futures[index]);
        values.push_back(f.get());
    }
    CHECK(order == indices{2, 0, 3, 1});
    CHECK(values == std::vector{20, 0, 30, 10});
}

TEST_CASE("those that are ready come first", "[as_completed]") {
    promises p(3);
    p.promised[2].set_value(1);
    p.promised[1].set_value(1);
    auto range = as_completed(p.futures);
    p.promised[0].set_value(1);
    indices order;
    for (auto item : range) order.push_back(item.index);
    CHECK(order == indices{1, 2, 0});
}

TEST_CASE("failures and cancels complete too", "[as_completed]") {
    promises p(3);
    auto range = as_completed(p.futures);
    p.promised[1].set_exception(std::make_exception_ptr(std::runtime_error("one")));
    CHECK(p.futures[2].cancel());
    p.promised.clear();
    indices order;
    for (auto item : range) {
        order.push_back(item.index);
        CHECK_FALSE(item.future.successful());
    }
    CHECK(order == indices{1, 2, 0});
}

TEST_CASE("each future comes once, whoever completes it", "[as_completed][pinned]") {
    within(120s, [] {
        for (int round = 0; round < 50; ++round) {
            promises p(60);
            std::vector<std::thread> setters;
            for (std::size_t t = 0; t < 3; ++t) {
                setters.emplace_back([&p, t] {
                    for (std::size_t i = t; i < 60; i += 3) p.promised[i].set_value(1);
                });
            }
            std::set<std::size_t> seen;
            for (auto item : as_completed(p.futures)) {
                REQUIRE(item.future.ready());
                seen.insert(item.index);
            }
            REQUIRE(seen.size() == 60);
            for (auto& setter : setters) setter.join();
        }
    });
}

TEST_CASE("the loop throws timeout_error with how many are missing", "[as_completed]") {
    promises p(3);
    p.promised[1].set_value(1);
    int seen = 0;
    const auto run = [&] {
        for (auto item : as_completed(p.futures, 10ms)) {
            CHECK(item.index == 1);
            ++seen;
        }
    };
    CHECK_THROWS_AS(run(), tandem::timeout_error);
    CHECK_THROWS_WITH(run(), "2 (of 3) futures unfinished");
    CHECK(seen == 2);
    CHECK(p.futures[0].valid());
}

TEST_CASE("the time counts from the call, not from each future", "[as_completed]") {
    promises p(2);
    auto range = as_completed(p.futures, 0s);
    CHECK_THROWS_AS(range.begin(), tandem::timeout_error);
    p.promised[0].set_value(1);
    auto it = range.begin();
    CHECK((*it).index == 0);
    CHECK_THROWS_AS(++it, tandem::timeout_error);
}

TEST_CASE("leaving the loop early leaves the futures as they are", "[as_completed]") {
    promises p(3);
    p.promised[0].set_value(5);
    for (auto item : as_completed(p.futures)) {
        CHECK(item.index == 0);
        break;
    }
    p.promised[1].set_value(6);
    CHECK(p.futures[0].get() == 5);
    CHECK(p.futures[1].get() == 6);
    CHECK_FALSE(p.futures[2].ready());
}

TEST_CASE("a hundred thousand futures that complete one by one take time in proportion",
          "[as_completed]") {
    constexpr std::size_t count = 100'000;
    promises p(count);
    within(60s, [&] {
        // The next is completed in the loop, so that the range finds nothing ready and waits.
        std::size_t seen = 0;
        auto range = as_completed(p.futures);
        std::thread setter([&] {
            for (std::size_t i = count; i-- > 0;) p.promised[i].set_value(1);
        });
        for (auto item : range) seen += item.future.ready() ? 1U : 0U;
        setter.join();
        CHECK(seen == count);
    });
}

TEST_CASE("lists, arrays, spans and shared futures will do, a temporary container will not",
          "[as_completed]") {
    promises p(2);
    for (auto& one : p.promised) one.set_value(1);
    int seen = 0;
    for (auto item : as_completed(std::span(p.futures))) seen += item.future.ready() ? 1 : 0;
    std::list<future<int>> list;
    list.push_back(std::move(p.futures[0]));
    for (auto item : as_completed(list)) seen += item.future.get();
    const std::array<tandem::shared_future<int>, 1> shared{p.futures[1].share()};
    for (auto item : as_completed(shared)) seen += item.future.get();
    CHECK(seen == 4);
    STATIC_REQUIRE(completable<std::vector<future<int>>&>);
    STATIC_REQUIRE(!completable<std::vector<future<int>>>);
}
