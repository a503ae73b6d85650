// SPDX-License-Identifier: BSL-1.0
#include <tandem/executor/steal_deque.hpp>

#include "../support/catch.hpp"
#include "../support/interleaving.hpp"
#include "../support/within.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using tandem::detail::steal_deque;

namespace {

// Where the newest is popped, with one ordering weaker than it has to be: the fault that the model
// below must find. The rest is the deque's own.
template <class T>
class weak_atomic : public interleaving::atomic<T> {
   public:
    using interleaving::atomic<T>::atomic;
    void store(T value, std::memory_order order) {
        const bool weaken = order == std::memory_order_seq_cst;
        interleaving::atomic<T>::store(value, weaken ? std::memory_order_release : order);
    }
};

// An owner that pushes, pops and pushes again, and two thieves. Returns whether every item was
// taken once, in the interleaving of this seed.
template <template <class> class Atomic>
bool each_is_taken_once(std::uint64_t seed) {
    constexpr int items = 6;
    int taken[items] = {};
    int values[items] = {0, 1, 2, 3, 4, 5};
    steal_deque<int, Atomic> deque(2);  // so that it grows
    const auto take = [&](const int* item) {
        if (item) ++taken[*item];
    };
    interleaving::run(seed, {[&] {
                                 deque.push(&values[0]);
                                 deque.push(&values[1]);
                                 take(deque.pop());
                                 deque.push(&values[2]);
                                 deque.push(&values[3]);
                                 deque.push(&values[4]);
                                 take(deque.pop());
                                 take(deque.pop());
                                 deque.push(&values[5]);
                                 take(deque.pop());
                             },
                             [&] {
                                 for (int i = 0; i < 3; ++i) take(deque.steal());
                             },
                             [&] {
                                 for (int i = 0; i < 2; ++i) take(deque.steal());
                             }});
    while (int* const rest = deque.steal()) take(rest);
    return std::ranges::all_of(taken, [](int n) { return n == 1; });
}

}  // namespace

TEST_CASE("the owner takes the newest, others the oldest", "[steal_deque]") {
    steal_deque<int> deque(2);
    int values[100] = {};
    CHECK(deque.pop() == nullptr);
    CHECK(deque.steal() == nullptr);
    for (int& value : values) deque.push(&value);
    CHECK(deque.size() == 100);
    CHECK(deque.pop() == &values[99]);
    CHECK(deque.steal() == &values[0]);
    CHECK(deque.steal() == &values[1]);
    for (int i = 98; i >= 2; --i) REQUIRE(deque.pop() == &values[i]);
    CHECK(deque.pop() == nullptr);
    CHECK(deque.steal() == nullptr);
    CHECK(deque.size() == 0);
}

TEST_CASE("the owner may look at the newest", "[steal_deque]") {
    steal_deque<int> deque(2);
    CHECK(deque.newest() == nullptr);
    int values[3] = {};
    for (int& value : values) {
        deque.push(&value);
        CHECK(deque.newest() == &value);
    }
    CHECK(deque.pop() == &values[2]);
    CHECK(deque.newest() == &values[1]);
}

TEST_CASE("items pass through a deque that never empties", "[steal_deque]") {
    steal_deque<int> deque(4);
    int values[3] = {};
    deque.push(&values[0]);
    for (int i = 1; i < 10'000; ++i) {
        deque.push(&values[i % 3]);
        REQUIRE(deque.steal() == &values[(i - 1) % 3]);
    }
}

TEST_CASE("each item is taken by one thread", "[steal_deque][pinned]") {
    constexpr int count = 100'000;
    steal_deque<std::atomic<int>> deque(2);
    std::vector<std::atomic<int>> taken(count);
    std::atomic<bool> done{false};
    within(120s, [&] {
        std::vector<std::thread> thieves;
        for (int t = 0; t < 3; ++t) {
            thieves.emplace_back([&] {
                while (!done || deque.size() != 0) {
                    if (auto* const item = deque.steal()) {
                        ++*item;
                    } else {
                        std::this_thread::yield();
                    }
                }
            });
        }
        unsigned random = 1;
        for (auto& item : taken) {
            deque.push(&item);
            random = random * 1664525 + 1013904223;
            if ((random >> 16) % 3 != 0) {
                if (auto* const mine = deque.pop()) ++*mine;
            }
        }
        while (auto* const mine = deque.pop()) ++*mine;
        done = true;
        for (auto& thief : thieves) thief.join();
    });
    CHECK(std::ranges::all_of(taken, [](const auto& n) { return n == 1; }));
}

TEST_CASE("in thousands of interleavings with delayed stores each item is taken once",
          "[steal_deque]") {
    within(300s, [] {
        for (std::uint64_t seed = 0; seed < interleaving::rounds(2'000); ++seed) {
            INFO("seed " << seed);
            REQUIRE(each_is_taken_once<interleaving::atomic>(seed));
        }
    });
}

TEST_CASE("the model finds the item that is taken twice without seq_cst", "[steal_deque]") {
    within(300s, [] {
        std::uint64_t seed = 0;
        while (seed < 20'000 && each_is_taken_once<weak_atomic>(seed)) ++seed;
        CHECK(seed < 20'000);
    });
}
