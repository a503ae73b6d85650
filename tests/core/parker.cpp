// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/parker.hpp>

#include "../support/catch.hpp"
#include "../support/within.hpp"

#include <atomic>
#include <chrono>
#include <climits>
#include <ctime>
#include <mutex>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using tandem::deadline;
using tandem::detail::park;
using tandem::detail::unpark;
using tandem::detail::wait_point;

namespace {

std::chrono::nanoseconds cpu_time() {
    timespec now{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace

TEST_CASE("park returns at once when the word holds another value", "[parker]") {
    const std::atomic<std::uint32_t> word{1};
    within(10s, [&] { CHECK(park(word, 0)); });
}

TEST_CASE("park returns false when the time runs out", "[parker]") {
    const std::atomic<std::uint32_t> word{0};
    const auto before = std::chrono::steady_clock::now();
    const deadline until(20ms);
    while (park(word, 0, until)) {
    }
    CHECK(std::chrono::steady_clock::now() - before >= 20ms);
}

TEST_CASE("park does not sleep when the time is already over", "[parker]") {
    const std::atomic<std::uint32_t> word{0};
    within(10s, [&] {
        CHECK_FALSE(park(word, 0, deadline(0s)));
        CHECK_FALSE(park(word, 0, deadline(-1s)));
    });
}

TEST_CASE("a parked thread is woken", "[parker]") {
    std::atomic<std::uint32_t> word{0};
    within(30s, [&] {
        std::thread sleeper([&] {
            while (word.load() == 0) park(word, 0);
        });
        word.store(1);
        unpark(word, 1);
        sleeper.join();
    });
    CHECK(word == 1);
}

TEST_CASE("unpark of a word that nobody sleeps on does nothing", "[parker]") {
    const std::atomic<std::uint32_t> word{0};
    CHECK_NOTHROW(unpark(word, INT_MAX));
}

TEST_CASE("a wait point does not sleep when the condition holds", "[parker]") {
    wait_point point;
    within(10s, [&] {
        CHECK(point.wait_until([] { return true; }));
        CHECK(point.wait_until([] { return true; }, deadline(-1s)));
    });
}

TEST_CASE("a timed wait returns false when the condition does not come true", "[parker]") {
    wait_point point;
    const auto before = std::chrono::steady_clock::now();
    within(30s, [&] { CHECK_FALSE(point.wait_until([] { return false; }, deadline(20ms))); });
    CHECK(std::chrono::steady_clock::now() - before >= 20ms);
    within(10s, [&] { CHECK_FALSE(point.wait_until([] { return false; }, deadline(0s))); });
}

TEST_CASE("a notification between prepare and wait is not lost", "[parker]") {
    wait_point point;
    within(10s, [&] {
        const auto ticket = point.prepare();
        point.notify_one();
        CHECK(point.wait(ticket));
    });
}

TEST_CASE("a notification before prepare does not end a later wait", "[parker]") {
    wait_point point;
    point.notify_all();
    const auto ticket = point.prepare();
    within(30s, [&] { CHECK_FALSE(point.wait(ticket, deadline(5ms))); });
}

TEST_CASE("a wait that was taken back leaves nothing behind", "[parker]") {
    wait_point point;
    static_cast<void>(point.prepare());
    point.cancel();
    const auto ticket = point.prepare();
    within(30s, [&] { CHECK_FALSE(point.wait(ticket, deadline(1ms))); });
}

TEST_CASE("notify_all wakes every waiter", "[parker][pinned]") {
    wait_point point;
    std::atomic<bool> go{false};
    within(60s, [&] {
        std::vector<std::thread> waiters;
        for (int i = 0; i < 16; ++i) {
            waiters.emplace_back([&] { point.wait_until([&] { return go.load(); }); });
        }
        go.store(true);
        point.notify_all();
        for (auto& waiter : waiters) waiter.join();
    });
}

TEST_CASE("a waiter that ran out of time does not swallow the wake-up of another", "[parker]") {
    wait_point point;
    std::atomic<bool> go{false};
    within(60s, [&] {
        std::thread patient([&] { point.wait_until([&] { return go.load(); }); });
        for (int i = 0; i < 50; ++i) point.wait_until([&] { return go.load(); }, deadline(100us));
        go.store(true);
        point.notify_one();
        patient.join();
    });
}

TEST_CASE("no wake-up is lost between two threads that take turns", "[parker][pinned]") {
    wait_point point;
    std::atomic<int> turn{0};
    constexpr int rounds = 20'000;
    const auto play = [&](int me) {
        for (int i = 0; i < rounds; ++i) {
            point.wait_until([&] { return turn.load() % 2 == me; });
            turn.fetch_add(1);
            point.notify_all();
        }
    };
    within(120s, [&] {
        std::thread other([&] { play(1); });
        play(0);
        other.join();
    });
    CHECK(turn == 2 * rounds);
}

TEST_CASE("no wake-up is lost when a mutex guards the condition", "[parker][pinned]") {
    wait_point point;
    std::mutex mutex;
    int tokens = 0;  // guarded by mutex
    constexpr int count = 5'000;
    const auto take = [&] {
        for (int i = 0; i < count; ++i) {
            point.wait_until([&] {
                const std::lock_guard hold(mutex);
                if (tokens == 0) return false;
                --tokens;
                return true;
            });
        }
    };
    within(120s, [&] {
        std::thread first(take);
        std::thread second(take);
        for (int i = 0; i < 2 * count; ++i) {
            {
                const std::lock_guard hold(mutex);
                ++tokens;
            }
            point.notify_one();
        }
        first.join();
        second.join();
    });
    CHECK(tokens == 0);
}

TEST_CASE("a waiting thread uses no CPU", "[parker]") {
    wait_point point;
    const auto before = cpu_time();
    CHECK_FALSE(point.wait_until([] { return false; }, deadline(200ms)));
    CHECK(cpu_time() - before < 50ms);
}
