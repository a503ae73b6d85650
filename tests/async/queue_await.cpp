// SPDX-License-Identifier: BSL-1.0
#include <tandem/async/queue_await.hpp>

#include "tools.hpp"

#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace async_tests;
using tandem::async_pop;
using tandem::async_push;
using tandem::queue;
using tandem::task;

namespace {

task<int> takes(queue<int>& from, frame_mark = {}) {
    const auto got = co_await async_pop(from);
    co_return got.value_or(-1);
}
task<bool> gives(queue<int>& to, int x, frame_mark = {}) { co_return co_await async_push(to, x); }

}  // namespace

TEST_CASE("tasks of one loop hand over items", "[queue_await]") {
    const auto main = []() -> task<> {
        queue<int> items(2);
        const auto produces = [](queue<int>& to) -> task<> {
            for (int i = 0; i < 100; ++i) {
                const bool is_in = co_await async_push(to, i);
                CHECK(is_in);
            }
            to.close();
        };
        auto producer = tandem::spawn(produces(items));
        int next = 0;
        while (auto item = co_await async_pop(items)) CHECK(*item == next++);
        CHECK(next == 100);
        co_await std::move(producer);
        const bool refused = !co_await async_push(items, 1);
        CHECK(refused);
    };
    run(main());
}

TEST_CASE("threads and tasks use a queue together", "[queue_await]") {
    constexpr int each = 2000;
    const auto main = []() -> task<> {
        queue<int> there(4);
        queue<std::unique_ptr<int>> back(4);
        std::vector<std::thread> threads;
        std::atomic<int> left{2};
        for (int t = 0; t < 2; ++t) {
            threads.emplace_back([&] {
                while (auto item = there.pop()) back.push(std::make_unique<int>(*item));
                if (--left == 0) back.close();
            });
        }
        const auto produces = [](queue<int>& to) -> task<> {
            for (int i = 0; i < each; ++i) co_await async_push(to, i);
            to.close();
        };
        auto producer = tandem::spawn(produces(there));
        long sum = 0;
        while (auto item = co_await async_pop(back)) sum += **item;
        CHECK(sum == each * (each - 1L) / 2);
        co_await std::move(producer);
        for (auto& one : threads) one.join();
    };
    run(main());
}

TEST_CASE("two loops use a queue together", "[queue_await]") {
    queue<int> items(1);
    std::thread other([&] {
        const auto produces = [](queue<int>& to) -> task<> {
            for (int i = 0; i < 500; ++i) co_await async_push(to, i);
            to.close();
        };
        tandem::sync_wait(produces(items));
    });
    const auto consumes = [](queue<int>& from) -> task<int> {
        int sum = 0;
        while (auto item = co_await async_pop(from)) sum += *item;
        co_return sum;
    };
    CHECK(run(consumes(items)) == 500 * 499 / 2);
    other.join();
}

TEST_CASE("a popper that is cancelled takes nothing, whenever it is", "[queue_await]") {
    const auto main = []() -> task<> {
        for (int moment = 0; moment < 6; ++moment) {
            queue<int> items;
            auto first = tandem::spawn(takes(items));
            auto second = tandem::spawn(takes(items));
            std::thread pushes;
            for (int i = 0; i < 6; ++i) {
                if (i == 2) pushes = std::thread([&] { items.push(7); });
                if (i == moment) first.cancel();
                co_await tandem::yield_now();
            }
            pushes.join();
            while (!first.done()) co_await tandem::yield_now();
            int got = -1;
            try {
                got = co_await std::move(first);
            } catch (const tandem::cancelled_error&) {
            }
            if (got == 7) {
                items.close();
                const int other = co_await std::move(second);
                CHECK(other == -1);
            } else {
                const int other = co_await std::move(second);
                CHECK(other == 7);
            }
        }
    };
    run(main());
}

TEST_CASE("a pusher that is cancelled pushed nothing", "[queue_await]") {
    const auto main = []() -> task<> {
        queue<int> items(1);
        items.push(1);
        auto waits = tandem::spawn(gives(items, 2));
        co_await tandem::yield_now();
        waits.cancel();
        co_await tandem::yield_now();
        CHECK(waits.done());
        const int got = co_await takes(items);
        CHECK(got == 1);
        CHECK(items.empty());
    };
    run(main());
}

TEST_CASE("a close wakes all that wait, with its reason", "[queue_await]") {
    const auto main = []() -> task<> {
        queue<int> items(1);
        auto pops = tandem::spawn(takes(items));
        co_await tandem::yield_now();
        items.close();
        const int ended = co_await std::move(pops);
        CHECK(ended == -1);

        queue<int> full(1);
        full.push(1);
        auto pushes = tandem::spawn(gives(full, 2));
        co_await tandem::yield_now();
        full.close();
        const bool is_in = co_await std::move(pushes);
        CHECK_FALSE(is_in);

        queue<int> fails;
        auto waits = tandem::spawn(failure_of(takes(fails)));
        co_await tandem::yield_now();
        fails.close(std::make_exception_ptr(std::runtime_error("reason")));
        const auto failure = co_await std::move(waits);
        CHECK(failure == "reason");
    };
    run(main());
}

TEST_CASE("who waits for a queue is destroyed with its loop", "[queue_await]") {
    queue<int> items;
    for (int k = 0; k < 3; ++k) {
        {
            tandem::event_loop loop;
            loop.spawn(takes(items));
            loop.spawn(takes(items));
            loop.poll_once();
            if (k == 1) items.push(1);
            if (k == 2) {
                items.push(1);
                items.push(2);
                loop.poll_once();
            }
        }
        CHECK(frame_mark::alive == 0);
    }
}
