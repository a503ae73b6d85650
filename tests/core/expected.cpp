// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/expected.hpp>

#include "../support/catch.hpp"

#include <any>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using tandem::expected;
using tandem::unexpected;

namespace {

enum class why { empty, closed };

// Copying or moving one of these throws when its fuse is lit.
struct fused {
    explicit fused(int v) : value(v) {}
    fused(const fused& other) : value(other.value) { check(); }
    fused(fused&& other) noexcept(false) : value(other.value) { check(); }
    fused& operator=(const fused& other) = default;
    ~fused() = default;
    static void check() {
        if (lit) throw std::runtime_error("fused");
    }
    int value;
    static inline bool lit = false;
};

struct lit_fuse {
    lit_fuse() { fused::lit = true; }
    ~lit_fuse() { fused::lit = false; }
    lit_fuse(const lit_fuse&) = delete;
    lit_fuse& operator=(const lit_fuse&) = delete;
};

struct no_default {
    explicit no_default(int v) : value(v) {}
    int value;
};

struct pinned {
    explicit pinned(int v) : value(v) {}
    pinned(const pinned&) = delete;
    pinned& operator=(const pinned&) = delete;
    int value;
};

// Throws when copied, so that an error can fail on its way into an expected.
struct throwing_error {
    throwing_error() = default;
    throwing_error(const throwing_error&) { throw std::runtime_error("copy of the error"); }
    throwing_error(throwing_error&&) noexcept = default;
    throwing_error& operator=(const throwing_error&) = default;
    throwing_error& operator=(throwing_error&&) noexcept = default;
    ~throwing_error() = default;
};

expected<int, why> half(int value) {
    if (value % 2 != 0) return unexpected(why::empty);
    return value / 2;
}

}  // namespace

TEST_CASE("an expected holds the value it was made from", "[expected]") {
    expected<int, why> four = half(8);
    CHECK(four.has_value());
    CHECK(four);
    CHECK(four.value() == 4);
    CHECK(*four == 4);
    *four = 5;
    CHECK(four.value() == 5);
}

TEST_CASE("an expected holds the error it was made from", "[expected]") {
    const expected<int, why> none = half(7);
    CHECK_FALSE(none.has_value());
    CHECK_FALSE(none);
    CHECK(none.error() == why::empty);
}

TEST_CASE("a default expected holds a default value", "[expected]") {
    expected<std::string, why> text;
    REQUIRE(text);
    CHECK(text->empty());
    STATIC_REQUIRE(!std::is_default_constructible_v<expected<no_default, why>>);
}

TEST_CASE("asking for the value of an error throws invalid_state", "[expected]") {
    expected<std::string, why> none = unexpected(why::closed);
    CHECK_THROWS_AS(none.value(), tandem::invalid_state);
    CHECK_THROWS_AS(std::as_const(none).value(), tandem::invalid_state);
    CHECK_THROWS_AS(std::move(none).value(), tandem::invalid_state);
    CHECK_THROWS_AS(*none, tandem::invalid_state);
    CHECK_THROWS_AS(none->size(), tandem::invalid_state);
    CHECK(none.error() == why::closed);
}

TEST_CASE("asking for the error of a value throws invalid_state", "[expected]") {
    expected<int, why> one = 1;
    CHECK_THROWS_AS(one.error(), tandem::invalid_state);
    CHECK_THROWS_AS(std::as_const(one).error(), tandem::invalid_state);
}

TEST_CASE("a move-only value is moved out", "[expected]") {
    expected<std::unique_ptr<int>, why> box = std::make_unique<int>(3);
    STATIC_REQUIRE(!std::is_copy_constructible_v<decltype(box)>);
    STATIC_REQUIRE(!std::is_copy_assignable_v<decltype(box)>);
    expected<std::unique_ptr<int>, why> other = std::move(box);
    box = unexpected(why::empty);
    box = std::move(other);
    std::unique_ptr<int> out = *std::move(box);
    CHECK(*out == 3);
    CHECK(*box == nullptr);
}

TEST_CASE("a move-only error is moved out", "[expected]") {
    expected<int, std::unique_ptr<int>> none = unexpected(std::make_unique<int>(3));
    std::unique_ptr<int> out = std::move(none).error();
    CHECK(*out == 3);
}

TEST_CASE("a value that cannot be moved is made in place", "[expected]") {
    expected<pinned, why> fixed(std::in_place, 6);
    CHECK(fixed->value == 6);
    STATIC_REQUIRE(!std::is_move_constructible_v<expected<pinned, why>>);
}

TEST_CASE("value and error may be of one type", "[expected]") {
    const expected<int, int> value = 1;
    const expected<int, int> error = unexpected(1);
    CHECK(value.has_value());
    CHECK_FALSE(error.has_value());
    CHECK_FALSE(value == error);
}

TEST_CASE("value_or gives the value, or what it was passed", "[expected]") {
    CHECK(half(8).value_or(-1) == 4);
    CHECK(half(7).value_or(-1) == -1);
    const auto none = half(7);
    CHECK(none.value_or(-2) == -2);
    expected<std::unique_ptr<int>, why> box = std::make_unique<int>(3);
    CHECK(*std::move(box).value_or(nullptr) == 3);
}

TEST_CASE("equality looks at what is held", "[expected]") {
    CHECK(half(8) == half(8));
    CHECK(half(8) != half(6));
    CHECK(half(8) != half(7));
    CHECK(half(7) == half(5));
    CHECK(half(7) != expected<int, why>(unexpected(why::closed)));
    CHECK(half(8) == 4);
    CHECK(4L == half(8));
    CHECK(half(8) != 5);
    CHECK(half(7) != 0);
    CHECK(half(7) == unexpected(why::empty));
    CHECK(half(7) != unexpected(why::closed));
    CHECK(half(8) != unexpected(why::empty));
}

TEST_CASE("types without equality make an expected without equality", "[expected]") {
    STATIC_REQUIRE(!std::equality_comparable<expected<no_default, why>>);
    STATIC_REQUIRE(std::equality_comparable<expected<std::vector<int>, std::string>>);
}

TEST_CASE("assignment goes from either state to either state", "[expected]") {
    using text = expected<std::string, std::string>;
    const text one = "one";
    const text two = "two";
    const text bad = unexpected("bad");
    const text worse = unexpected("worse");
    for (const text& from : {one, bad})
        for (const text& to : {two, worse}) {
            text copied = from;
            copied = to;
            CHECK(copied == to);
            text moved = from;
            moved = text(to);
            CHECK(moved == to);
        }
}

TEST_CASE("assigning an expected to itself changes nothing", "[expected]") {
    expected<std::string, std::string> text = "text";
    const auto& same = text;
    text = same;
    CHECK(text == std::string("text"));
}

TEST_CASE("an assignment that throws leaves the error in place", "[expected]") {
    expected<fused, std::string> target = unexpected("kept");
    expected<fused, std::string> source(std::in_place, 1);
    const lit_fuse lit;
    CHECK_THROWS_AS(target = source, std::runtime_error);
    REQUIRE_FALSE(target.has_value());
    CHECK(target.error() == "kept");
    CHECK_THROWS_AS(target = std::move(source), std::runtime_error);
    REQUIRE_FALSE(target.has_value());
    CHECK(target.error() == "kept");
}

TEST_CASE("an assignment that throws leaves the value in place", "[expected]") {
    expected<int, throwing_error> target = 1;
    const expected<int, throwing_error> source = unexpected(throwing_error());
    CHECK_THROWS_AS(target = source, std::runtime_error);
    REQUIRE(target.has_value());
    CHECK(*target == 1);
}

TEST_CASE("an expected of trivial types is passed as one", "[expected]") {
    STATIC_REQUIRE(std::is_trivially_copy_constructible_v<expected<int, why>>);
    STATIC_REQUIRE(std::is_trivially_destructible_v<expected<int, why>>);
    STATIC_REQUIRE(std::is_nothrow_move_assignable_v<expected<int, why>>);
}

TEST_CASE("conversions are implicit only where those of the value are", "[expected]") {
    STATIC_REQUIRE(std::is_convertible_v<const char*, expected<std::string, why>>);
    STATIC_REQUIRE(!std::is_convertible_v<int, expected<no_default, why>>);
    STATIC_REQUIRE(std::is_constructible_v<expected<no_default, why>, int>);
    STATIC_REQUIRE(!std::is_constructible_v<expected<std::string, why>, why>);
}

TEST_CASE("another expected does not become true", "[expected]") {
    STATIC_REQUIRE(!std::is_constructible_v<expected<bool, why>, expected<int, why>>);
}

TEST_CASE("a value that is made from anything does not swallow an error", "[expected]") {
    expected<std::any, why> none = unexpected(why::closed);
    CHECK_FALSE(none.has_value());
}
