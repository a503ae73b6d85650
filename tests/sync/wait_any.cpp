// SPDX-License-Identifier: BSL-1.0
#include <tandem/sync/wait_any.hpp>

#include <tandem/sync/queue.hpp>

#include "../support/catch.hpp"
#include "../support/expect.hpp"
#include "../support/within.hpp"

#include <chrono>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using tandem::queue;
using tandem::wait_any;

TEST_CASE("wait_any waits until its time is over", "[wait_any]") {
    queue<int> a, b;
    const auto before = std::chrono::steady_clock::now();
    CHECK(wait_any(20ms, a, b) == std::nullopt);
    CHECK(std::chrono::steady_clock::now() - before >= 20ms);
    CHECK(wait_any(-1s, a) == std::nullopt);
}

TEST_CASE("wait_any is told of an item and of a close", "[wait_any][pinned]") {
    for (int round = 0; round < 100; ++round) {
        queue<int> a, b;
        within(60s, [&] {
            {
                std::jthread other([&] { b.push(1); });
                CHECK(wait_any(tandem::deadline::never(), a, b) == 1U);
            }
            b.pop();
            {
                std::jthread other([&] { a.close(); });
                CHECK(wait_any(tandem::deadline::never(), a, b) == 0U);
            }
        });
    }
}

TEST_CASE("wait_any takes no wake-up away from those that pop", "[wait_any][pinned]") {
    expectations expect;
    for (int round = 0; round < 100; ++round) {
        queue<int> q, other;
        within(60s, [&] {
            std::jthread choosing([&] { wait_any(tandem::deadline::never(), other, q); });
            std::jthread popping([&] { expect(q.pop() == 1); });
            q.push(1);
            popping.join();
            other.close();
        });
    }
    CHECK(expect.failures() == "");
}

TEST_CASE("wait_any by several threads tells all of them", "[wait_any][pinned]") {
    expectations expect;
    queue<int> a, b;
    within(60s, [&] {
        std::vector<std::jthread> all;
        for (int i = 0; i < 4; ++i) all.emplace_back([&] { expect(wait_any(1h, a, b) == 1U); });
        b.push(1);
    });
    CHECK(expect.failures() == "");
}

TEST_CASE("wait_any may name a queue twice", "[wait_any]") {
    queue<int> a;
    CHECK(wait_any(1ms, a, a) == std::nullopt);
    a.push(1);
    CHECK(wait_any(1ms, a, a) == 0U);
}
