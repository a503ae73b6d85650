// SPDX-License-Identifier: BSL-1.0
#include <tandem/future/wait.hpp>

#include "../support/catch.hpp"
#include "../support/within.hpp"

#include <tandem/future/promise.hpp>

#include <array>
#include <chrono>
#include <list>
#include <memory>
#include <span>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using tandem::future;
using tandem::outcome;
using tandem::promise;
using tandem::return_when;
using indices = std::vector<std::size_t>;

namespace {

struct promises {
    explicit promises(std::size_t count) : promised(count) {
        for (auto& p : promised) futures.push_back(p.get_future());
    }
    std::vector<promise<int>> promised;
    std::vector<future<int>> futures;
};

std::exception_ptr some_error() { return std::make_exception_ptr(std::runtime_error("some")); }

}  // namespace

TEST_CASE("waiting for nothing returns at once", "[wait]") {
    const std::vector<future<int>> none;
    for (const auto when :
         {return_when::all_completed, return_when::first_completed, return_when::first_exception}) {
        const auto result = within(10s, [&] { return tandem::wait(none, when); });
        CHECK(result.done.empty());
        CHECK(result.not_done.empty());
    }
}

TEST_CASE("a time-out is no error and says what is done and what is not", "[wait]") {
    promises p(4);
    p.promised[2].set_value(1);
    p.promised[0].set_exception(some_error());
    const auto before = std::chrono::steady_clock::now();
    const auto result = tandem::wait(p.futures, return_when::all_completed, 10ms);
    CHECK(std::chrono::steady_clock::now() - before >= 10ms);
    CHECK(result.done == indices{0, 2});
    CHECK(result.not_done == indices{1, 3});
    const auto now = tandem::wait(p.futures, return_when::all_completed, 0s);
    CHECK(now.done == indices{0, 2});
    CHECK(tandem::wait(p.futures, return_when::all_completed, std::chrono::steady_clock::now())
              .not_done == indices{1, 3});
}

TEST_CASE("waiting for all waits for all", "[wait][pinned]") {
    within(60s, [] {
        for (int round = 0; round < 50; ++round) {
            promises p(20);
            std::thread setter([&] {
                for (auto& one : p.promised) one.set_value(1);
            });
            const auto result = tandem::wait(p.futures);
            CHECK(result.done.size() == 20);
            CHECK(result.not_done.empty());
            setter.join();
        }
    });
}

TEST_CASE("waiting for the first returns with the first", "[wait][pinned]") {
    within(60s, [] {
        promises p(3);
        std::thread setter([&] { p.promised[1].set_value(1); });
        const auto result = tandem::wait(p.futures, return_when::first_completed);
        setter.join();
        CHECK(result.done == indices{1});
        CHECK(result.not_done == indices{0, 2});
        CHECK(tandem::wait(p.futures, return_when::first_completed).done == indices{1});
    });
}

TEST_CASE("a cancel or a failure is a completion", "[wait]") {
    promises p(3);
    CHECK(p.futures[2].cancel());
    CHECK(tandem::wait(p.futures, return_when::first_completed).done == indices{2});
    p.promised[0].set_exception(some_error());
    CHECK(tandem::wait(p.futures, return_when::first_completed).done == indices{0, 2});
}

TEST_CASE("waiting for an exception ignores values and cancels", "[wait]") {
    promises p(4);
    p.promised[0].set_value(1);
    CHECK(p.futures[1].cancel());
    auto result = tandem::wait(p.futures, return_when::first_exception, 5ms);
    CHECK(result.done == indices{0, 1});
    p.promised[3].set_exception(some_error());
    result = within(10s, [&] { return tandem::wait(p.futures, return_when::first_exception); });
    CHECK(result.done == indices{0, 1, 3});
    CHECK(result.not_done == indices{2});
}

TEST_CASE("waiting for an exception ends when all are done without one", "[wait]") {
    promises p(2);
    p.promised[0].set_value(1);
    p.promised[1].set_value(1);
    const auto result =
        within(10s, [&] { return tandem::wait(p.futures, return_when::first_exception); });
    CHECK(result.done == indices{0, 1});
}

TEST_CASE("the futures stay where they are", "[wait]") {
    promises p(2);
    p.promised[0].set_value(4);
    p.promised[1].set_value(5);
    tandem::wait(p.futures);
    CHECK(p.futures[0].get() == 4);
    CHECK(p.futures[1].get() == 5);
}

TEST_CASE("spans, arrays, lists and shared futures can be waited for", "[wait]") {
    promises p(3);
    for (auto& one : p.promised) one.set_value(1);
    CHECK(tandem::wait(std::span(p.futures).first(2)).done == indices{0, 1});
    const std::array<tandem::shared_future<int>, 2> shared{p.futures[0].share(),
                                                           p.futures[1].share()};
    CHECK(tandem::wait(shared).done == indices{0, 1});
    std::list<future<int>> list;
    list.push_back(std::move(p.futures[2]));
    CHECK(tandem::wait(list).done == indices{0});
    CHECK(list.front().valid());
}

TEST_CASE("a future of nothing cannot be waited for", "[wait]") {
    const std::vector<future<int>> invalid(1);
    CHECK_THROWS_AS(tandem::wait(invalid), tandem::invalid_state);
}

TEST_CASE("a future that is there twice counts twice", "[wait]") {
    promise<int> p;
    const auto shared = p.get_future().share();
    const std::vector<tandem::shared_future<int>> twice{shared, shared};
    CHECK(tandem::wait(twice, return_when::all_completed, 1ms).not_done == indices{0, 1});
    p.set_value(1);
    CHECK(within(10s, [&] { return tandem::wait(twice); }).done == indices{0, 1});
}

TEST_CASE("waiting again and again with a time-out leaves nothing behind", "[wait]") {
    promises p(2);
    int called = 0;
    p.futures[0].on_done([&](const outcome<int>&) { ++called; });
    within(60s, [&] {
        for (int i = 0; i < 20'000; ++i) {
            tandem::wait(p.futures, return_when::all_completed, 0s);
        }
    });
    p.promised[0].set_value(1);
    p.promised[1].set_value(1);
    CHECK(called == 1);
}

TEST_CASE("several threads may wait for the same futures", "[wait][pinned]") {
    within(60s, [] {
        for (int round = 0; round < 50; ++round) {
            promises p(5);
            std::vector<std::thread> waiters;
            for (int i = 0; i < 4; ++i) {
                waiters.emplace_back([&, i] {
                    const auto when =
                        i % 2 == 0 ? return_when::all_completed : return_when::first_completed;
                    while (tandem::wait(p.futures, when, 100us).done.empty()) {
                    }
                });
            }
            for (auto& one : p.promised) one.set_value(1);
            for (auto& waiter : waiters) waiter.join();
        }
    });
}
