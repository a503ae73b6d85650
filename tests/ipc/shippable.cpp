// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/shippable.hpp>

#include "support/catch.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

using tandem::bitwise;
using tandem::fn;
using tandem::shippable;

namespace {

int twice(int x) { return 2 * x; }
struct stateless {
    int operator()(int x) const { return x; }
};
struct with_state {
    int state;
    int operator()(int x) const { return x + state; }
};
struct holds_view {
    std::string_view text;
};
struct member {
    int value = 0;
    int get() const { return value; }
};
struct no_default {
    explicit no_default(int) {}
    int operator()() const { return 1; }
};

constexpr auto lambda = [](int x) { return x; };
using lambda_type = decltype(lambda);
int captured = 1;
const auto capturing = [c = captured](int x) { return x + c; };
using capturing_type = decltype(capturing);

}  // namespace

TEST_CASE("functions, stateless callables, fn and bitwise may be shipped", "[shippable]") {
    STATIC_REQUIRE(shippable<decltype(twice), int>);
    STATIC_REQUIRE(shippable<decltype(&twice), int>);
    STATIC_REQUIRE(shippable<stateless, int>);
    STATIC_REQUIRE(shippable<const stateless&, int&>);
    STATIC_REQUIRE(shippable<lambda_type, int>);
    STATIC_REQUIRE(shippable<decltype(fn<twice>), int>);
    STATIC_REQUIRE(shippable<decltype(bitwise(capturing)), int>);
    CHECK(bitwise(capturing)(4) == 5);
    CHECK(fn<twice>(4) == 8);
    CHECK(fn<&member::get>(member{3}) == 3);
}

TEST_CASE("callables with state, members and wrappers may not be shipped", "[shippable]") {
    STATIC_REQUIRE_FALSE(shippable<capturing_type, int>);
    STATIC_REQUIRE_FALSE(shippable<with_state, int>);
    STATIC_REQUIRE_FALSE(shippable<std::function<int(int)>, int>);
    STATIC_REQUIRE_FALSE(shippable<decltype(&member::get), member>);
    STATIC_REQUIRE_FALSE(shippable<no_default>);
    STATIC_REQUIRE_FALSE(shippable<std::reference_wrapper<const stateless>, int>);
}

TEST_CASE("arguments and results that refer to memory may not be shipped, at any depth",
          "[shippable]") {
    const auto take = [](const auto&) {};
    using taker = decltype(take);
    STATIC_REQUIRE(shippable<taker, int>);
    STATIC_REQUIRE(shippable<taker, std::vector<std::optional<std::tuple<std::string, int>>>>);
    STATIC_REQUIRE(shippable<taker, std::unique_ptr<int>>);
    STATIC_REQUIRE_FALSE(shippable<taker, int*>);
    STATIC_REQUIRE_FALSE(shippable<taker, std::string_view>);
    STATIC_REQUIRE_FALSE(shippable<taker, std::span<int>>);
    STATIC_REQUIRE_FALSE(shippable<taker, holds_view>);
    STATIC_REQUIRE_FALSE(shippable<taker, std::vector<holds_view>>);
    STATIC_REQUIRE_FALSE(shippable<taker, std::reference_wrapper<int>>);
    STATIC_REQUIRE_FALSE(shippable<taker, std::shared_ptr<int>>);
    STATIC_REQUIRE_FALSE(shippable<decltype([] { return std::string_view("x"); })>);
    STATIC_REQUIRE_FALSE(shippable<decltype([] { return std::vector<holds_view>(); })>);
    STATIC_REQUIRE_FALSE(shippable<decltype([] { return static_cast<int*>(nullptr); })>);
    STATIC_REQUIRE(shippable<decltype([] {})>);
}

TEST_CASE("a string literal ships as a string; a parameter may view what arrives", "[shippable]") {
    STATIC_REQUIRE(shippable<decltype([](std::string s) { return s; }), const char(&)[4]>);
    STATIC_REQUIRE(shippable<decltype([](std::string_view s) { return s.size(); }), std::string>);
    STATIC_REQUIRE_FALSE(shippable<decltype([](const char* s) { return *s; }), const char*>);
}

TEST_CASE("a callable that does not take the arguments is not shippable with them", "[shippable]") {
    STATIC_REQUIRE_FALSE(shippable<stateless, std::string>);
    STATIC_REQUIRE_FALSE(shippable<stateless>);
    STATIC_REQUIRE_FALSE(shippable<decltype([](int& x) { ++x; }), int>);
    STATIC_REQUIRE(shippable<decltype([](std::stop_token, int x) { return x; }), int>);
}
