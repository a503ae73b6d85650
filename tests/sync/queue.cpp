// SPDX-License-Identifier: BSL-1.0
#include <tandem/sync/queue.hpp>

#include "../support/catch.hpp"
#include "../support/within.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <iterator>
#include <list>
#include <memory>
#include <numeric>
#include <ranges>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using tandem::conqueue_status;
using tandem::fifo;
using tandem::lifo;
using tandem::priority;
using tandem::queue;

namespace {

std::vector<int> numbers(int count) {
    std::vector<int> result(static_cast<std::size_t>(count));
    std::iota(result.begin(), result.end(), 0);
    return result;
}

template <class Queue>
std::vector<typename Queue::value_type> drained(Queue& q) {
    std::vector<typename Queue::value_type> all;
    while (auto item = q.try_pop()) all.push_back(*std::move(item));
    return all;
}

}  // namespace

TEST_CASE("a queue of two takes two items and gives them in order", "[queue]") {
    queue<int> q(2);
    CHECK(q.capacity() == 2);
    CHECK(q.empty());
    CHECK(q.push(1));
    CHECK(q.push(2));
    CHECK(q.full());
    CHECK(q.size() == 2);
    CHECK(q.try_push(3) == conqueue_status::full);
    CHECK(q.pop() == 1);
    CHECK(q.pop() == 2);
    CHECK(q.try_pop().error() == conqueue_status::empty);
}

TEST_CASE("a queue has room for one item at least", "[queue]") {
    CHECK_THROWS_AS(queue<int>(0), std::invalid_argument);
    CHECK(queue<int>().capacity() == tandem::unbounded);
}

TEST_CASE("a closed queue takes nothing and has nothing", "[queue]") {
    queue<int> q(2);
    CHECK_FALSE(q.is_closed());
    q.close();
    CHECK(q.is_closed());
    within(10s, [&] {
        CHECK_FALSE(q.push(1));
        CHECK_FALSE(q.emplace(1));
        CHECK_FALSE(q.push(1, std::stop_source().get_token()));
        CHECK(q.try_push(1) == conqueue_status::closed);
        CHECK(q.try_emplace(1) == conqueue_status::closed);
        CHECK(q.try_push_for(1, 1h) == conqueue_status::closed);
        CHECK(q.push_range(numbers(3)) == 0);
        CHECK_FALSE(q.pop());
        CHECK_FALSE(q.pop(std::stop_source().get_token()));
        CHECK(q.try_pop().error() == conqueue_status::closed);
        CHECK(q.try_pop_for(1h).error() == conqueue_status::closed);
        int item = 0;
        CHECK(q.pop_some(&item, 1) == 0);
        CHECK(q.begin() == q.end());
    });
    CHECK_NOTHROW(q.close());
}

TEST_CASE("pop drains what is left after close", "[queue]") {
    queue<int> q;
    q.push(1);
    q.push(2);
    q.push(3);
    q.close();
    CHECK(q.pop() == 1);
    CHECK(q.try_pop() == 2);
    CHECK(q.try_pop_for(1h) == 3);
    CHECK_FALSE(q.pop());
    CHECK(q.try_pop().error() == conqueue_status::closed);
}

TEST_CASE("every way to push puts one item in", "[queue]") {
    queue<std::string> q;
    const std::string item = "lvalue";
    CHECK(q.push(item));
    CHECK(q.push(std::string("rvalue")));
    CHECK(q.emplace(std::size_t{2}, 'e'));
    CHECK(q.push("stop", std::stop_source().get_token()));
    CHECK(q.try_push(item) == conqueue_status::success);
    CHECK(q.try_push(std::string("try")) == conqueue_status::success);
    CHECK(q.try_emplace(std::size_t{2}, 't') == conqueue_status::success);
    CHECK(q.try_push_for(item, 1s) == conqueue_status::success);
    CHECK(q.try_push_for(std::string("for"), 1s) == conqueue_status::success);
    const auto later = std::chrono::steady_clock::now() + 1s;
    CHECK(q.try_push_until(item, later) == conqueue_status::success);
    CHECK(q.try_push_until(std::string("until"), later) == conqueue_status::success);
    CHECK(drained(q) == std::vector<std::string>{"lvalue", "rvalue", "ee", "stop", "lvalue", "try",
                                                 "tt", "lvalue", "for", "lvalue", "until"});
}

TEST_CASE("an item that is not accepted stays with the caller", "[queue]") {
    queue<std::unique_ptr<int>> q(1);
    q.push(std::make_unique<int>(1));
    auto item = std::make_unique<int>(2);
    CHECK(q.try_push(std::move(item)) == conqueue_status::full);
    CHECK(q.try_push_for(std::move(item), 1ms) == conqueue_status::full);
    CHECK(q.try_emplace(std::move(item)) == conqueue_status::full);
    q.close();
    CHECK_FALSE(q.push(std::move(item)));
    CHECK_FALSE(q.emplace(std::move(item)));
    REQUIRE(item);
    CHECK(*item == 2);
}

TEST_CASE("a deadline that has passed does not wait, but takes what is there", "[queue]") {
    queue<int> q(1);
    within(10s, [&] {
        CHECK(q.try_pop_for(-1s).error() == conqueue_status::empty);
        CHECK(q.try_push_for(1, 0s) == conqueue_status::success);
        CHECK(q.try_push_for(2, -1s) == conqueue_status::full);
        CHECK(q.try_push_until(2, std::chrono::system_clock::now() - 1h) == conqueue_status::full);
        CHECK(q.try_pop_until(std::chrono::steady_clock::time_point::min()) == 1);
    });
}

TEST_CASE("timed pops and pushes wait as long as they should", "[queue]") {
    queue<int> q(1);
    auto before = std::chrono::steady_clock::now();
    CHECK(q.try_pop_for(20ms).error() == conqueue_status::empty);
    CHECK(std::chrono::steady_clock::now() - before >= 20ms);
    q.push(1);
    before = std::chrono::steady_clock::now();
    CHECK(q.try_push_for(2, 20ms) == conqueue_status::full);
    CHECK(std::chrono::steady_clock::now() - before >= 20ms);
}

TEST_CASE("a lifo queue gives the newest item first", "[queue]") {
    queue<int, lifo> q(3);
    q.push_range(numbers(3));
    CHECK(q.try_push(9) == conqueue_status::full);
    q.close();
    CHECK(q.pop() == 2);
    CHECK(q.pop() == 1);
    CHECK(q.pop() == 0);
    CHECK_FALSE(q.pop());
}

TEST_CASE("a priority queue gives the smallest item first, equal ones in push order", "[queue]") {
    using job = std::pair<int, std::string>;
    using by_first = decltype([](const job& a, const job& b) { return a.first < b.first; });
    queue<job, priority<by_first>> q(5);
    for (const auto* name : {"c", "d"}) q.emplace(2, name);
    for (const auto* name : {"a", "b"}) q.emplace(1, name);
    q.emplace(0, "first");
    CHECK(q.try_emplace(9, "none") == conqueue_status::full);
    q.close();
    std::string order;
    while (auto next = q.pop()) order += next->second;
    CHECK(order == "firstabcd");
}

TEST_CASE("an unbounded queue grows", "[queue]") {
    queue<int> q;
    for (int i = 0; i < 10; ++i) q.push(i);
    for (int i = 0; i < 5; ++i) CHECK(q.pop() == i);
    for (int i = 10; i < 100'000; ++i) q.push(i);
    for (int i = 5; i < 100'000; ++i) REQUIRE(q.pop() == i);
    CHECK(q.empty());
}

TEST_CASE("bool is an item like any other", "[queue]") {
    queue<bool, lifo> q;
    q.push(true);
    q.push(false);
    CHECK(q.pop() == false);
    CHECK(q.pop() == true);
}

TEST_CASE("push_range moves the elements of an rvalue, and copies others", "[queue]") {
    queue<std::string> q;
    const std::string text(100, 'x');
    std::vector<std::string> items(3, text);
    CHECK(q.push_range(items) == 3);
    CHECK(q.push_range(std::span(items)) == 3);
    CHECK(items == std::vector<std::string>(3, text));
    const char* const where = items[0].data();
    CHECK(q.push_range(std::move(items)) == 3);
    CHECK(q.push_range(std::list<std::string>(2, text)) == 2);
    const auto all = drained(q);
    CHECK(all == std::vector<std::string>(11, text));
    CHECK(all[6].data() == where);
}

TEST_CASE("push_range takes any range", "[queue]") {
    queue<int> q;
    const std::deque<int> items = {1, 2};
    CHECK(q.push_range(items) == 2);
    CHECK(q.push_range(std::views::iota(3, 5)) == 2);
    const std::array<short, 1> shorts = {5};
    CHECK(q.push_range(shorts) == 1);
    CHECK(q.push_range(std::vector<int>()) == 0);
    CHECK(drained(q) == std::vector{1, 2, 3, 4, 5});
}

TEST_CASE("push_range into a queue that fills up keeps the order", "[queue]") {
    queue<int> q(4);
    std::vector<int> got;
    within(60s, [&] {
        std::jthread consumer([&] {
            while (auto item = q.pop()) got.push_back(*item);
        });
        CHECK(q.push_range(numbers(1000)) == 1000);
        q.close();
    });
    CHECK(got == numbers(1000));
}

TEST_CASE("push_range says how many went in before the close", "[queue]") {
    queue<int> q(4);
    std::vector<std::unique_ptr<int>> left;
    for (int i = 0; i < 6; ++i) left.push_back(std::make_unique<int>(i));
    queue<std::unique_ptr<int>> pointers(4);
    within(60s, [&] {
        std::size_t pushed = 0;
        std::jthread producer([&] { pushed = pointers.push_range(std::move(left)); });
        while (!pointers.full()) std::this_thread::yield();
        pointers.close();
        producer.join();
        CHECK(pushed == 4);
    });
    CHECK_FALSE(left[3]);
    REQUIRE(left[4]);
    CHECK(*left[4] == 4);  // untouched
}

TEMPLATE_TEST_CASE("pop_some takes 1 to max items, in order", "[queue]", int, std::string) {
    queue<TestType> q(100);
    const auto item = [](std::size_t i) {
        if constexpr (std::is_same_v<TestType, int>) {
            return static_cast<int>(i);
        } else {
            return std::to_string(i);
        }
    };
    for (std::size_t i = 0; i < 100; ++i) q.push(item(i));
    std::vector<TestType> out(90);
    CHECK(q.pop_some(out.data(), 2) == 2);
    CHECK(q.pop_some(out.begin() + 2, 88) == 88);
    CHECK(q.size() == 10);
    q.close();
    CHECK(q.pop_some(std::back_inserter(out), 1000) == 10);
    CHECK(q.pop_some(std::back_inserter(out), 1) == 0);
    REQUIRE(out.size() == 100);
    for (std::size_t i = 0; i < 100; ++i) CHECK(out[i] == item(i));
}

TEST_CASE("pop_some of no item is refused", "[queue]") {
    queue<int> q;
    q.push(1);
    int item = 0;
    CHECK_THROWS_AS(q.pop_some(&item, 0), std::invalid_argument);
    CHECK(q.size() == 1);
}

TEST_CASE("close with a reason is thrown once the queue is drained", "[queue]") {
    queue<int> q;
    q.push(1);
    q.close(std::make_exception_ptr(std::runtime_error("the reason")));
    q.close(std::make_exception_ptr(std::logic_error("a later one")));
    q.close();
    CHECK_FALSE(q.push(2));
    CHECK(q.pop() == 1);
    CHECK_THROWS_WITH(q.pop(), "the reason");
    CHECK_THROWS_WITH(q.pop(std::stop_source().get_token()), "the reason");
    int item = 0;
    CHECK_THROWS_WITH(q.pop_some(&item, 1), "the reason");
    CHECK_THROWS_WITH(q.begin() == q.end(), "the reason");
    CHECK_THROWS_WITH(*q.begin(), "the reason");
    CHECK(q.try_pop().error() == conqueue_status::closed);
    CHECK(q.try_pop_for(1h).error() == conqueue_status::closed);
}

TEST_CASE("a plain close is not given a reason later", "[queue]") {
    queue<int> q;
    q.close();
    q.close(std::make_exception_ptr(std::runtime_error("too late")));
    CHECK_FALSE(q.pop());
}

TEST_CASE("close_and_discard drops what is queued", "[queue]") {
    queue<std::string> q;
    q.push("a");
    q.push("b");
    CHECK(q.close_and_discard() == 2);
    CHECK(q.is_closed());
    CHECK(q.empty());
    CHECK_FALSE(q.pop());
    CHECK_FALSE(q.push("c"));
    CHECK(q.close_and_discard() == 0);
}

TEST_CASE("a graceful close may become a discarding one", "[queue]") {
    queue<int> q;
    q.push_range(numbers(3));
    q.close(std::make_exception_ptr(std::runtime_error("why")));
    CHECK(q.pop() == 0);
    CHECK(q.close_and_discard() == 2);
    CHECK_THROWS_WITH(q.pop(), "why");
}

TEST_CASE("join returns when every item is taken and done", "[queue]") {
    queue<int> q;
    within(60s, [&] {
        q.join();  // nothing to wait for
        q.push_range(numbers(3));
        CHECK_FALSE(q.join(5ms));
        for (int i = 0; i < 3; ++i) {
            CHECK(q.pop() == i);
            CHECK_FALSE(q.join(0s));
            q.task_done();
        }
        CHECK(q.join(0s));
        q.push(4);  // may be used again
        CHECK_FALSE(q.join(0s));
        std::jthread consumer([&] {
            q.pop();
            q.task_done();
        });
        q.join();
    });
}

TEST_CASE("more items cannot be done than were taken", "[queue]") {
    queue<int> q;
    CHECK_THROWS_AS(q.task_done(), tandem::invalid_state);
    q.push(1);
    CHECK_THROWS_AS(q.task_done(), tandem::invalid_state);
    q.pop();
    q.task_done();
    CHECK_THROWS_AS(q.task_done(), tandem::invalid_state);
}

TEST_CASE("join goes on after close until what is left is done", "[queue]") {
    queue<int> q;
    q.push(1);
    q.push(2);
    q.pop();
    q.close();
    CHECK_FALSE(q.join(1ms));
    q.task_done();
    CHECK_FALSE(q.join(1ms));
    q.pop();
    q.task_done();
    CHECK(q.join(0s));
}

TEST_CASE("what close_and_discard drops is done, what was taken is not", "[queue]") {
    queue<int> q;
    q.push_range(numbers(5));
    q.pop();
    within(60s, [&] {
        std::jthread waiter([&] { q.join(); });
        CHECK(q.close_and_discard() == 4);
        CHECK_FALSE(q.join(1ms));
        q.task_done();
    });
    CHECK(q.join(0s));
}

TEMPLATE_TEST_CASE("every order may be discarded, joined and drained", "[queue]", tandem::lifo,
                   tandem::priority<>) {
    queue<int, TestType> q;
    q.push_range(std::vector{3, 1, 2});
    CHECK(q.pop());
    CHECK(q.close_and_discard() == 2);
    CHECK_FALSE(q.join(1ms));
    q.task_done();
    q.join();
    CHECK_FALSE(q.pop());
    CHECK_FALSE(q.push(1));
}

TEST_CASE("every taken item counts, however it was taken", "[queue]") {
    queue<std::string> q;
    for (int i = 0; i < 9; ++i) q.push("x");
    q.pop();
    q.try_pop().value();
    q.try_pop_for(1s).value();
    q.pop(std::stop_source().get_token());
    std::vector<std::string> out;
    REQUIRE(q.pop_some(std::back_inserter(out), 5) == 5);
    for (int i = 0; i < 9; ++i) {
        CHECK_FALSE(q.join(0s));
        q.task_done();
    }
    CHECK(q.join(0s));
    CHECK_THROWS_AS(q.task_done(), tandem::invalid_state);
}

TEST_CASE("wait_any says which queue has something", "[queue]") {
    queue<int> numbers_queue;
    queue<std::string, lifo> words(1);
    CHECK(tandem::wait_any(0s, numbers_queue, words) == std::nullopt);
    words.push("a");
    CHECK(tandem::wait_any(tandem::deadline::never(), numbers_queue, words) == 1U);
    numbers_queue.push(1);
    CHECK(tandem::wait_any(0s, numbers_queue, words) == 0U);
    numbers_queue.pop();
    numbers_queue.close();
    CHECK(tandem::wait_any(0s, numbers_queue, words) == 0U);
}
