// SPDX-License-Identifier: BSL-1.0
#include <tandem/sync/synchronized_value.hpp>

#include "../support/catch.hpp"
#include "../support/within.hpp"

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using tandem::synchronized_value;

static_assert(!std::is_copy_constructible_v<synchronized_value<int>>);
static_assert(
    std::is_same_v<decltype(*std::declval<const synchronized_value<int>&>().lock()), const int&>);

static_assert(std::is_convertible_v<const char*, synchronized_value<std::string>>);
static_assert(!std::is_convertible_v<std::size_t, synchronized_value<std::vector<int>>>);

TEST_CASE("apply gives access to the value and returns what the function does",
          "[synchronized_value]") {
    synchronized_value<std::string> text("abc");
    CHECK(text.apply([](std::string& s) {
        s += 'd';
        return s.size();
    }) == 4);
    const auto& constant = text;
    CHECK(constant.apply([](const std::string& s) { return s; }) == "abcd");
    CHECK(text.apply(&std::string::size) == 4);
    text.apply([](std::string& s) { s.clear(); });
    CHECK(text.lock()->empty());
}

TEST_CASE("a value may be made in place, and be move-only or immovable", "[synchronized_value]") {
    synchronized_value<std::vector<int>> three(std::size_t{3}, 7);
    CHECK(three.lock()->size() == 3);
    synchronized_value<int> zero;
    CHECK(*zero.lock() == 0);
    synchronized_value deduced = 5;
    CHECK(*deduced.lock() == 5);
    synchronized_value<std::unique_ptr<int>> pointer(std::make_unique<int>(1));
    CHECK(**pointer.lock() == 1);
    synchronized_value<std::atomic<int>> immovable(2);
    CHECK(immovable.lock()->load() == 2);
}

TEST_CASE("the lock is held as long as the pointer lives", "[synchronized_value]") {
    synchronized_value<int> value(1);
    within(60s, [&] {
        std::jthread other;
        auto locked = value.lock();
        other = std::jthread([&] { value.apply([](int& x) { x *= 10; }); });
        for (int i = 0; i < 1000; ++i) ++*locked;
    });
    CHECK(*value.lock() == 10010);
}

TEST_CASE("the lock is let go when the function throws", "[synchronized_value]") {
    synchronized_value<int> value(1);
    CHECK_THROWS_WITH(value.apply([](int&) { throw std::runtime_error("no"); }), "no");
    within(10s, [&] { CHECK(*value.lock() == 1); });
}

TEST_CASE("no update is lost", "[synchronized_value][pinned]") {
    synchronized_value<int> count(0);
    within(60s, [&] {
        std::vector<std::jthread> all;
        for (int i = 0; i < 5; ++i) {
            all.emplace_back([&] {
                for (int k = 0; k < 10'000; ++k) count.apply([](int& n) { ++n; });
            });
        }
    });
    CHECK(*count.lock() == 50'000);
}

TEST_CASE("apply on several values locks all, in whatever order they are named",
          "[synchronized_value][pinned]") {
    synchronized_value<int> a(1000), b(1000);
    const synchronized_value<int> one(1);
    const auto transfer = [](int& from, int& to, const int& amount) {
        from -= amount;
        to += amount;
        return from + to;
    };
    bool always = true;
    within(60s, [&] {
        std::jthread there([&] {
            for (int i = 0; i < 5000; ++i) tandem::apply(transfer, a, b, one);
        });
        for (int i = 0; i < 5000; ++i) always &= apply(transfer, b, a, one) == 2000;
    });
    CHECK(always);
    CHECK(*a.lock() == 1000);
    CHECK(apply([](int x) { return x; }, b) == 1000);
}

TEST_CASE("apply refuses the same value twice, rather than wait for itself",
          "[synchronized_value]") {
    synchronized_value<int> a(1), b(2);
    const auto sum = [](auto... x) { return (x + ...); };
    CHECK_THROWS_AS(apply(sum, a, a), tandem::invalid_state);
    CHECK_THROWS_AS(apply(sum, b, a, a), tandem::invalid_state);
    CHECK_THROWS_AS(apply(sum, a, b, a), tandem::invalid_state);
    CHECK(apply(sum, a, b) == 3);
}
