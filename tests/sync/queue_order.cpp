// SPDX-License-Identifier: BSL-1.0
#include <tandem/sync/queue_order.hpp>

#include "../support/catch.hpp"

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

using tandem::detail::order_of;

namespace {

struct itself {
    template <class T>
    static const T& of(const T& value) {
        return value;
    }
};
template <class Order, class T>
using order = order_of<Order, T, std::allocator<T>, itself>::type;

struct by_tens {
    bool operator()(int a, int b) const { return a / 10 < b / 10; }
};

}  // namespace

TEST_CASE("a ring goes round, grows and keeps its order", "[queue_order]") {
    order<tandem::fifo, std::string> ring{std::allocator<std::string>()};
    ring.reserve(3);
    int next = 0, expected = 0;
    for (int i = 0; i < 3; ++i) ring.push(std::to_string(next++));
    for (int round = 0; round < 10; ++round) {
        CHECK(ring.pop() == std::to_string(expected++));
        ring.push(std::to_string(next++));
    }
    ring.reserve(7);
    CHECK(ring.capacity() == 7);
    for (int i = 0; i < 4; ++i) ring.push(std::to_string(next++));
    std::vector<std::string> seen;
    ring.for_each([&](std::string& s) { seen.push_back(s); });
    REQUIRE(seen.size() == 7);
    for (int i = 0; i < 7; ++i) {
        CHECK(seen[static_cast<std::size_t>(i)] == std::to_string(expected + i));
    }
    auto moved = std::move(ring);
    for (int i = 0; i < 5; ++i) CHECK(moved.pop() == std::to_string(expected++));
}

TEST_CASE("what is put back is the next again", "[queue_order]") {
    order<tandem::fifo, int> ring{std::allocator<int>()};
    ring.reserve(2);
    ring.push(1);
    ring.push(2);
    ring.unpop(ring.pop());
    CHECK(ring.pop() == 1);
    CHECK(ring.pop() == 2);
    ring.unpop(9);
    CHECK(ring.pop() == 9);

    order<tandem::lifo, int> stack{std::allocator<int>()};
    stack.push(1);
    stack.push(2);
    stack.unpop(stack.pop());
    CHECK(stack.pop().value == 2);

    order<tandem::priority<by_tens>, int> heap{std::allocator<int>()};
    for (int i : {15, 11, 3, 17}) heap.push(i);
    auto first = heap.pop();
    auto second = heap.pop();
    CHECK((first.value == 3 && second.value == 15));
    heap.push(12);
    heap.unpop(std::move(second));
    for (int i : {15, 11, 17, 12}) CHECK(heap.pop().value == i);
}

TEST_CASE("a heap sorts, stably", "[queue_order]") {
    std::minstd_rand random(7);
    for (int size = 0; size < 70; ++size) {
        order<tandem::priority<by_tens>, int> heap{std::allocator<int>()};
        std::vector<std::pair<int, int>> items;  // what is compared, and when it was pushed
        std::vector<int> values;
        for (int i = 0; i < size; ++i) {
            values.push_back(static_cast<int>(random() % 60));
            items.emplace_back(values.back() / 10, i);
            heap.push(values.back());
        }
        std::sort(items.begin(), items.end());
        for (const auto& item : items) {
            CHECK(heap.pop().value == values[static_cast<std::size_t>(item.second)]);
        }
    }
}

TEST_CASE("a heap mixed with pops gives the least each time", "[queue_order]") {
    std::minstd_rand random(3);
    order<tandem::priority<>, int> heap{std::allocator<int>()};
    std::vector<int> model;
    for (int step = 0; step < 5000; ++step) {
        if (model.empty() || random() % 2 == 0) {
            model.push_back(static_cast<int>(random() % 1000));
            heap.push(model.back());
        } else {
            const auto least = std::min_element(model.begin(), model.end());
            CHECK(heap.pop().value == *least);
            model.erase(least);
        }
    }
}
