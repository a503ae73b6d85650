// SPDX-License-Identifier: BSL-1.0
#include <tandem/coroutine/generator.hpp>

#include "../support/catch.hpp"
#include "../support/counted.hpp"

#include <algorithm>
#include <exception>
#include <list>
#include <map>
#include <memory>
#include <memory_resource>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using tandem::generator;
using tandem::generator_state;
using tandem::invalid_state;
using tandem::yield_from;

namespace {

std::exception_ptr error(const char* text) {
    return std::make_exception_ptr(std::runtime_error(text));
}

// Counts how often it is resumed.
generator<int> numbers(int count, int* resumed = nullptr) {
    for (int i = 0; i < count; ++i) {
        if (resumed) ++*resumed;
        co_yield i;
    }
    if (resumed) ++*resumed;
}
generator<int, int> minimize() {
    int current = co_yield 0;
    for (;;) {
        const int value = co_yield current;
        current = std::min(value, current);
    }
}

}  // namespace

TEST_CASE("a generator runs nothing before it is asked", "[generator]") {
    int resumed = 0;
    {
        auto g = numbers(3, &resumed);
        CHECK(resumed == 0);
        CHECK(g.state() == generator_state::created);
    }
    CHECK(resumed == 0);
}

TEST_CASE("next goes from yield to yield, and stays at the end", "[generator]") {
    auto g = numbers(3);
    for (int i = 0; i < 3; ++i) {
        CHECK(*g.next() == i);
        CHECK(g.state() == generator_state::suspended);
    }
    for (int i = 0; i < 3; ++i) CHECK(g.next() == nullptr);
    CHECK(g.state() == generator_state::closed);
    g.close();
    CHECK(g.next() == nullptr);
}

TEST_CASE("co_yield evaluates to what is sent", "[generator]") {
    auto g = minimize();
    g.next();
    CHECK(*g.send(10) == 10);
    CHECK(*g.send(4) == 4);
    CHECK(*g.send(22) == 4);
    CHECK(*g.send(-1) == -1);
    CHECK(*g.next() == -1);  // was sent int{}
}

TEST_CASE("a value cannot be sent before the first yield", "[generator]") {
    auto g = minimize();
    CHECK_THROWS_AS(g.send(1), invalid_state);
    CHECK(g.state() == generator_state::created);
    CHECK(g.next());
    g.close();
    CHECK(g.send(1) == nullptr);
}

TEST_CASE("an empty generator has ended", "[generator]") {
    generator<int> g;
    CHECK(g.state() == generator_state::closed);
    CHECK(g.next() == nullptr);
    CHECK(g.begin() == g.end());
    g.close();
    CHECK_THROWS_AS(g.raise(error("thrown")), std::runtime_error);
    CHECK_THROWS_AS(g.result(), invalid_state);
    generator<int, int> talks;
    CHECK(talks.send(1) == nullptr);
}

TEST_CASE("a generator moves while it is suspended", "[generator]") {
    auto g = numbers(5);
    CHECK(*g.next() == 0);
    auto moved = std::move(g);
    CHECK(g.next() == nullptr);
    CHECK(*moved.next() == 1);
    g = std::move(moved);
    CHECK(*g.next() == 2);
    std::vector<generator<int>> many;
    many.push_back(std::move(g));
    for (int i = 0; i < 100; ++i) many.emplace_back();
    CHECK(*many[0].next() == 3);
    auto& same = many[0];
    many[0] = std::move(same);
    CHECK(*many[0].next() == 4);
    STATIC_REQUIRE(!std::is_copy_constructible_v<generator<int>>);
    STATIC_REQUIRE(std::is_nothrow_move_constructible_v<generator<int>>);
    STATIC_REQUIRE(sizeof(generator<int>) == sizeof(void*));
}

// Iteration

TEST_CASE("a generator that is sent nothing is a view", "[generator]") {
    STATIC_REQUIRE(std::ranges::input_range<generator<int>>);
    STATIC_REQUIRE(std::ranges::view<generator<int>>);
    STATIC_REQUIRE(std::ranges::view<generator<const std::string&, void, int>>);
    STATIC_REQUIRE(!std::ranges::range<generator<int, int>>);
    STATIC_REQUIRE(!std::ranges::view<generator<int, int>>);
    std::vector<int> seen;
    for (int i : numbers(4)) seen.push_back(i);
    CHECK(seen == std::vector{0, 1, 2, 3});
}

TEST_CASE("view adaptors work, and fetch no more than they need", "[generator]") {
    int resumed = 0;
    std::vector<int> seen;
    for (int i : numbers(1000, &resumed) | std::views::take(3)) seen.push_back(i);
    CHECK(seen == std::vector{0, 1, 2});
    CHECK(resumed == 3);

    seen.clear();
    for (int i : numbers(10) | std::views::filter([](int n) { return n % 2 == 1; }) |
                     std::views::transform([](int n) { return n * n; }) | std::views::drop(1)) {
        seen.push_back(i);
    }
    CHECK(seen == std::vector{9, 25, 49, 81});
    auto g = numbers(100);
    CHECK(std::ranges::find(g, 42) != g.end());
    CHECK(*g.next() == 43);
    CHECK(std::ranges::distance(numbers(7)) == 7);
    std::vector<int> copied;
    std::ranges::copy(numbers(3), std::back_inserter(copied));
    CHECK(copied == std::vector{0, 1, 2});
}

TEST_CASE("begin twice does not skip", "[generator]") {
    auto g = numbers(10);
    CHECK(*g.begin() == 0);
    CHECK(*g.begin() == 0);
    auto it = g.begin();
    CHECK(it != g.end());
    CHECK(*it == 0);
    ++it;
    CHECK(*it == 1);
    CHECK(*g.begin() == 1);
    for (int i : g) {
        if (i == 3) break;
    }
    CHECK(*g.begin() == 3);  // the loop did not move on
    CHECK(*g.next() == 4);   // next does
    for (int i : g) {
        CHECK(i == 5);
        break;
    }
    it++;
    CHECK(*it == 6);
    // What take has shown is gone.
    for (int i : std::ranges::ref_view(g) | std::views::take(2)) CHECK(i >= 6);
    CHECK(*g.begin() == 8);
}

TEST_CASE("a loop ends when its generator is closed in it", "[generator]") {
    auto g = numbers(10);
    int count = 0;
    for (int i : g) {
        ++count;
        if (i == 2) g.close();
    }
    CHECK(count == 3);
}

TEST_CASE("an exception leaves the loop, and ends the generator", "[generator]") {
    const auto fails = []() -> generator<int> {
        co_yield 1;
        throw std::runtime_error("after 1");
    };
    auto g = fails();
    int last = 0;
    CHECK_THROWS_AS(
        [&] {
            for (int i : g) last = i;
        }(),
        std::runtime_error);
    CHECK(last == 1);
    CHECK(g.begin() == g.end());
}

// Return values

namespace {

generator<int, void, std::string> returns(std::string text, bool fails = false) {
    co_yield 1;
    if (fails) throw std::runtime_error(text);
    co_return text;
}

}  // namespace

TEST_CASE("result is what was returned", "[generator]") {
    auto g = returns("done");
    CHECK_THROWS_AS(g.result(), invalid_state);
    g.next();
    CHECK_THROWS_AS(g.result(), invalid_state);
    CHECK(g.next() == nullptr);
    CHECK(g.result() == "done");
    g.close();
    CHECK(g.result() == "done");
    CHECK(std::move(g).result() == "done");

    auto failed = returns("failed", true);
    failed.next();
    CHECK_THROWS_WITH(failed.next(), "failed");
    CHECK_THROWS_WITH(failed.result(), "failed");
    CHECK_THROWS_WITH(failed.result(), "failed");
    CHECK(failed.next() == nullptr);

    auto closed = returns("closed");
    closed.next();
    closed.close();
    CHECK_THROWS_AS(closed.result(), invalid_state);
}

// raise

TEST_CASE("raise throws where the generator waits", "[generator]") {
    const auto catches = []() -> generator<int> {
        for (int i = 0;; ++i) {
            try {
                co_yield i;
            } catch (const std::runtime_error&) {
                i += 100;
            }
        }
    };
    auto g = catches();
    CHECK(*g.next() == 0);
    CHECK(*g.raise(error("caught")) == 101);
    CHECK(*g.next() == 102);
    CHECK_THROWS_AS(g.raise(std::make_exception_ptr(1)), int);
    CHECK(g.state() == generator_state::closed);
    CHECK_THROWS_AS(g.raise(nullptr), std::invalid_argument);
}

TEST_CASE("raise into one that has not begun, or has ended", "[generator]") {
    int resumed = 0;
    auto g = numbers(3, &resumed);
    CHECK_THROWS_WITH(g.raise(error("first")), "first");
    CHECK(resumed == 0);
    CHECK(g.state() == generator_state::closed);
    CHECK(g.next() == nullptr);
    CHECK_THROWS_WITH(g.result(), "first");
    CHECK_THROWS_WITH(g.raise(error("second")), "second");
    CHECK_THROWS_WITH(g.result(), "first");
}

// Misuse

TEST_CASE("a running generator refuses to be resumed, raised into or closed", "[generator]") {
    int refused = 0;
    generator<int> g;
    const auto touches_itself = [&]() -> generator<int> {
        CHECK(g.state() == generator_state::running);
        for (int way = 0; way < 5; ++way) {
            try {
                if (way == 0) g.next();
                if (way == 1) g.raise(error("no"));
                if (way == 2) g.close();
                if (way == 3) static_cast<void>(*g.begin());
                if (way == 4) g.result();
            } catch (const invalid_state&) {
                ++refused;
            }
        }
        co_yield 7;
        try {
            g.next();
        } catch (const invalid_state&) {
            ++refused;
        }
    };
    g = touches_itself();
    CHECK(*g.next() == 7);
    CHECK(refused == 5);
    CHECK(g.next() == nullptr);
    CHECK(refused == 6);
}

// Lifetime

namespace {

generator<int, void, int> holds(counted parameter, int steps) {
    const counted local(1);
    int sum = 0;
    for (int i = 0; i < steps; ++i) {
        const counted inner(i);
        co_yield inner.value;
        sum += inner.value;
    }
    co_return sum + parameter.value;
}
generator<int, void, int> holds_deep(int depth, int steps) {
    const counted local(depth);
    const int below = depth == 0 ? co_await yield_from(holds(counted(1), steps))
                                 : co_await yield_from(holds_deep(depth - 1, steps));
    co_yield below;
    co_return below + local.value;
}

}  // namespace

TEST_CASE("everything is destroyed once, wherever the generator is dropped", "[generator]") {
    for (const bool close : {false, true}) {
        for (int steps = 0; steps < 12; ++steps) {
            counts::reset();
            {
                auto g = holds_deep(3, 4);
                for (int i = 0; i < steps; ++i) g.next();
                if (close && g.state() != generator_state::closed) {
                    g.close();
                    CHECK(counts::alive() == 0);
                }
            }
            CHECK(counts::alive() == 0);
        }
    }
}

TEST_CASE("an exception at each step is caught nowhere and leaks nothing", "[generator]") {
    for (int steps = 0; steps < 12; ++steps) {
        counts::reset();
        {
            auto g = holds_deep(3, 4);
            for (int i = 0; i < steps; ++i) g.next();
            CHECK_THROWS_WITH(g.raise(error("raised")), "raised");
            CHECK(g.state() == generator_state::closed);
        }
        CHECK(counts::alive() == 0);
    }
}

TEST_CASE("a copy that fails is an exception at that co_yield", "[generator]") {
    const auto yields = [](bool& caught) -> generator<counted> {
        counted mine(1);
        mine.throws_on_copy = true;
        try {
            co_yield mine;
        } catch (const std::runtime_error&) {
            caught = true;
        }
        co_yield counted(2);
    };
    counts::reset();
    {
        bool caught = false;
        auto g = yields(caught);
        CHECK(g.next()->value == 2);
        CHECK(caught);
    }
    CHECK(counts::alive() == 0);
}

// Delegation to a range

namespace {

generator<int> of_ranges(const std::vector<int>& lent) {
    co_await yield_from(lent);
    std::list<int> own(2, 7);
    co_await yield_from(std::move(own));
    co_await yield_from(std::views::iota(0) | std::views::take(2));
    co_await yield_from(std::vector<int>());
}
generator<std::string> of_conversions() {
    const char* words[] = {"a", "b"};
    co_await yield_from(words);
}
generator<int&> of_references(std::vector<int>& v) { co_await yield_from(v); }
generator<long, int, std::size_t> of_other_generators(generator<int>& lent) {
    co_await yield_from(numbers(3));
    co_await yield_from(lent);
    const std::string result = co_await yield_from(returns("result", false));
    co_return result.size();
}

}  // namespace

TEST_CASE("yield_from takes a range", "[generator]") {
    std::vector<int> lent{1, 2};
    std::vector<int> seen;
    for (int i : of_ranges(lent)) seen.push_back(i);
    CHECK(seen == std::vector{1, 2, 7, 7, 0, 1});

    std::string text;
    for (const auto& word : of_conversions()) text += word;
    CHECK(text == "ab");
    for (int& i : of_references(lent)) i *= 10;
    CHECK(lent == std::vector{10, 20});
}

TEST_CASE("a generator of another kind counts as a range", "[generator]") {
    auto three = numbers(3);
    three.next();
    three.next();
    auto g = of_other_generators(three);
    for (const long expected : {0, 1, 2, 2, 1}) CHECK(*g.next() == expected);
    CHECK(g.next() == nullptr);
    CHECK(g.result() == 6);
    CHECK(three.state() == generator_state::closed);
    auto refuses = of_other_generators(three);
    refuses.next();
    CHECK_THROWS_AS(refuses.send(1), invalid_state);
}

// Allocators

namespace {

using counting = counting_allocator<std::byte>;
using allocated = generator<int, void, int, counting>;

allocated with_default(int depth) {
    co_yield depth;
    if (depth > 0) co_await yield_from(with_default(depth - 1));
    co_return depth;
}
using pooled = generator<int, void, void, std::pmr::polymorphic_allocator<>>;
pooled with_resource(std::allocator_arg_t, std::pmr::polymorphic_allocator<> from, int count) {
    co_yield count;
    if (count > 0) co_await yield_from(with_resource(std::allocator_arg, from, count - 1));
}
struct owner {
    std::pmr::monotonic_buffer_resource* resource;
    int number = 5;
    pooled member(std::allocator_arg_t, std::pmr::polymorphic_allocator<>) { co_yield number; }
};
generator<int> mixes() {  // frames of several kinds in one chain
    co_await yield_from(with_default(1));
    co_await yield_from(numbers(2));
}

}  // namespace

TEST_CASE("frames come from the allocator that is given", "[generator]") {
    allocations::reset();
    {
        auto g = with_default(3);
        int count = 0;
        while (g.next()) ++count;
        CHECK(count == 4);
        CHECK(g.result() == 3);
        CHECK(allocations::made == 4);
        CHECK(allocations::freed == 3);
        std::vector<int> seen;
        for (int i : mixes()) seen.push_back(i);
        CHECK(seen == std::vector{1, 0, 0, 1});
    }
    CHECK(allocations::made == 6);
    CHECK(allocations::freed == 6);

    std::byte room[8192];
    std::pmr::monotonic_buffer_resource resource(room, sizeof room,
                                                 std::pmr::null_memory_resource());
    std::vector<int> seen;
    for (int i : with_resource(std::allocator_arg, &resource, 3)) seen.push_back(i);
    CHECK(seen == std::vector{3, 2, 1, 0});
    owner object{&resource};
    for (int i : object.member(std::allocator_arg, &resource)) CHECK(i == 5);
}

// What g++ 12 is known to get wrong elsewhere

namespace {

struct with_constructor {
    with_constructor(counted first, int second) : item(std::move(first)), number(second) {}
    counted item;
    int number;
};
struct plain {
    counted item;
    int number;
};
generator<with_constructor> yields_temporaries() {
    co_yield with_constructor(counted(1), 2);
    co_yield {counted(3), 4};
}
generator<plain> yields_named() {
    const plain named{counted(1), 2};
    co_yield named;
}
generator<int> takes(with_constructor by_value) { co_yield by_value.number; }
generator<int> passes_temporaries() {
    co_await yield_from(takes(with_constructor(counted(1), 2)));
    co_await yield_from(takes({counted(1), 3}));
    const counted captured(4);
    const auto named = [captured] { return captured.value; };
    const auto calls = [](auto f) -> generator<int> { co_yield f(); };
    co_await yield_from(calls(named));
}

}  // namespace

TEST_CASE("temporaries in co_yield and co_await are destroyed once", "[generator]") {
    counts::reset();
    {
        int sum = 0;
        for (const auto& x : yields_temporaries()) sum += x.item.value + x.number;
        for (const auto& x : yields_named()) sum += x.item.value + x.number;
        for (int x : passes_temporaries()) sum += x;
        CHECK(sum == 1 + 2 + 3 + 4 + 1 + 2 + 2 + 3 + 4);
    }
    CHECK(counts::alive() == 0);
}
