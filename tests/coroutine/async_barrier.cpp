// SPDX-License-Identifier: BSL-1.0
#include <tandem/coroutine/async_barrier.hpp>

#include "../async/tools.hpp"

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace async_tests;
using tandem::async_barrier;
using tandem::task;

namespace {

task<int> arrives(async_barrier& barrier, frame_mark = {}) { co_return co_await barrier.wait(); }

}  // namespace

TEST_CASE("a barrier opens when all have come, again and again", "[async_barrier]") {
    const auto main = []() -> task<> {
        async_barrier barrier(3);
        for (int round = 0; round < 3; ++round) {
            auto a = tandem::spawn(arrives(barrier));
            auto b = tandem::spawn(arrives(barrier));
            co_await tandem::yield_now();
            CHECK(barrier.waiting() == 2);
            const int last = co_await barrier.wait();
            CHECK(last == 2);
            const int first = co_await std::move(a);
            const int second = co_await std::move(b);
            CHECK(first == 0);
            CHECK(second == 1);
            CHECK(barrier.waiting() == 0);
        }
    };
    run(main());
    CHECK_THROWS_AS(async_barrier(0), std::invalid_argument);
}

TEST_CASE("one that is cancelled has not come", "[async_barrier]") {
    const auto main = []() -> task<> {
        async_barrier barrier(2);
        auto gone = tandem::spawn(arrives(barrier));
        co_await tandem::yield_now();
        gone.cancel();
        CHECK(barrier.waiting() == 0);
        auto a = tandem::spawn(arrives(barrier));
        co_await tandem::yield_now();
        CHECK_FALSE(a.done());
        co_await barrier.wait();
        co_await std::move(a);
    };
    run(main());
}

TEST_CASE("a barrier that is broken tells all", "[async_barrier]") {
    const auto main = []() -> task<> {
        async_barrier barrier(2);
        auto a = tandem::spawn(failure_of(arrives(barrier)));
        co_await tandem::yield_now();
        barrier.abort();
        CHECK(barrier.broken());
        auto failure = co_await std::move(a);
        CHECK(failure == "the barrier is broken");
        failure = co_await failure_of(arrives(barrier));
        CHECK(failure == "the barrier is broken");
        barrier.reset();
        auto b = tandem::spawn(failure_of(arrives(barrier)));
        co_await tandem::yield_now();
        barrier.reset();
        failure = co_await std::move(b);
        CHECK(failure == "the barrier is broken");
        CHECK_FALSE(barrier.broken());
    };
    run(main());
}
