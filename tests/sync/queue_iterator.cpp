// SPDX-License-Identifier: BSL-1.0
#include <tandem/sync/queue_iterator.hpp>

#include <tandem/sync/queue.hpp>

#include "../support/catch.hpp"
#include "../support/within.hpp"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <memory>
#include <numeric>
#include <ranges>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using tandem::queue;

static_assert(std::ranges::input_range<queue<int>>);
static_assert(std::ranges::input_range<queue<std::unique_ptr<int>>>);
static_assert(!std::ranges::forward_range<queue<int>>);
static_assert(std::is_same_v<std::ranges::range_reference_t<queue<int>>, int&>);

TEST_CASE("a loop over a queue ends when it is closed and drained", "[queue_iterator]") {
    queue<int> q;
    q.push_range(std::vector{1, 2, 3});
    q.close();
    std::vector<int> seen;
    for (int& item : q) seen.push_back(item);
    CHECK(seen == std::vector{1, 2, 3});
    CHECK(q.join(0s));
}

TEST_CASE("begin takes nothing", "[queue_iterator]") {
    queue<int> q;
    q.push(1);
    {
        auto it = q.begin();
        CHECK(q.size() == 1);
        CHECK(*it == 1);
        CHECK(*it == 1);  // still the same
        CHECK(q.empty());
        CHECK_FALSE(q.join(0s));
    }
    CHECK(q.join(0s));
}

TEST_CASE("take(3) takes three, also those that are not there yet", "[queue_iterator]") {
    static_assert(!std::ranges::sized_range<queue<int>>);
    queue<int> q;
    std::vector<int> seen;
    within(10s, [&] {
        std::jthread producer([&] { q.push_range(std::vector{1, 2, 3, 4}); });
        for (int item : q | std::views::take(3)) seen.push_back(item);
    });
    CHECK(seen == std::vector{1, 2, 3});
    CHECK(q.size() == 1);
}

TEST_CASE("take(3) takes three", "[queue_iterator]") {
    queue<int> q;
    q.push_range(std::vector{1, 2, 3, 4, 5});
    std::vector<int> seen;
    within(10s, [&] {
        for (int item : q | std::views::take(3)) seen.push_back(item);
    });
    CHECK(seen == std::vector{1, 2, 3});
    CHECK(q.size() == 2);
    q.close_and_discard();
    CHECK(q.join(0s));
}

TEST_CASE("a loop may be left by break or an exception, and the item is done", "[queue_iterator]") {
    queue<std::string> q;
    q.push_range(std::vector<std::string>{"a", "b", "c"});
    for (auto& item : q) {
        CHECK(item == "a");
        break;
    }
    try {
        for (auto& item : q) throw std::runtime_error(item);
    } catch (const std::runtime_error& e) {
        CHECK(std::string(e.what()) == "b");
    }
    CHECK_FALSE(q.join(0s));
    for (auto& item : q | std::views::take(1)) CHECK(item == "c");
    CHECK(q.join(0s));
    CHECK_THROWS_AS(q.task_done(), tandem::invalid_state);
}

TEST_CASE("an item is done when the loop goes on", "[queue_iterator]") {
    queue<std::shared_ptr<int>> q;
    const auto item = std::make_shared<int>(1);
    q.push(item);
    auto it = q.begin();
    CHECK(*it == item);
    CHECK(item.use_count() == 2);
    ++it;
    CHECK(item.use_count() == 1);
    CHECK(q.join(0s));
}

TEST_CASE("moving an iterator moves the item, which is done once", "[queue_iterator]") {
    queue<std::string> q;
    q.push("a");
    q.push("b");
    auto it = q.begin();
    CHECK(*it == "a");
    auto moved = std::move(it);
    CHECK(*moved == "a");
    CHECK_FALSE(q.join(0s));
    auto other = q.begin();
    CHECK(*other == "b");
    moved = std::move(other);
    CHECK(*moved == "b");
    ++moved;
    CHECK(q.join(0s));
}

TEST_CASE("task_done in a loop is one too many", "[queue_iterator]") {
    queue<int> q;
    q.push(1);
    q.push(2);
    const auto loop = [&] {
        for (int item : q) {
            static_cast<void>(item);
            q.task_done();
        }
    };
    CHECK_THROWS_AS(loop(), tandem::invalid_state);
    CHECK_NOTHROW([&] {
        for (int item : q) {
            static_cast<void>(item);
            q.task_done();
            break;
        }
    }());
}

TEST_CASE("several loops share the items", "[queue_iterator][pinned]") {
    queue<int> q(8);
    std::atomic<int> sum{0};
    std::atomic<int> seen{0};
    within(60s, [&] {
        std::vector<std::jthread> consumers;
        for (int i = 0; i < 4; ++i) {
            consumers.emplace_back([&] {
                for (;;) {
                    int mine = 0;
                    try {
                        for (int item : q) {
                            ++seen;
                            sum += item;
                            if (++mine == 50) break;
                            if (mine == 20 && item % 2 == 0) throw std::runtime_error("even");
                        }
                        if (mine < 50) return;
                    } catch (const std::runtime_error&) {
                    }
                }
            });
        }
        for (int i = 1; i <= 5000; ++i) q.push(i);
        q.close();
        q.join();
    });
    CHECK(seen == 5000);
    CHECK(sum == 5000 * 5001 / 2);
}

TEST_CASE("algorithms work on a queue", "[queue_iterator]") {
    queue<int> q;
    q.push_range(std::vector{1, 2, 3, 4});
    q.close();
    std::vector<int> doubled;
    std::ranges::copy(q | std::views::filter([](int x) { return x % 2 == 0; }) |
                          std::views::transform([](int x) { return 2 * x; }),
                      std::back_inserter(doubled));
    CHECK(doubled == std::vector{4, 8});
}
