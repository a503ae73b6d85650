// SPDX-License-Identifier: BSL-1.0
#include <tandem/future/collect.hpp>

#include "../support/catch.hpp"
#include "../support/long_chain.hpp"
#include "../support/within.hpp"

#include <tandem/future/promise.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using tandem::collect;
using tandem::future;
using tandem::outcome;
using tandem::promise;

namespace {

template <class T = int>
struct promises {
    explicit promises(std::size_t count) : promised(count) {
        for (auto& p : promised) futures.push_back(p.get_future());
    }
    std::vector<promise<T>> promised;
    std::vector<future<T>> futures;
};

std::exception_ptr error(const char* text) {
    return std::make_exception_ptr(std::runtime_error(text));
}

}  // namespace

TEST_CASE("collecting nothing is ready", "[collect]") {
    auto all = collect(std::vector<future<int>>());
    CHECK(all.ready());
    CHECK(all.get().empty());
    CHECK_NOTHROW(collect(std::vector<future<void>>()).get());
}

TEST_CASE("the results come in the order of the futures", "[collect]") {
    promises p(4);
    auto all = collect(std::move(p.futures));
    STATIC_REQUIRE(std::is_same_v<decltype(all), future<std::vector<int>>>);
    for (const std::size_t i : {3U, 1U, 0U}) p.promised[i].set_value(static_cast<int>(i));
    CHECK_FALSE(all.ready());
    p.promised[2].set_value(2);
    CHECK(all.ready());
    CHECK(all.get() == std::vector{0, 1, 2, 3});
}

TEST_CASE("void, move-only, bool and reference results are collected", "[collect]") {
    promises<void> nothing(2);
    auto done = collect(std::move(nothing.futures));
    STATIC_REQUIRE(std::is_same_v<decltype(done), future<void>>);
    nothing.promised[0].set_value();
    CHECK_FALSE(done.ready());
    nothing.promised[1].set_value();
    CHECK_NOTHROW(done.get());

    promises<std::unique_ptr<int>> owners(1);
    auto owned = collect(std::move(owners.futures));
    owners.promised[0].set_value(std::make_unique<int>(3));
    CHECK(*owned.get()[0] == 3);

    promises<bool> flags(2);
    auto both = collect(std::move(flags.futures));
    flags.promised[0].set_value(true);
    flags.promised[1].set_value(false);
    CHECK(both.get() == std::vector{true, false});

    int object = 0;
    promises<int&> refers(1);
    auto same = collect(std::move(refers.futures));
    refers.promised[0].set_value(object);
    CHECK(same.get()[0] == &object);
}

TEST_CASE("the first failure in time is the result, at once, and the others go on", "[collect]") {
    promises p(3);
    int heard = 0;
    p.futures[2].on_done([&](const outcome<int>& result) { heard = result.value(); });
    auto all = collect(std::move(p.futures));
    p.promised[1].set_exception(error("first"));
    CHECK(all.ready());
    CHECK_THROWS_WITH(all.get(), "first");
    CHECK_NOTHROW(p.promised[2].set_value(7));
    CHECK(heard == 7);
    CHECK_NOTHROW(p.promised[0].set_exception(error("a second one is expected on stderr")));
}

TEST_CASE("a future that was cancelled fails the whole with cancelled_error", "[collect]") {
    promises p(2);
    p.futures[1].cancel();
    auto all = collect(std::move(p.futures));
    CHECK(all.cancelled());
    CHECK_THROWS_AS(all.get(), tandem::cancelled_error);
}

TEST_CASE("cancelling the whole cancels what has not begun", "[collect]") {
    promises p(3);
    CHECK(p.promised[1].start());
    p.promised[2].set_value(1);
    auto all = collect(std::move(p.futures));
    CHECK(all.cancel());
    CHECK(all.cancelled());
    CHECK_FALSE(p.promised[0].start());
    CHECK_THROWS_AS(p.promised[0].set_value(1), tandem::invalid_state);
    CHECK_NOTHROW(p.promised[1].set_value(1));
}

TEST_CASE("a whole that is done cannot be cancelled", "[collect]") {
    promises p(1);
    p.promised[0].set_value(4);
    auto all = collect(std::move(p.futures));
    CHECK_FALSE(all.cancel());
    CHECK(all.get() == std::vector{4});
}

TEST_CASE("a future of nothing cannot be collected", "[collect]") {
    CHECK_THROWS_AS(collect(std::vector<future<int>>(1)), tandem::invalid_state);
}

TEST_CASE("collections nest and chain", "[collect]") {
    promises p(4);
    std::vector<future<std::vector<int>>> halves;
    for (std::size_t half = 0; half < 2; ++half) {
        std::vector<future<int>> two;
        two.push_back(std::move(p.futures[2 * half]));
        two.push_back(std::move(p.futures[2 * half + 1]));
        halves.push_back(collect(std::move(two)));
    }
    auto sum = collect(std::move(halves)).then([](const std::vector<std::vector<int>>& all) {
        int total = 0;
        for (const auto& half : all) {
            for (const int x : half) total += x;
        }
        return total;
    });
    for (auto& one : p.promised) one.set_value(5);
    CHECK(sum.get() == 20);
}

TEST_CASE("the last of many threads completes the whole", "[collect][pinned]") {
    within(120s, [] {
        for (int round = 0; round < 100; ++round) {
            promises p(30);
            auto all = collect(std::move(p.futures));
            std::vector<std::thread> setters;
            for (std::size_t t = 0; t < 3; ++t) {
                setters.emplace_back([&p, t] {
                    for (std::size_t i = t; i < 30; i += 3) {
                        p.promised[i].set_value(static_cast<int>(i));
                    }
                });
            }
            const auto values = all.get();
            for (auto& setter : setters) setter.join();
            for (std::size_t i = 0; i < 30; ++i) REQUIRE(values[i] == static_cast<int>(i));
        }
    });
}

TEST_CASE("one of a cancel and the last value wins", "[collect][pinned]") {
    within(120s, [] {
        for (int round = 0; round < 200; ++round) {
            promises p(2);
            auto all = collect(std::move(p.futures));
            std::thread setter([&] {
                try {
                    p.promised[0].set_value(1);
                    p.promised[1].set_value(1);
                } catch (const tandem::invalid_state&) {
                }
            });
            const bool cancelled = all.cancel();
            setter.join();
            REQUIRE(all.ready());
            REQUIRE(all.cancelled() == cancelled);
        }
    });
}

TEST_CASE("callbacks of a future see its value before it is collected", "[collect][pinned]") {
    within(120s, [] {
        for (int round = 0; round < 200; ++round) {
            promises<std::string> p(3);
            std::atomic<int> right{0};
            for (auto& f : p.futures) {
                f.on_done([&](const outcome<std::string>& result) {
                    std::this_thread::yield();
                    right += *result == std::string(40, 'z') ? 1 : 0;
                });
            }
            auto all = collect(std::move(p.futures));
            std::vector<std::thread> setters;
            for (auto& one : p.promised) {
                setters.emplace_back([&one] { one.set_value(std::string(40, 'z')); });
            }
            REQUIRE(all.get() == std::vector<std::string>(3, std::string(40, 'z')));
            for (auto& setter : setters) setter.join();
            REQUIRE(right == 3);
        }
    });
}

namespace {

// Each link is collected, with one that is ready, from the one before it.
future<void> collected_again_and_again(future<void> first) {
    for (int i = 0; i < long_chain / 4; ++i) {
        std::vector<future<void>> both;
        both.push_back(std::move(first));
        both.push_back(tandem::make_ready_future());
        first = collect(std::move(both));
    }
    return first;
}

}  // namespace

TEST_CASE("a long chain of collections needs no stack", "[collect]") {
    within(200s, [] {
        {
            promise<void> p;
            auto all = collected_again_and_again(p.get_future());
            p.set_value();
            CHECK(all.ready());
            CHECK_NOTHROW(all.get());
        }
        {
            promise<void> p;
            auto all = collected_again_and_again(p.get_future());
            p.set_exception(error("first"));
            CHECK_THROWS_WITH(all.get(), "first");
        }
        {
            promise<void> p;
            const auto all = collected_again_and_again(p.get_future());
            CHECK(all.cancel());
            CHECK_FALSE(p.start());
        }
        promise<void> p;
        auto all = collected_again_and_again(p.get_future());
        std::thread waiter([&] { all.wait(); });
        p.set_value();
        waiter.join();
        CHECK(all.ready());
    });
}
