// SPDX-License-Identifier: BSL-1.0
#include <tandem/sync/queue_producer.hpp>

#include <tandem/sync/queue.hpp>

#include "../support/catch.hpp"
#include "../support/within.hpp"

#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using tandem::queue;

TEST_CASE("the queue closes when the last producer handle goes", "[queue_producer]") {
    queue<int> q;
    {
        const auto first = q.producer();
        {
            const auto second = first;
            CHECK(second->push(1));
        }
        CHECK_FALSE(q.is_closed());
        CHECK((*first).push(2));
    }
    CHECK(q.is_closed());
    CHECK(q.pop() == 1);
    CHECK(q.pop() == 2);
    CHECK_FALSE(q.pop());
}

TEST_CASE("a handle that was moved from owns nothing", "[queue_producer]") {
    queue<int> q;
    auto first = q.producer();
    auto second = std::move(first);
    CHECK_FALSE(first);
    CHECK_THROWS_AS(first->push(1), tandem::invalid_state);
    first = second;
    CHECK(first);
    second.reset();
    second.reset();
    CHECK_FALSE(q.is_closed());
    queue<int> other;
    auto third = other.producer();
    first = std::move(third);
    CHECK(q.is_closed());
    CHECK_FALSE(other.is_closed());
    first = tandem::queue_producer<queue<int>>();
    CHECK(other.is_closed());
}

TEST_CASE("each producer has a handle, and the loop ends with the last",
          "[queue_producer][pinned]") {
    queue<int> q(4);
    int sum = 0;
    within(60s, [&] {
        std::vector<std::jthread> producers;
        auto handle = q.producer();
        for (int i = 0; i < 5; ++i) {
            producers.emplace_back([handle] {
                for (int k = 0; k < 100; ++k) handle->push(1);
            });
        }
        handle.reset();
        // A std::jthread keeps its function until it ends; the handles go with the functions.
        for (int item : q) sum += item;
    });
    CHECK(sum == 500);
}
