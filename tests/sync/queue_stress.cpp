// SPDX-License-Identifier: BSL-1.0
#include <tandem/sync/queue.hpp>

#include "../support/catch.hpp"
#include "../support/within.hpp"

#include <tandem/core/cpus.hpp>

#include <sched.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <random>
#include <string>
#include <thread>
#include <vector>

// Many threads on one queue. Everything here also runs on one CPU.

using namespace std::chrono_literals;
using tandem::conqueue_status;
using tandem::fifo;
using tandem::lifo;
using tandem::priority;
using tandem::queue;

namespace {

constexpr int scale = TANDEM_TSAN ? 1 : 5;

// An item that says who made it; one kind moves under the queue's lock, the other does not.
struct small {
    int producer;
    int number;
    friend bool operator<(const small& a, const small& b) { return a.number < b.number; }
};
struct big {
    big(int p, int n) : producer(p), number(n), text(40, 'x') {}
    big(big&&) = default;
    int producer;
    int number;
    std::string text;
    friend bool operator<(const big& a, const big& b) { return a.number < b.number; }
};
static_assert(!tandem::detail::moves_quietly<big, std::allocator<big>>);

// What came of a run: each number of each producer, how often it was accepted and popped.
struct ledger {
    ledger(int producers, int each)
        : per_producer(each),
          accepted(static_cast<std::size_t>(producers * each)),
          popped(static_cast<std::size_t>(producers * each)) {}
    std::size_t index(int producer, int number) const {
        return static_cast<std::size_t>(producer * per_producer + number);
    }
    bool agrees(bool all_accepted) const {
        for (std::size_t i = 0; i < accepted.size(); ++i) {
            if (accepted[i] != popped[i] || (all_accepted && accepted[i] != 1)) return false;
        }
        return true;
    }
    int per_producer;
    std::vector<std::atomic<int>> accepted;
    std::vector<std::atomic<int>> popped;
};

template <class Queue>
void produce(Queue& q, ledger& book, int me, int how) {
    for (int i = 0; i < book.per_producer; ++i) {
        bool in = false;
        switch ((how + i) % 4) {
            case 0:
                in = q.emplace(typename Queue::value_type{me, i});
                break;
            case 1:
                in = q.push({me, i});
                break;
            case 2: {
                auto status = conqueue_status::full;
                while (status == conqueue_status::full) status = q.try_push_for({me, i}, 50us);
                in = status == conqueue_status::success;
                break;
            }
            default: {
                std::vector<typename Queue::value_type> one;
                one.push_back({me, i});
                in = q.push_range(std::move(one)) == 1;
                break;
            }
        }
        if (!in) return;
        ++book.accepted[book.index(me, i)];
    }
}

template <class Queue>
void consume(Queue& q, ledger& book, int how) {
    const auto got = [&](const auto& item) {
        ++book.popped[book.index(item.producer, item.number)];
    };
    switch (how % 4) {
        case 0:
            while (auto item = q.pop()) got(*item);
            break;
        case 1:
            for (auto& item : q) got(item);
            break;
        case 2:
            for (;;) {
                auto item = q.try_pop_for(50us);
                if (item) got(*item);
                if (!item && item.error() == conqueue_status::closed) break;
            }
            break;
        default:
            for (;;) {
                std::vector<typename Queue::value_type> some;
                if (q.pop_some(std::back_inserter(some), 3) == 0) break;
                for (auto& item : some) got(item);
            }
    }
}

template <class Queue>
void run(std::size_t capacity, int producers, int consumers, int each, bool close_early) {
    Queue q(capacity);
    ledger book(producers, each);
    within(120s, [&] {
        std::vector<std::jthread> consuming;
        for (int i = 0; i < consumers; ++i) {
            consuming.emplace_back([&q, &book, i] { consume(q, book, i); });
        }
        std::vector<std::jthread> producing;
        for (int i = 0; i < producers; ++i) {
            producing.emplace_back([&q, &book, i] { produce(q, book, i, i); });
        }
        if (close_early) {
            static std::minstd_rand random(1);
            std::this_thread::sleep_for(std::chrono::microseconds(random() % 2000));
            q.close();
        }
        producing.clear();
        q.close();
    });
    CHECK(book.agrees(!close_early));
    CHECK(q.empty());
}

}  // namespace

TEMPLATE_TEST_CASE("every item is popped once", "[queue_stress][pinned]", (queue<small>),
                   (queue<big>), (queue<small, lifo>), (queue<big, lifo>),
                   (queue<small, priority<>>), (queue<big, priority<>>)) {
    const int many = 4 * tandem::available_cpus();
    for (const std::size_t capacity : {std::size_t{1}, std::size_t{3}, tandem::unbounded}) {
        run<TestType>(capacity, 1, 1, 1000 * scale, false);
        run<TestType>(capacity, 4, 4, 300 * scale, false);
        run<TestType>(capacity, many, many, 100 * scale, false);
        run<TestType>(capacity, 1, many, 400 * scale, false);
        run<TestType>(capacity, many, 1, 100 * scale, false);
    }
}

TEMPLATE_TEST_CASE("a close at any moment loses no item that was accepted",
                   "[queue_stress][pinned]", (queue<small>), (queue<big>), (queue<big, lifo>),
                   (queue<small, priority<>>)) {
    for (int round = 0; round < 6 * scale; ++round) {
        run<TestType>(2, 4, 4, 100'000, true);
        run<TestType>(tandem::unbounded, 2, 3, 20'000, true);
    }
}

TEST_CASE("after a push, a try_pop by the same thread finds an item", "[queue_stress][pinned]") {
    queue<int> small_items(4);
    queue<big> big_items(4);
    std::atomic<int> missing{0};
    within(120s, [&] {
        std::vector<std::jthread> all;
        for (int i = 0; i < 4; ++i) {
            all.emplace_back([&] {
                for (int k = 0; k < 5000 * scale; ++k) {
                    small_items.push(k);
                    if (!small_items.try_pop()) ++missing;
                    big_items.emplace(1, k);
                    if (!big_items.try_pop()) ++missing;
                }
            });
        }
    });
    CHECK(missing == 0);
}

TEMPLATE_TEST_CASE("the items of one producer stay in order", "[queue_stress][pinned]", small,
                   big) {
    queue<TestType> q(16);
    std::atomic<int> wrong{0};
    within(120s, [&] {
        std::vector<std::jthread> consumers;
        for (int i = 0; i < 3; ++i) {
            consumers.emplace_back([&] {
                int last[2] = {-1, -1};
                for (auto& item : q) {
                    if (item.number <= last[item.producer]) ++wrong;
                    last[item.producer] = item.number;
                }
            });
        }
        std::vector<std::jthread> producers;
        for (int p = 0; p < 2; ++p) {
            producers.emplace_back([&q, p] {
                for (int i = 0; i < 4000 * scale; ++i) q.emplace(TestType{p, i});
            });
        }
        producers.clear();
        q.close();
    });
    CHECK(wrong == 0);
}

TEST_CASE("pushes of several threads that follow each other are popped in that order",
          "[queue_stress][pinned]") {
    queue<int> small_items(8);
    queue<big> big_items(8);
    constexpr int count = 3000 * scale;
    int wrong = 0;
    within(120s, [&] {
        std::atomic<int> turn{0};
        std::vector<std::jthread> producers;
        for (int p = 0; p < 3; ++p) {
            producers.emplace_back([&, p] {
                for (int number = p; number < count; number += 3) {
                    for (int now = turn; now != number; now = turn) turn.wait(now);
                    small_items.push(number);
                    big_items.emplace(p, number);
                    turn = number + 1;  // the next push happens after both
                    turn.notify_all();
                }
            });
        }
        for (int number = 0; number < count; ++number) {
            if (small_items.pop() != number) ++wrong;
            if (big_items.pop()->number != number) ++wrong;
        }
    });
    CHECK(wrong == 0);
}

TEST_CASE("two queues and two threads agree on one order", "[queue_stress][pinned]") {
    within(120s, [&] {
        for (int round = 0; round < 300 * scale; ++round) {
            queue<int> q;
            queue<int> log;
            std::thread first([&] {
                q.push(1);
                log.push(1);
            });
            std::thread second([&] {
                log.push(2);
                q.push(2);
            });
            first.join();
            second.join();
            const int logged = log.pop().value();
            const int queued = q.pop().value();
            CHECK_FALSE((logged == 1 && queued == 2));
        }
    });
}

TEST_CASE("threads that push into a full queue that is closed put in just what fits",
          "[queue_stress][pinned]") {
    for (int round = 0; round < 20 * scale; ++round) {
        queue<int> q(3);
        std::atomic<int> accepted{0};
        within(60s, [&] {
            std::vector<std::jthread> producers;
            for (int i = 0; i < 8; ++i) {
                producers.emplace_back([&] {
                    if (q.push(1)) ++accepted;
                });
            }
            while (!q.full()) std::this_thread::yield();
            q.close();
        });
        CHECK(accepted == 3);
        CHECK(q.size() == 3);
    }
}

TEST_CASE("join waits for all, while producers and consumers work", "[queue_stress][pinned]") {
    within(120s, [&] {
        for (int round = 0; round < 20 * scale; ++round) {
            queue<int> q(4);
            std::atomic<int> done{0};
            std::vector<std::jthread> consumers;
            for (int i = 0; i < 3; ++i) {
                consumers.emplace_back([&] {
                    for (int item : q) done += item;
                });
            }
            for (int i = 0; i < 100; ++i) q.push(1);
            q.join();
            CHECK(done == 100);
            q.close();
        }
    });
}

namespace {

// Moved without the mutex, in a slot.
struct in_a_slot {
    explicit in_a_slot(int number) : value(number) {}
    in_a_slot(in_a_slot&& other) noexcept : value(std::exchange(other.value, 0)) {}
    in_a_slot& operator=(in_a_slot&&) = delete;
    ~in_a_slot() { value = -1; }
    int value;
};

// Whoever sees the end destroys the queue while `end` may still be on its way out.
template <class T, class End>
void destroy_at_the_end(End end) {
    for (int round = 0; round < 1000 * scale; ++round) {
        auto* const q = new queue<T>(4);
        std::jthread producer([q, &end] {
            q->emplace(1);
            q->emplace(2);
            end(q);
        });
        while (q->pop()) {
        }
        delete q;
    }
}

}  // namespace

TEST_CASE("a queue may be destroyed by whoever took the last item", "[queue_stress][pinned]") {
    within(120s, [] {
        for (int round = 0; round < 2000 * scale; ++round) {
            auto* const q = new queue<int>(1);
            std::jthread producer([q] { q->push(1); });
            CHECK(q->pop() == 1);
            delete q;
        }
    });
}

TEMPLATE_TEST_CASE("a queue may be destroyed by whoever saw its end", "[queue_stress][pinned]", int,
                   in_a_slot) {
    within(120s, [] {
        destroy_at_the_end<TestType>([](auto* q) { q->close(); });
        destroy_at_the_end<TestType>([](auto* q) { q->close_and_discard(); });
        destroy_at_the_end<TestType>([](auto* q) { [[maybe_unused]] auto last = q->producer(); });
    });
}

namespace {

// Eight producers and eight consumers share a queue of one. Returns what was popped, in all.
std::int64_t share_a_queue_of_one(int each) {
    queue<int> q(1);
    std::atomic<std::int64_t> sum{0};
    within(120s, [&] {
        std::vector<std::jthread> consumers;
        for (int i = 0; i < 8; ++i) {
            consumers.emplace_back([&] {
                std::int64_t mine = 0;
                while (auto item = q.pop()) mine += *item;
                sum += mine;
            });
        }
        std::vector<std::jthread> producers;
        for (int i = 0; i < 8; ++i) {
            producers.emplace_back([&] {
                for (int k = 1; k <= each; ++k) q.push(k);
            });
        }
        producers.clear();
        q.close();
    });
    return sum;
}

}  // namespace

TEST_CASE("eight producers and eight consumers share a queue of one", "[queue_stress][pinned]") {
    constexpr int each = 2000 * scale;
    CHECK(share_a_queue_of_one(each) == 8 * std::int64_t{each} * (each + 1) / 2);
}

// By hand, on a quiet machine: it compares times.
TEST_CASE("one CPU takes about as long as two for a queue of one", "[.queue_times]") {
    using clock = std::chrono::steady_clock;
    constexpr int each = 125'000;  // a million items
    cpu_set_t all;
    REQUIRE(::sched_getaffinity(0, sizeof all, &all) == 0);
    const auto measure = [] {
        const auto begun = clock::now();
        CHECK(share_a_queue_of_one(each) == 8 * std::int64_t{each} * (each + 1) / 2);
        return std::chrono::duration<double>(clock::now() - begun).count();
    };
    const double several = measure();
    cpu_set_t first;
    CPU_ZERO(&first);
    for (std::size_t cpu = 0; CPU_COUNT(&first) == 0; ++cpu) {
        if (CPU_ISSET(cpu, &all)) CPU_SET(cpu, &first);
    }
    REQUIRE(::sched_setaffinity(0, sizeof first, &first) == 0);
    const double one = measure();
    REQUIRE(::sched_setaffinity(0, sizeof all, &all) == 0);
    INFO("one CPU " << one << " s, all " << several << " s");
    CHECK(one < 3 * several);
    CHECK(several < 3 * one);
}

TEST_CASE("wait_any in several threads finds every item", "[queue_stress][pinned]") {
    queue<int> a(2);
    queue<int, lifo> b(2);
    std::atomic<int> sum{0};
    within(120s, [&] {
        std::vector<std::jthread> consumers;
        for (int i = 0; i < 3; ++i) {
            consumers.emplace_back([&] {
                for (bool a_open = true, b_open = true; a_open || b_open;) {
                    const auto take = [&](auto& q, bool& open) {
                        auto item = q.try_pop();
                        if (item) sum += *item;
                        if (!item && item.error() == conqueue_status::closed) open = false;
                    };
                    if (a_open && b_open) {
                        if (tandem::wait_any(1h, a, b) == 0U) {
                            take(a, a_open);
                        } else {
                            take(b, b_open);
                        }
                    } else if (a_open) {
                        tandem::wait_any(1h, a);
                        take(a, a_open);
                    } else {
                        tandem::wait_any(1h, b);
                        take(b, b_open);
                    }
                }
            });
        }
        std::jthread popping([&] {
            while (auto item = b.pop()) sum += *item;
        });
        std::jthread other([&] {
            for (int i = 0; i < 1000 * scale; ++i) b.push(1);
            b.close();
        });
        for (int i = 0; i < 1000 * scale; ++i) a.push(1);
        a.close();
    });
    CHECK(sum == 2000 * scale);
}
