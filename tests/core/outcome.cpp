// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/outcome.hpp>

#include "../support/catch.hpp"

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

using tandem::outcome;

namespace {

struct no_default {
    explicit no_default(int v) : value(v) {}
    int value;
};
struct throws_on_move {
    throws_on_move() = default;
    throws_on_move(const throws_on_move&) = delete;
    throws_on_move(throws_on_move&&) { throw std::runtime_error("move"); }
};

}  // namespace

TEST_CASE("an outcome holds nothing at first", "[outcome]") {
    outcome<int> result;
    CHECK(result.empty());
    CHECK_FALSE(result);
    CHECK_FALSE(result.has_value());
    CHECK_FALSE(result.cancelled());
    CHECK(result.error() == nullptr);
    CHECK_THROWS_AS(result.value(), tandem::invalid_state);
    CHECK_THROWS_AS(*result, tandem::invalid_state);
}

TEST_CASE("an outcome holds the value that a call returned", "[outcome]") {
    outcome<std::string> result;
    result.capture([](int n) { return std::string(static_cast<std::size_t>(n), 'x'); }, 3);
    REQUIRE(result);
    CHECK(result.has_value());
    CHECK_FALSE(result.empty());
    CHECK(result.value() == "xxx");
    CHECK(*result == "xxx");
    CHECK(std::as_const(result).value() == "xxx");
    CHECK(result.error() == nullptr);
    result.value() += "y";
    CHECK(*std::as_const(result) == "xxxy");
}

TEST_CASE("an outcome holds the exception that a call threw, and value() throws it", "[outcome]") {
    outcome<int> result;
    result.capture([]() -> int { throw std::out_of_range("too far"); });
    CHECK_FALSE(result);
    CHECK_FALSE(result.empty());
    CHECK(result.error() != nullptr);
    CHECK_THROWS_AS(result.value(), std::out_of_range);
    CHECK_THROWS_WITH(result.value(), "too far");
    CHECK_THROWS_AS(std::move(result).value(), std::out_of_range);
}

TEST_CASE("what is thrown need not be a std::exception", "[outcome]") {
    outcome<void> result;
    result.capture([] { throw 5; });
    CHECK_THROWS_AS(result.value(), int);
    CHECK_FALSE(result.cancelled());
}

TEST_CASE("an outcome of void knows whether the call returned", "[outcome]") {
    outcome<void> result;
    CHECK_THROWS_AS(result.value(), tandem::invalid_state);
    result.capture([] {});
    CHECK(result);
    CHECK_NOTHROW(result.value());
    CHECK_NOTHROW(*result);
    STATIC_REQUIRE(std::is_void_v<decltype(result.value())>);
}

TEST_CASE("an outcome of a reference refers to the same object", "[outcome]") {
    int object = 1;
    outcome<int&> result;
    result.capture([&]() -> int& { return object; });
    result.value() = 5;
    CHECK(object == 5);
    CHECK(&std::as_const(result).value() == &object);
    CHECK(&std::move(result).value() == &object);
    STATIC_REQUIRE(std::is_same_v<decltype(result.value()), int&>);
}

TEST_CASE("a move-only value is moved out of an rvalue", "[outcome]") {
    outcome<std::unique_ptr<int>> result;
    result.emplace(std::make_unique<int>(4));
    const auto taken = std::move(result).value();
    REQUIRE(taken);
    CHECK(*taken == 4);
}

TEST_CASE("a value needs no default constructor", "[outcome]") {
    outcome<no_default> result;
    result.emplace(3);
    CHECK(result.value().value == 3);
}

TEST_CASE("an exception may be the value", "[outcome]") {
    outcome<std::exception_ptr> result;
    result.emplace(std::make_exception_ptr(std::runtime_error("a value")));
    CHECK(result);
    CHECK(result.error() == nullptr);
}

TEST_CASE("a value that throws while it is moved in makes a failure", "[outcome]") {
    outcome<throws_on_move> result;
    result.capture([] { return throws_on_move(); });
    CHECK_FALSE(result);
    CHECK(result.error() != nullptr);
    CHECK_THROWS_WITH(result.value(), "move");
}

TEST_CASE("only cancelled_error counts as a cancel", "[outcome]") {
    outcome<int> result;
    result.fail(std::make_exception_ptr(tandem::cancelled_error()));
    CHECK(result.cancelled());
    result.fail(std::make_exception_ptr(tandem::timeout_error()));
    CHECK_FALSE(result.cancelled());
    result.emplace(1);
    CHECK_FALSE(result.cancelled());
    CHECK(result.error() == nullptr);
}

TEST_CASE("copies of an outcome are independent", "[outcome]") {
    outcome<std::string> result;
    result.emplace("one");
    auto copy = result;
    copy.value() = "two";
    CHECK(*result == "one");
    CHECK(*copy == "two");
}

TEST_CASE("an exception that is taken out leaves nothing", "[outcome]") {
    outcome<int> result;
    result.capture([]() -> int { throw std::out_of_range("far"); });
    CHECK_THROWS_AS(std::move(result).value(), std::out_of_range);
    CHECK(result.empty());
    CHECK_THROWS_AS(result.value(), tandem::invalid_state);
    result.capture([]() -> int { throw std::out_of_range("far"); });
    CHECK(std::move(result).error() != nullptr);
    CHECK(result.empty());
    result.emplace(4);
    CHECK(std::move(result).error() == nullptr);
    CHECK(result.value() == 4);
}
