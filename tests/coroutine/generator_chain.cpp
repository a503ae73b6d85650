// SPDX-License-Identifier: BSL-1.0
#include <tandem/coroutine/generator_chain.hpp>

#include <tandem/coroutine/generator.hpp>

#include "../support/catch.hpp"
#include "../support/counted.hpp"
#include "../support/expect.hpp"
#include "../support/long_chain.hpp"
#include "../support/within.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using tandem::generator;
using tandem::generator_state;
using tandem::invalid_state;
using tandem::yield_from;

namespace {

std::exception_ptr error(const char* text) {
    return std::make_exception_ptr(std::runtime_error(text));
}

// Yields 0, then what it is sent, at the end of a chain of `depth` more generators.
generator<int, int, int> deep(int depth) {
    if (depth == 0) {
        int last = 0;
        while (last >= 0) last = co_yield last;
        co_return -last;
    }
    const int result = co_await yield_from(deep(depth - 1));
    co_return result + 1;
}

// Adds its number when it goes away.
class leaves_mark {
   public:
    leaves_mark(std::vector<int>& marks, int number) noexcept : marks_(marks), number_(number) {}
    leaves_mark(const leaves_mark&) = delete;
    leaves_mark& operator=(const leaves_mark&) = delete;
    ~leaves_mark() { marks_.push_back(number_); }

   private:
    std::vector<int>& marks_;
    int number_;
};
generator<int> marked(std::vector<int>& marks, int depth) {
    const leaves_mark mark(marks, depth);
    if (depth == 0) {
        co_yield 1;
        co_yield 2;
    } else {
        co_await yield_from(marked(marks, depth - 1));
    }
}

}  // namespace

TEST_CASE("a chain of a million generators needs no stack", "[generator_chain]") {
    within(100s, [] {
        auto g = deep(long_chain);
        CHECK(*g.next() == 0);
        for (int i = 1; i < 1000; ++i) REQUIRE(*g.send(i) == i);
        CHECK(g.send(-5) == nullptr);
        CHECK(g.result() == long_chain + 5);
    });
}

TEST_CASE("an exception goes up a long chain, and may be raised at its end", "[generator_chain]") {
    within(100s, [] {
        const int depth = long_chain / 100;
        auto g = deep(depth);
        g.next();
        CHECK_THROWS_AS(g.raise(error("at the leaf")), std::runtime_error);
        CHECK(g.state() == generator_state::closed);
        CHECK(g.next() == nullptr);
    });
}

TEST_CASE("a suspended chain is destroyed innermost first, each once", "[generator_chain]") {
    within(100s, [] {
        for (const bool close : {true, false}) {
            std::vector<int> marks;
            marks.reserve(long_chain + 1);
            {
                auto g = marked(marks, long_chain);
                g.next();
                CHECK(marks.empty());
                if (close) {
                    g.close();
                    CHECK(marks.size() == long_chain + 1);
                }
            }
            CHECK(marks.size() == long_chain + 1);
            CHECK(std::ranges::is_sorted(marks));
        }
    });
}

TEST_CASE("to resume costs the same at any depth", "[generator_chain]") {
    if (TANDEM_ASAN || TANDEM_TSAN) return;
    const auto best_of = [](generator<int, int, int>& g) {
        auto best = std::chrono::nanoseconds::max();
        for (int round = 0; round < 50; ++round) {
            const auto start = std::chrono::steady_clock::now();
            for (int i = 0; i < 10'000; ++i) g.send(i);
            best =
                std::min<std::chrono::nanoseconds>(best, std::chrono::steady_clock::now() - start);
        }
        return static_cast<double>(best.count());
    };
    auto shallow = deep(0);
    auto bottomless = deep(1'000'000);
    shallow.next();
    bottomless.next();
    // A moment in which the machine is busy must not count: the best ratio of several.
    double ratio = 1e9;
    for (int attempt = 0; attempt < 20 && ratio > 1.5; ++attempt) {
        ratio = std::min(ratio, best_of(bottomless) / best_of(shallow));
    }
    CHECK(ratio <= 1.5);
}

namespace {

generator<int, int, int> at_once(int x) { co_return x; }
generator<int, int, int> after_a_yield(int x) {
    const int sent = co_yield x;
    co_return sent;
}
generator<int, int, long> many(int count) {
    long sum = 0;
    co_yield 0;
    for (int i = 0; i < count; ++i) sum += co_await yield_from(at_once(i));
    co_yield 1;
    for (int i = 0; i < count; ++i) sum += co_await yield_from(after_a_yield(i));
    co_return sum;
}

}  // namespace

TEST_CASE("a million delegates in turn inside one send", "[generator_chain]") {
    within(100s, [] {
        auto g = many(long_chain);
        CHECK(*g.next() == 0);
        CHECK(*g.send(0) == 1);
        CHECK(*g.send(0) == 0);  // the first that yields
        int count = 1;
        while (g.send(2)) ++count;
        CHECK(count == long_chain);
        const long n = long_chain;
        CHECK(g.result() == n * (n - 1) / 2 + 2 * n);
    });
}

TEST_CASE("delegates are recycled", "[generator_chain]") {
    if (TANDEM_ASAN) return;
    auto g = many(10'000);
    g.next();
    g.send(0);
    g.send(0);
    const auto made = tandem::detail::frame_pool::made();
    while (g.send(2)) {
    }
    CHECK(tandem::detail::frame_pool::made() == made);
}

namespace {

generator<int> numbers(int from, int to) {
    for (int i = from; i < to; ++i) co_yield i;
}
generator<int> twice_removed(generator<int>& inner) {
    co_yield 100;
    co_await yield_from(inner);
    co_yield 200;
}
generator<int, void, std::string> named(std::string name) {
    co_yield 1;
    co_return name;
}
generator<int> borrows(generator<int, void, std::string>& from, std::string& result) {
    std::string& returned = co_await yield_from(from);
    result = returned;
}

}  // namespace

TEST_CASE("what is lent cannot be resumed meanwhile", "[generator_chain]") {
    auto inner = numbers(0, 10);
    auto outer = twice_removed(inner);
    CHECK(*outer.next() == 100);
    CHECK(inner.state() == generator_state::created);
    CHECK(*outer.next() == 0);
    CHECK(inner.state() == generator_state::suspended);
    CHECK_THROWS_AS(inner.next(), invalid_state);
    CHECK_THROWS_AS(inner.close(), invalid_state);
    CHECK_THROWS_AS(inner.raise(error("no")), invalid_state);
    CHECK_THROWS_AS(*inner.begin(), invalid_state);
    CHECK_THROWS_AS(inner.result(), invalid_state);
    CHECK(*outer.next() == 1);

    auto second = twice_removed(inner);  // nor lent twice
    CHECK(*second.next() == 100);
    CHECK_THROWS_AS(second.next(), invalid_state);
    CHECK(*outer.next() == 2);
}

TEST_CASE("closing the outer generator leaves what is lent where it stands", "[generator_chain]") {
    auto inner = numbers(0, 10);
    auto middle = twice_removed(inner);
    auto outer = twice_removed(middle);
    for (const int expected : {100, 100, 0, 1}) CHECK(*outer.next() == expected);
    outer.close();
    CHECK(middle.state() == generator_state::suspended);
    CHECK_THROWS_AS(inner.next(), invalid_state);  // still lent to middle
    CHECK(*middle.next() == 2);
    middle.close();
    CHECK(*inner.next() == 3);

    {
        auto again = twice_removed(inner);
        CHECK(*again.next() == 100);
        CHECK(*again.next() == 4);
    }
    CHECK(*inner.next() == 5);
}

TEST_CASE("what an iterator shows is gone when the generator is lent", "[generator_chain]") {
    auto inner = numbers(0, 10);
    auto it = inner.begin();
    CHECK(*it == 0);
    {
        auto outer = twice_removed(inner);
        outer.next();
        CHECK(*outer.next() == 1);
        CHECK_THROWS_AS(*it, invalid_state);
        CHECK_THROWS_AS(it == inner.end(), invalid_state);
    }
    CHECK(*it == 2);
}

TEST_CASE("what is lent at the bottom of a long owned chain survives it", "[generator_chain]") {
    std::vector<int> marks;
    auto inner = marked(marks, 3);
    {
        auto outer = twice_removed(inner);
        outer.next();
        CHECK(*outer.next() == 1);
    }
    CHECK(marks.empty());
    CHECK(*inner.next() == 2);
    CHECK(inner.next() == nullptr);
    CHECK(marks == std::vector{0, 1, 2, 3});
}

TEST_CASE("what is lent ends for its owner too", "[generator_chain]") {
    auto inner = named("the result");
    std::string result;
    auto outer = borrows(inner, result);
    CHECK(*outer.next() == 1);
    CHECK(outer.next() == nullptr);
    CHECK(result == "the result");
    CHECK(inner.state() == generator_state::closed);
    CHECK(inner.result() == "the result");
    CHECK(inner.next() == nullptr);

    std::string again;
    auto late = borrows(inner, again);  // one that has ended gives its result at once
    CHECK(late.next() == nullptr);
    CHECK(again == "the result");
}

TEST_CASE("a lent generator's object may move, or go away first", "[generator_chain]") {
    auto inner = std::make_unique<generator<int>>(numbers(0, 4));
    auto outer = twice_removed(*inner);
    outer.next();
    CHECK(*outer.next() == 0);
    auto moved = std::move(*inner);
    inner.reset();
    CHECK(*outer.next() == 1);
    CHECK_THROWS_AS(moved.next(), invalid_state);
    moved = {};
    CHECK(*outer.next() == 2);
    CHECK(*outer.next() == 3);
    CHECK(*outer.next() == 200);
}

namespace {

generator<int> owns(generator<int> inner) {
    co_await yield_from(std::move(inner));
    co_yield 9;
    co_await yield_from(std::move(inner));  // is empty now
    co_yield 10;
}
generator<int> wants_result(generator<int, void, std::string> inner) {
    const auto result = co_await yield_from(std::move(inner));
    co_yield static_cast<int>(result.size());
}

}  // namespace

TEST_CASE("a generator that has begun may be given away with its chain", "[generator_chain]") {
    std::vector<int> marks;
    auto inner = marked(marks, 2);
    CHECK(*inner.next() == 1);
    auto outer = owns(std::move(inner));
    CHECK(inner.state() == generator_state::closed);
    CHECK(*outer.next() == 2);
    CHECK(*outer.next() == 9);
    CHECK(marks == std::vector{0, 1, 2});
    CHECK(*outer.next() == 10);
    CHECK(outer.next() == nullptr);
}

TEST_CASE("a delegate that has ended gives its result, a closed one has none",
          "[generator_chain]") {
    auto inner = named("four");
    while (inner.next()) {
    }
    auto outer = wants_result(std::move(inner));
    CHECK(*outer.next() == 4);

    auto closed = named("four");
    closed.close();
    auto fails = wants_result(std::move(closed));
    CHECK_THROWS_AS(fails.next(), invalid_state);
}

namespace {

generator<int> in_a_circle(generator<int>*& other) {
    co_yield 0;
    co_await yield_from(*other);
    co_yield 1;
}

}  // namespace

TEST_CASE("a circle of delegations is refused", "[generator_chain]") {
    generator<int>* to_a = nullptr;
    generator<int>* to_b = nullptr;
    auto a = in_a_circle(to_b);
    auto b = in_a_circle(to_a);
    to_a = &a;
    to_b = &b;
    CHECK(*a.next() == 0);
    CHECK(*a.next() == 0);  // b's
    CHECK_THROWS_AS(a.next(), invalid_state);
    CHECK(a.state() == generator_state::closed);
    CHECK(b.state() == generator_state::closed);

    auto self = in_a_circle(to_a);
    to_a = &self;
    CHECK(*self.next() == 0);
    CHECK_THROWS_AS(self.next(), invalid_state);
}

TEST_CASE("a suspended chain goes on, and away, in other threads", "[generator_chain]") {
    std::vector<int> marks;
    auto g = marked(marks, 50);
    CHECK(*g.next() == 1);
    expectations expect;
    std::thread([&] { expect(*g.next() == 2); }).join();
    std::thread([&, moved = std::move(g)]() mutable { moved.close(); }).join();
    CHECK(marks.size() == 51);
    CHECK(expect.failures() == "");
}
