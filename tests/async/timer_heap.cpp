// SPDX-License-Identifier: BSL-1.0
#include <tandem/async/timer_heap.hpp>

#include "../support/catch.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <random>
#include <utility>
#include <vector>

using tandem::detail::timer_heap;
using time_point = timer_heap::time_point;

namespace {

time_point at(int t) { return time_point(std::chrono::nanoseconds(t)); }

struct notes final : tandem::detail::timer {
    notes(std::vector<int>& to, int what) : to_(to), what_(what) {}
    std::vector<int>& to_;
    int what_;

   private:
    void expire() noexcept override { to_.push_back(what_); }
};

}  // namespace

TEST_CASE("timers expire by time, and by the order of adding at equal times", "[timer_heap]") {
    std::vector<int> got;
    notes a(got, 1), b(got, 2), c(got, 3), d(got, 4);
    timer_heap heap;
    CHECK(heap.next() == time_point::max());
    heap.add(a, at(20));
    heap.add(b, at(10));
    heap.add(c, at(20));
    heap.add(d, at(10));
    CHECK(heap.next() == at(10));
    CHECK_FALSE(heap.expire(at(9)));
    CHECK(heap.expire(at(10)));
    CHECK(got == std::vector{2, 4});
    CHECK_FALSE(b.armed());
    CHECK(heap.expire(at(100)));
    CHECK(got == std::vector{2, 4, 1, 3});
    CHECK(heap.empty());
}

TEST_CASE("a timer that is removed does not expire", "[timer_heap]") {
    std::vector<int> got;
    notes a(got, 1), b(got, 2);
    timer_heap heap;
    heap.add(a, at(1));
    heap.add(b, at(2));
    heap.remove(a);
    CHECK_FALSE(a.armed());
    heap.expire(at(5));
    CHECK(got == std::vector{2});
}

namespace {

// Adds itself again, for the past.
struct again final : tandem::detail::timer {
    explicit again(timer_heap& heap) : heap_(heap) {}
    timer_heap& heap_;
    int count = 0;

   private:
    void expire() noexcept override {
        ++count;
        heap_.add(*this, at(0));
    }
};

}  // namespace

TEST_CASE("a timer that is added while others expire waits for the next time", "[timer_heap]") {
    timer_heap heap;
    again one(heap);
    heap.add(one, at(1));
    heap.expire(at(5));
    CHECK(one.count == 1);
    heap.expire(at(5));
    CHECK(one.count == 2);
    heap.remove(one);
}

TEST_CASE("random adding and removing expires what is left, in order", "[timer_heap]") {
    std::mt19937 random(7);
    for (int round = 0; round < 50; ++round) {
        std::vector<int> got;
        std::vector<std::unique_ptr<notes>> all;
        std::vector<std::pair<int, int>> expected;  // time, number
        timer_heap heap;
        for (int i = 0; i < 300; ++i) {
            all.push_back(std::make_unique<notes>(got, i));
            const int when = static_cast<int>(random() % 40);
            heap.add(*all.back(), at(when));
            expected.emplace_back(when, i);
            if (random() % 3 == 0) {
                const std::size_t victim = random() % expected.size();
                heap.remove(*all[static_cast<std::size_t>(expected[victim].second)]);
                expected.erase(expected.begin() + static_cast<std::ptrdiff_t>(victim));
            }
        }
        CHECK(heap.size() == expected.size());
        std::sort(expected.begin(), expected.end());
        heap.expire(at(100));
        std::vector<int> order;
        for (const auto& [when, number] : expected) order.push_back(number);
        CHECK(got == order);
    }
}
