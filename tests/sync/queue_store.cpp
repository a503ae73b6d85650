// SPDX-License-Identifier: BSL-1.0
#include <tandem/sync/queue_store.hpp>

#include <tandem/sync/queue.hpp>

#include "../support/catch.hpp"
#include "../support/counted.hpp"
#include "../support/expect.hpp"
#include "../support/gate.hpp"
#include "../support/within.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <memory>
#include <memory_resource>
#include <random>
#include <stdexcept>
#include <stop_token>
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

// Two gates that a move waits at: the test sees that it began, and lets it end.
struct slow {
    explicit slow(int number) : value(number) {}
    slow(slow&& other) noexcept : value(other.value) {
        if (waits_at) {
            auto* const gates = std::exchange(waits_at, nullptr);
            gates[0].open();
            gates[1].wait();
        }
    }
    int value;
    static inline gate* waits_at = nullptr;
};

struct by_value {
    template <class T>
    bool operator()(const T& a, const T& b) const {
        return a.value < b.value;
    }
};

// Fails when it has to compare a 13.
struct superstitious {
    bool operator()(int a, int b) const {
        if (a == 13 || b == 13) throw std::runtime_error("thirteen");
        return a < b;
    }
};

// Counts those that live, and those that die in another thread than the one that is watched.
struct noted {
    explicit noted(int) { ++alive; }
    noted(noted&&) noexcept { ++alive; }
    ~noted() {
        --alive;
        if (watch && std::this_thread::get_id() != *watch) ++elsewhere;
    }
    static inline std::atomic<int> alive{0};
    static inline std::atomic<int> elsewhere{0};
    static inline const std::thread::id* watch = nullptr;
};

struct alignas(256) over_aligned {
    explicit over_aligned(int number) : value(number) {}
    bool is_aligned() const { return reinterpret_cast<std::uintptr_t>(this) % 256 == 0; }
    int value;
};

// Throws at its third element.
struct breaking_output {
    using difference_type = std::ptrdiff_t;
    std::vector<int>* out;
    breaking_output& operator*() { return *this; }
    breaking_output& operator++() { return *this; }
    breaking_output operator++(int) { return *this; }
    template <class T>
    breaking_output& operator=(T&& item) {
        if (out->size() == 2) throw std::runtime_error("full");
        if constexpr (std::is_same_v<std::remove_cvref_t<T>, int>) {
            out->push_back(item);
        } else {
            out->push_back(item.value);
        }
        return *this;
    }
};

}  // namespace

TEST_CASE("a throwing copy leaves the queue as it was", "[queue_store]") {
    counts::reset();
    {
        queue<counted> q(2);
        counted bad(1);
        bad.throws_on_copy = true;
        for (int i = 0; i < 5; ++i) {  // neither its room nor its slot is lost
            CHECK_THROWS_WITH(q.push(bad), "copy");
            CHECK_THROWS_WITH(q.try_push(bad), "copy");
            CHECK(q.empty());
        }
        q.emplace(1);
        q.emplace(2);
        CHECK(q.full());
        CHECK(q.pop()->value == 1);
        CHECK(q.join(0s) == false);
    }
    CHECK(counts::alive() == 0);
}

TEST_CASE("a throwing move into the queue leaves it as it was", "[queue_store]") {
    queue<counted> q(1);
    counted bad(1);
    bad.throws_on_move = true;
    CHECK_THROWS_WITH(q.push(std::move(bad)), "move");
    CHECK(q.empty());
    CHECK(q.join(0s));
    CHECK(q.try_emplace(2) == conqueue_status::success);
}

TEST_CASE("a throwing move out loses that item only, which counts as done", "[queue_store]") {
    counts::reset();
    {
        queue<breaks_on_the_way_out> q(3);
        for (int round = 0; round < 3; ++round) {
            q.emplace(1, true);
            q.emplace(2);
            CHECK_THROWS_WITH(q.pop(), "moved");
            CHECK(q.size() == 1);
            CHECK(q.pop()->value == 2);
            q.task_done();
            CHECK(q.join(0s));
            q.emplace(1, true);
            CHECK_THROWS_WITH(q.try_pop(), "moved");
            CHECK(q.join(0s));
            q.emplace(1, true);
            auto loop = q.begin();
            CHECK_THROWS_WITH(*loop, "moved");
            CHECK(q.join(0s));
        }
        q.emplace(1);
        q.emplace(1);
        q.emplace(1);
        CHECK(q.full());
    }
    CHECK(counts::alive() == 0);
}

TEST_CASE("pop_some keeps what stands behind an item that cannot be moved", "[queue_store]") {
    counts::reset();
    {
        queue<breaks_on_the_way_out> q(4);
        q.emplace(0);
        q.emplace(1, true);
        q.emplace(2);
        q.emplace(3);
        std::vector<breaks_on_the_way_out> out;
        out.reserve(4);
        CHECK_THROWS_WITH(q.pop_some(std::back_inserter(out), 4), "moved");
        CHECK(out.size() == 1);
        CHECK(q.size() == 2);
        CHECK(q.pop()->value == 2);
        CHECK(q.pop()->value == 3);
        for (int i = 0; i < 3; ++i) q.task_done();
        CHECK(q.join(0s));
    }
    CHECK(counts::alive() == 0);
}

TEMPLATE_TEST_CASE("an output that throws loses one item and the order stays", "[queue_store]",
                   fifo, lifo, priority<>) {
    queue<int, TestType> q(5);
    const bool newest_first = std::is_same_v<TestType, lifo>;
    for (int i = 0; i < 5; ++i) q.push(newest_first ? 4 - i : i);
    std::vector<int> out;
    CHECK_THROWS_WITH(q.pop_some(breaking_output{&out}, 5), "full");
    CHECK(out == std::vector{0, 1});
    CHECK(q.size() == 2);
    CHECK(q.pop() == 3);
    CHECK(q.pop() == 4);
    for (int i = 0; i < 4; ++i) q.task_done();
    CHECK(q.join(0s));
    for (int i = 0; i < 5; ++i) CHECK(q.try_push(i) == conqueue_status::success);
}

TEST_CASE("a compare that throws leaves the queue as it was", "[queue_store]") {
    queue<int, priority<superstitious>> q(8);
    for (int i : {5, 3, 4, 1}) q.push(i);
    CHECK_THROWS_WITH(q.push(13), "thirteen");
    CHECK(q.size() == 4);
    int out[8] = {};
    CHECK(q.pop_some(out, 8) == 4);
    CHECK((out[0] == 1 && out[1] == 3 && out[2] == 4 && out[3] == 5));
    for (int i = 0; i < 4; ++i) q.task_done();
    q.push(13);
    CHECK(q.pop() == 13);  // nothing to compare
    CHECK_FALSE(q.join(0s));
    q.task_done();
    CHECK(q.join(0s));
}

TEST_CASE("a compare that throws leaves a queue of slots as it was", "[queue_store]") {
    struct careful {
        bool operator()(const counted& a, const counted& b) const {
            return superstitious()(a.value, b.value);
        }
    };
    counts::reset();
    {
        queue<counted, priority<careful>> q(2);
        q.emplace(1);
        CHECK_THROWS_WITH(q.emplace(13), "thirteen");
        CHECK_THROWS_WITH(q.emplace(13), "thirteen");
        q.emplace(0);
        CHECK(q.full());
        CHECK(q.pop()->value == 0);
        CHECK(q.pop()->value == 1);
    }
    CHECK(counts::alive() == 0);
}

TEST_CASE("nobody waits for a slow move of another thread", "[queue_store]") {
    expectations expect;
    within(60s, [&] {
        queue<slow> q(3);
        q.emplace(1);
        q.emplace(2);
        gate gates[2];
        slow::waits_at = gates;
        std::jthread consumer([&] { expect(q.pop()->value == 1); });
        gates[0].wait();  // it is in the move now
        CHECK(q.size() == 1);
        CHECK(q.try_pop()->value == 2);
        CHECK(q.try_pop().error() == conqueue_status::empty);
        CHECK(q.try_emplace(3) == conqueue_status::success);
        CHECK(q.try_emplace(4) == conqueue_status::success);
        CHECK(q.try_emplace(5) == conqueue_status::full);  // the moved one still has its room
        q.close();
        CHECK(q.try_pop()->value == 3);
        gates[1].open();
    });
    CHECK(expect.failures() == "");
}

TEST_CASE("nobody waits for a slow pop_some of another thread", "[queue_store]") {
    queue<slow> q(8);
    for (int i = 0; i < 4; ++i) q.emplace(i);
    gate gates[2];
    within(60s, [&] {
        slow::waits_at = gates;
        std::jthread slow_one([&] {
            std::vector<slow> out;
            q.pop_some(std::back_inserter(out), 2);
        });
        gates[0].wait();
        CHECK(q.try_pop().value().value == 2);
        CHECK(q.try_emplace(4) == conqueue_status::success);
        gates[1].open();
    });
    CHECK(q.size() == 2);
}

TEST_CASE("nobody waits for a slow push, which succeeds even if the queue is closed meanwhile",
          "[queue_store]") {
    within(60s, [&] {
        queue<slow> q(2);
        gate gates[2];
        slow::waits_at = gates;
        bool pushed = false;
        std::jthread producer([&] { pushed = q.push(slow(1)); });
        gates[0].wait();
        CHECK(q.try_pop().error() == conqueue_status::empty);
        CHECK(q.try_emplace(2) == conqueue_status::success);
        CHECK(q.try_emplace(3) == conqueue_status::full);
        q.close();
        CHECK(q.pop()->value == 2);
        CHECK(q.try_pop().error() == conqueue_status::empty);  // not closed: one is on its way
        gates[1].open();
        CHECK(q.pop()->value == 1);
        CHECK_FALSE(q.pop());
        producer.join();
        CHECK(pushed);
    });
}

TEST_CASE("the end of a closed queue comes when a push that was under way fails", "[queue_store]") {
    struct late_failure {
        explicit late_failure(gate* gates) {
            gates[0].open();
            gates[1].wait();
            throw std::runtime_error("late");
        }
        late_failure(late_failure&&) noexcept {}
    };
    expectations expect;
    within(60s, [&] {
        queue<late_failure> q(1);
        gate gates[2];
        std::jthread producer([&] { expect(throws("late", [&] { q.emplace(gates); })); });
        gates[0].wait();
        q.close();
        CHECK(q.try_pop().error() == conqueue_status::empty);
        std::jthread consumer([&] { expect(!q.pop()); });
        CHECK(q.try_pop_for(1ms).error() == conqueue_status::empty);
        gates[1].open();
    });
    CHECK(expect.failures() == "");
}

TEST_CASE("the item of a slow push is dropped by close_and_discard", "[queue_store]") {
    expectations expect;
    within(60s, [&] {
        queue<slow> q;
        gate gates[2];
        slow::waits_at = gates;
        std::jthread producer([&] { expect(q.push(slow(1))); });
        gates[0].wait();
        CHECK(q.close_and_discard() == 0);
        gates[1].open();
        CHECK_FALSE(q.pop());  // ends when the push has
        CHECK(q.join(0s));
    });
    CHECK(expect.failures() == "");
}

TEST_CASE("what a slow pop_some cannot put back after close_and_discard is dropped",
          "[queue_store]") {
    counts::reset();
    struct meddler {
        using difference_type = std::ptrdiff_t;
        queue<counted>* q;
        meddler& operator*() { return *this; }
        meddler& operator++() { return *this; }
        meddler operator++(int) { return *this; }
        meddler& operator=(counted&&) {
            q->close_and_discard();
            throw std::runtime_error("no more");
        }
    };
    {
        queue<counted> q(4);
        for (int i = 0; i < 4; ++i) q.emplace(i);
        CHECK_THROWS_WITH(q.pop_some(meddler{&q}, 3), "no more");
        CHECK_FALSE(q.pop());
        CHECK(q.join(0s));
    }
    CHECK(counts::alive() == 0);
}

TEMPLATE_TEST_CASE("a bounded queue allocates in its constructor only", "[queue_store]", fifo, lifo,
                   priority<by_value>) {
    allocations::reset();
    {
        queue<counted, TestType, counting_allocator<counted>> q(10);
        const int before = allocations::made;
        CHECK(before <= 2);
        for (int round = 0; round < 3; ++round) {
            for (int i = 0; i < 10; ++i) q.emplace(i);
            CHECK(q.try_emplace(0) == conqueue_status::full);
            for (int i = 0; i < 7 + round; ++i) q.pop();
            while (q.try_pop()) {
            }
        }
        CHECK(allocations::made == before);
    }
    CHECK(allocations::made == allocations::freed);
}

TEMPLATE_TEST_CASE("a bounded queue of small items allocates once", "[queue_store]", fifo, lifo,
                   priority<>) {
    allocations::reset();
    {
        queue<int, TestType, counting_allocator<int>> q(10);
        CHECK(allocations::made == 1);
        for (int round = 0; round < 10; ++round) {
            while (q.try_push(round) == conqueue_status::success) {
            }
            for (int i = 0; i < round + 1; ++i) q.try_pop().value();
        }
        CHECK(allocations::made == 1);
    }
    CHECK(allocations::freed == 1);
}

TEMPLATE_TEST_CASE("no way to push, pop or wait allocates in a bounded queue", "[queue_store]", int,
                   counted) {
    const auto make = [](int number) { return TestType(number); };
    allocations::reset();
    queue<TestType, fifo, counting_allocator<TestType>> q(4);
    const int before = allocations::made;
    within(60s, [&] {
        std::vector<TestType> some;
        some.reserve(64);
        for (int i = 0; i < 40; ++i) some.push_back(make(i));
        std::jthread producer([&] {
            const std::stop_source never;
            q.push_range(std::move(some));  // waits for room
            for (int i = 0; i < 40; ++i) q.push(make(i), never.get_token());
            for (int i = 0; i < 40; ++i) q.try_push_for(make(i), 1h);
            q.close();
        });
        std::vector<TestType> out;
        out.reserve(200);
        for (int i = 0; i < 20; ++i) q.pop_some(std::back_inserter(out), 3);
        const std::stop_source never;
        for (int i = 0; i < 10; ++i) q.pop(never.get_token());
        for (auto& item : q) static_cast<void>(item);
    });
    CHECK(allocations::made == before);
}

TEST_CASE("what random steps leave is destroyed by the thread that destroys the queue",
          "[queue_store]") {
    std::minstd_rand random(4);
    for (int round = 0; round < 50; ++round) {
        auto q = std::make_unique<queue<noted>>(8);
        within(60s, [&] {
            std::jthread steps([&] {
                for (auto left = random() % 100; left > 0; --left) {
                    if (random() % 5 < 3) {
                        static_cast<void>(q->try_emplace(1));
                    } else {
                        static_cast<void>(q->try_pop());
                    }
                }
            });
        });
        REQUIRE(noted::alive == static_cast<int>(q->size()));
        const auto here = std::this_thread::get_id();
        noted::watch = &here;
        q.reset();
        noted::watch = nullptr;
        CHECK(noted::alive == 0);
        CHECK(noted::elsewhere == 0);
    }
}

TEST_CASE("a pop whose item is lost lets a blocked producer go on", "[queue_store][pinned]") {
    expectations expect;
    for (int round = 0; round < 100; ++round) {
        queue<breaks_on_the_way_out> q(1);
        q.emplace(1, true);
        within(60s, [&] {
            std::jthread producer([&] { expect(q.emplace(2)); });
            if (round % 2 == 0) std::this_thread::yield();
            expect(throws("moved", [&] { static_cast<void>(q.pop()); }));
        });
        CHECK(q.size() == 1);
    }
    CHECK(expect.failures() == "");
}

TEST_CASE("an unbounded queue gives all its memory back", "[queue_store]") {
    allocations::reset();
    counts::reset();
    {
        queue<counted, fifo, counting_allocator<counted>> q;
        for (int i = 0; i < 500; ++i) q.emplace(i);
        for (int i = 0; i < 300; ++i) CHECK(q.pop()->value == i);
    }
    CHECK(allocations::made == allocations::freed);
    CHECK(counts::alive() == 0);
}

TEST_CASE("the allocator makes and destroys the items", "[queue_store]") {
    allocations::reset();
    {
        queue<int, fifo, constructing_allocator<int>> q(4);
        for (int i = 0; i < 4; ++i) q.push(i);
        CHECK(allocations::constructed == 4);
        q.pop();
        CHECK(allocations::destroyed == 1);
    }
    CHECK(allocations::constructed == allocations::destroyed);
    CHECK(allocations::made == allocations::freed);
}

TEST_CASE("items use the queue's memory resource", "[queue_store]") {
    std::pmr::monotonic_buffer_resource memory;
    queue<std::pmr::string, fifo, std::pmr::polymorphic_allocator<std::pmr::string>> q(2, &memory);
    q.push("a text that is too long for the string itself");
    auto item = q.pop();
    REQUIRE(item);
    CHECK(item->get_allocator().resource() == &memory);
}

TEMPLATE_TEST_CASE("what is left is destroyed with the queue, once", "[queue_store]", fifo, lifo,
                   priority<by_value>) {
    counts::reset();
    {
        queue<counted, TestType> q(7);
        for (int i = 0; i < 7; ++i) q.emplace(i);
        q.pop();
        q.emplace(8);
    }
    CHECK(counts::alive() == 0);
    {
        queue<counted, TestType> q;
        for (int i = 0; i < 7; ++i) q.emplace(i);
        CHECK(q.close_and_discard() == 7);
        CHECK(counts::alive() == 0);
    }
    CHECK(counts::alive() == 0);
}

TEST_CASE("the queue keeps nothing of an item that was taken", "[queue_store]") {
    queue<std::shared_ptr<int>> q(2);
    auto item = std::make_shared<int>(1);
    q.push(item);
    CHECK(item.use_count() == 2);
    q.pop();
    CHECK(item.use_count() == 1);
}

TEST_CASE("items may be over-aligned", "[queue_store]") {
    queue<over_aligned> bounded(3);
    queue<over_aligned, lifo> unbounded;
    for (int i = 0; i < 3; ++i) {
        bounded.emplace(i);
        unbounded.emplace(i);
    }
    for (over_aligned& item : bounded) {
        CHECK(item.is_aligned());
        if (item.value == 2) break;
    }
    CHECK(unbounded.pop()->is_aligned());
}

TEST_CASE("items may be large, move-only or without assignment", "[queue_store]") {
    struct large {
        char bytes[4096];
        int value;
    };
    queue<large> q(2);
    q.push(large{{}, 5});
    CHECK(q.pop()->value == 5);
    struct constant {
        const int value;
    };
    queue<constant, priority<by_value>> constants;
    for (int i : {3, 1, 2}) constants.push(constant{i});
    for (int i : {1, 2, 3}) CHECK(constants.pop()->value == i);
    queue<std::unique_ptr<int>, lifo> pointers;
    pointers.push(std::make_unique<int>(1));
    CHECK(**pointers.pop() == 1);
}

namespace {

// Calls a function for each item that is written.
template <class F>
struct each {
    F* f;
    using difference_type = std::ptrdiff_t;
    each& operator*() { return *this; }
    each& operator++() { return *this; }
    each operator++(int) { return *this; }
    template <class T>
    each& operator=(T&& item) {
        (*f)(std::forward<T>(item));
        return *this;
    }
};

}  // namespace

TEST_CASE("nobody is told of the end while items may come back", "[queue_store]") {
    within(20s, [] {
        queue<std::string> q;
        q.push_range(std::vector<std::string>{"a", "b", "c"});
        q.close();
        gate started;
        gate go;
        std::optional<std::string> second;
        std::jthread other([&] {
            started.wait();
            go.open();
            second = q.pop();
        });
        auto fail = [&](std::string&&) {
            started.open();
            go.wait();
            throw std::runtime_error("full");
        };
        CHECK_THROWS_WITH(q.pop_some(each<decltype(fail)>{&fail}, 10), "full");
        other.join();
        CHECK(second == "b");
        CHECK(q.pop() == "c");
        CHECK_FALSE(q.pop());
    });
}

TEST_CASE("a push that is dropped gives everything back before the end is seen", "[queue_store]") {
    static gate made;
    static gate go;
    struct late {
        explicit late(int) {
            made.open();
            go.wait();
        }
        late(late&&) noexcept {}
    };
    within(20s, [] {
        auto* const q = new queue<late>(2);
        bool pushed = false;
        std::jthread producer([q, &pushed] { pushed = q->emplace(1); });
        made.wait();
        CHECK(q->close_and_discard() == 0);
        go.open();
        CHECK_FALSE(q->pop());
        delete q;
        producer.join();
        CHECK(pushed);
    });
}

TEST_CASE("writing may mark the item done and then throw", "[queue_store]") {
    queue<int> q;
    q.push_range(std::vector{1, 2, 3});
    auto fail = [&](int) {
        q.task_done();
        q.task_done();
        q.task_done();
        throw std::runtime_error("full");
    };
    CHECK_THROWS_WITH(q.pop_some(each<decltype(fail)>{&fail}, 10), "full");
    CHECK(q.size() == 2);
    CHECK(q.pop() == 2);
    CHECK(q.pop() == 3);
}

TEST_CASE("a comparison that throws late ends a long pop_some early", "[queue_store]") {
    static bool armed = false;
    struct touchy {
        bool operator()(const std::string& a, const std::string& b) const {
            if (armed) throw std::runtime_error("compare");
            return a < b;
        }
    };
    queue<std::string, priority<touchy>> q;
    for (int i = 0; i < 40; ++i) q.push(std::string(1, 'a'));
    std::size_t written = 0;
    auto count = [&](std::string&&) { armed = ++written == 32; };
    CHECK(q.pop_some(each<decltype(count)>{&count}, 100) == 32);
    CHECK(q.size() == 8);
    CHECK_THROWS_WITH(q.pop_some(each<decltype(count)>{&count}, 100), "compare");
    armed = false;
}
