// SPDX-License-Identifier: BSL-1.0
#include <tandem/coroutine/async_generator.hpp>

#include "../async/tools.hpp"

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

using namespace async_tests;
using tandem::async_generator;
using tandem::task;

namespace {

async_generator<int> numbers_to(int n, frame_mark = {}) {
    for (int i = 0; i < n; ++i) {
        if (i % 2 == 0) co_await tandem::sleep_for(10us);
        co_yield i;
    }
}
async_generator<std::string> words(frame_mark = {}) {
    const std::string fixed = "fixed";
    co_yield fixed;
    std::string own = "own";
    co_yield own;
    CHECK(own == "changed");
    co_yield std::string("temporary");
}
async_generator<int> fails_at(int n, frame_mark = {}) {
    for (int i = 0;; ++i) {
        co_await tandem::yield_now();
        if (i == n) throw std::runtime_error("generator");
        co_yield i;
    }
}

}  // namespace

TEST_CASE("an async generator awaits and yields", "[async_generator]") {
    const auto main = []() -> task<> {
        int sum = 0, count = 0;
        auto numbers = numbers_to(10);
        while (const int* x = co_await numbers.next()) {
            sum += *x;
            ++count;
        }
        CHECK(sum == 45);
        CHECK(count == 10);
        const bool ended = co_await numbers.next() == nullptr;
        CHECK(ended);
    };
    run(main());
}

TEST_CASE("an async generator yields what is its own, a copy, or a temporary",
          "[async_generator]") {
    const auto main = []() -> task<> {
        auto all = words();
        std::string* word = co_await all.next();
        CHECK(*word == "fixed");
        word = co_await all.next();
        CHECK(*word == "own");
        *word = "changed";
        word = co_await all.next();
        CHECK(*word == "temporary");
    };
    run(main());
}

TEST_CASE("an async generator that throws is at its end", "[async_generator]") {
    const auto main = []() -> task<> {
        auto numbers = fails_at(2);
        const auto takes_all = [](async_generator<int>& g, int& n) -> task<> {
            while (co_await g.next()) ++n;
        };
        int count = 0;
        const auto failure = co_await failure_of(takes_all(numbers, count));
        CHECK(failure == "generator");
        CHECK(count == 2);
        const bool ended = co_await numbers.next() == nullptr;
        CHECK(ended);
    };
    run(main());
}

TEST_CASE("a cancel meets what the generator awaits", "[async_generator]") {
    const auto main = []() -> task<> {
        const auto slow = [](frame_mark) -> async_generator<int> {
            co_await tandem::sleep_for(1h);
            co_yield 1;
        };
        const auto takes = [](auto make) -> task<> {
            auto g = make(frame_mark());
            co_await g.next();
        };
        auto handle = tandem::spawn(takes(slow));
        co_await tandem::yield_now();
        handle.cancel();
        co_await tandem::yield_now();
        CHECK(handle.done());
    };
    run(main());
}

TEST_CASE("aclose lets a generator await its end", "[async_generator]") {
    const auto main = []() -> task<> {
        std::string log;
        const auto opens = [](std::string& to, bool stubborn) -> async_generator<int> {
            try {
                co_yield 1;
                co_yield 2;
            } catch (const tandem::cancelled_error&) {
                to += "closing ";
            }
            co_await tandem::sleep_for(1ms);
            to += "closed ";
            if (stubborn) co_yield 3;
        };
        auto g = opens(log, false);
        co_await g.next();
        co_await g.aclose();
        CHECK(log == "closing closed ");
        const bool ended = co_await g.next() == nullptr;
        CHECK(ended);
        co_await g.aclose();

        auto unbegun = opens(log, false);
        co_await unbegun.aclose();
        const bool never = co_await unbegun.next() == nullptr;
        CHECK(never);

        auto bad = opens(log, true);
        co_await bad.next();
        const auto closes = [](async_generator<int>& g2) -> task<> { co_await g2.aclose(); };
        const auto failure = co_await failure_of(closes(bad));
        CHECK(failure == "the generator yields although it is closed");
    };
    run(main());
}

TEST_CASE("two tasks cannot ask at once", "[async_generator]") {
    const auto main = []() -> task<> {
        auto g = numbers_to(3);
        const auto takes = [](async_generator<int>& from) -> task<> { co_await from.next(); };
        auto first = tandem::spawn(takes(g));
        co_await tandem::yield_now();
        const auto failure = co_await failure_of(takes(g));
        CHECK(failure == "the generator is asked for its next value already");
        co_await std::move(first);
        const int* second = co_await g.next();
        REQUIRE(second);
        CHECK(*second == 1);
    };
    run(main());
}

TEST_CASE("a generator that outlives who was waiting for it is at its end", "[async_generator]") {
    std::optional<async_generator<int>> kept(numbers_to(3));
    {
        tandem::event_loop loop;
        const auto takes = [](async_generator<int>& from, frame_mark) -> task<> {
            co_await from.next();
        };
        loop.spawn(takes(*kept, frame_mark()));
        loop.poll_once();
    }
    const auto asks = [](async_generator<int>& from) -> task<bool> {
        co_return co_await from.next() == nullptr;
    };
    within(60s, [&] { CHECK(tandem::sync_wait(asks(*kept))); });
    kept.reset();
    CHECK(frame_mark::alive == 0);
}
