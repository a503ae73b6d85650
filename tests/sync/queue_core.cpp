// SPDX-License-Identifier: BSL-1.0
#include <tandem/sync/queue_core.hpp>

#include <tandem/sync/queue.hpp>

#include "../support/catch.hpp"
#include "../support/expect.hpp"
#include "../support/within.hpp"

#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

// Every blocking call of the queue, and each way to end it.

using namespace std::chrono_literals;
using tandem::conqueue_status;
using tandem::queue;

namespace {

std::chrono::microseconds cpu_time() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    return std::chrono::seconds(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           std::chrono::microseconds(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

// Calls f in a thread and gives it time to block; this is only so that most runs test what the case
// says: it has to hold at whatever moment the end comes.
template <class F>
std::jthread soon_blocked(F f) {
    std::atomic<bool> begun{false};
    std::jthread thread([&begun, f] {
        begun = true;
        f();
    });
    while (!begun) std::this_thread::yield();
    std::this_thread::sleep_for(5ms);
    return thread;
}

}  // namespace

TEST_CASE("close ends every call that waits for an item", "[queue_core][pinned]") {
    expectations expect;
    queue<int> q;
    const std::stop_source never;
    within(60s, [&] {
        std::vector<std::jthread> all;
        for (int i = 0; i < 16; ++i) {
            all.push_back(soon_blocked([&] { expect(q.pop() == std::nullopt); }));
            all.push_back(soon_blocked([&] { expect(q.pop(never.get_token()) == std::nullopt); }));
        }
        all.push_back(
            soon_blocked([&] { expect(q.try_pop_for(1h).error() == conqueue_status::closed); }));
        all.push_back(soon_blocked([&] {
            const auto later = std::chrono::system_clock::now() + 1h;
            expect(q.try_pop_until(later).error() == conqueue_status::closed);
        }));
        all.push_back(soon_blocked([&] {
            std::vector<int> out;
            expect(q.pop_some(std::back_inserter(out), 5) == 0);
        }));
        all.push_back(soon_blocked([&] {
            for ([[maybe_unused]] int item : q) expect(false);
        }));
        all.push_back(soon_blocked([&] {
            queue<int> other;
            expect(tandem::wait_any(tandem::deadline::never(), other, q) == 1U);
        }));
        q.close();
    });
    CHECK(expect.failures() == "");
}

TEST_CASE("close with a reason ends pops that wait with it", "[queue_core]") {
    expectations expect;
    queue<int> q;
    within(60s, [&] {
        auto first =
            soon_blocked([&] { expect(throws("why", [&] { static_cast<void>(q.pop()); })); });
        auto second = soon_blocked(
            [&] { expect(throws("why", [&] { static_cast<void>(q.begin() == q.end()); })); });
        q.close(std::make_exception_ptr(std::runtime_error("why")));
    });
    CHECK(expect.failures() == "");
}

TEST_CASE("close ends every call that waits for room, and leaves the items alone",
          "[queue_core][pinned]") {
    expectations expect;
    queue<std::unique_ptr<int>> q(1);
    q.push(std::make_unique<int>(0));
    const std::stop_source never;
    const auto refused = [&](auto push) {
        auto item = std::make_unique<int>(1);
        push(std::move(item));
        expect(item && *item == 1);
    };
    within(60s, [&] {
        std::vector<std::jthread> all;
        for (int i = 0; i < 16; ++i) {
            all.push_back(soon_blocked([&] {
                refused([&](std::unique_ptr<int>&& p) { expect(!q.push(std::move(p))); });
            }));
            all.push_back(soon_blocked([&] {
                refused([&](std::unique_ptr<int>&& p) { expect(!q.emplace(std::move(p))); });
            }));
        }
        all.push_back(soon_blocked([&] {
            refused([&](std::unique_ptr<int>&& p) {
                expect(!q.push(std::move(p), never.get_token()));
            });
        }));
        all.push_back(soon_blocked([&] {
            refused([&](std::unique_ptr<int>&& p) {
                expect(q.try_push_for(std::move(p), 1h) == conqueue_status::closed);
            });
        }));
        all.push_back(soon_blocked([&] {
            std::vector<std::unique_ptr<int>> several(3);
            expect(q.push_range(std::move(several)) == 0);
        }));
        q.close();
    });
    CHECK(q.pop());
    CHECK_FALSE(q.pop());
    CHECK(expect.failures() == "");
}

TEST_CASE("close_and_discard ends waits on both sides and joins", "[queue_core]") {
    expectations expect;
    queue<int> q(1);
    q.push(1);
    within(60s, [&] {
        auto pushing = soon_blocked([&] { expect(!q.push(2)); });
        auto joining = soon_blocked([&] { q.join(); });
        auto timed = soon_blocked([&] { expect(q.join(1h)); });
        CHECK(q.close_and_discard() == 1);
    });
    CHECK(expect.failures() == "");
}

TEST_CASE("a stop ends the calls that take a token, which take and leave nothing",
          "[queue_core][pinned]") {
    expectations expect;
    queue<std::unique_ptr<int>> empty;
    queue<std::unique_ptr<int>> full(1);
    full.push(nullptr);
    std::stop_source stop;
    within(60s, [&] {
        auto popping = soon_blocked([&] { expect(!empty.pop(stop.get_token())); });
        auto pushing = soon_blocked([&] {
            auto item = std::make_unique<int>(1);
            expect(!full.push(std::move(item), stop.get_token()));
            expect(item != nullptr);
        });
        stop.request_stop();
    });
    CHECK_FALSE(empty.is_closed());
    empty.push(nullptr);
    CHECK_FALSE(empty.pop(stop.get_token()));  // it was requested before
    CHECK(empty.size() == 1);
    full.pop();
    CHECK_FALSE(full.push(nullptr, stop.get_token()));
    CHECK(full.empty());
    CHECK(expect.failures() == "");
}

TEST_CASE("a stopped waiter hands its wake-up on", "[queue_core][pinned]") {
    for (int round = 0; round < 200; ++round) {
        queue<int> q;
        std::stop_source stop;
        within(60s, [&] {
            std::atomic<int> got{0};
            std::jthread impatient([&] {
                if (q.pop(stop.get_token())) ++got;
            });
            std::jthread patient([&] {
                if (q.pop()) ++got;
            });
            std::jthread stopping([&] { stop.request_stop(); });
            q.push(1);
            q.push(2);
            patient.join();
            impatient.join();
            CHECK(static_cast<std::size_t>(got) + q.size() == 2);
        });
    }
}

TEST_CASE("join ends at its deadline", "[queue_core]") {
    queue<int> q;
    q.push(1);
    const auto before = std::chrono::steady_clock::now();
    CHECK_FALSE(q.join(20ms));
    CHECK(std::chrono::steady_clock::now() - before >= 20ms);
}

TEST_CASE("waiters whose time ran out leave nothing behind", "[queue_core][pinned]") {
    expectations expect;
    queue<int> q(1);
    for (int i = 0; i < 1000; ++i) CHECK_FALSE(q.try_pop_for(1us));
    within(60s, [&] {
        auto waiter = soon_blocked([&] { expect(q.pop() == 1); });
        q.push(1);
    });
    q.push(1);
    for (int i = 0; i < 1000; ++i) CHECK(q.try_push_for(2, 1us) == conqueue_status::full);
    within(60s, [&] {
        auto waiter = soon_blocked([&] { expect(q.push(2)); });
        CHECK(q.pop() == 1);
    });
    CHECK(expect.failures() == "");
}

TEST_CASE("one pop lets one blocked push go on, though nobody pops again", "[queue_core][pinned]") {
    expectations expect;
    for (int round = 0; round < 100; ++round) {
        queue<int> q(1);
        q.push(1);
        within(60s, [&] {
            std::jthread producer([&] { expect(q.push(2)); });
            if (round % 2 == 0) std::this_thread::yield();
            CHECK(q.pop() == 1);
        });
    }
    CHECK(expect.failures() == "");
}

TEST_CASE("as many pushes let as many blocked pops go on", "[queue_core][pinned]") {
    for (int round = 0; round < 50; ++round) {
        queue<int> q;
        std::atomic<int> sum{0};
        within(60s, [&] {
            std::vector<std::jthread> consumers;
            for (int i = 0; i < 8; ++i) consumers.emplace_back([&] { sum += q.pop().value(); });
            if (round % 2 == 0) {
                for (int i = 1; i <= 8; ++i) q.push(i);
            } else {
                q.push_range(std::vector{1, 2, 3, 4, 5, 6, 7, 8});
            }
        });
        CHECK(sum == 36);
    }
}

TEST_CASE("a pop of several lets several blocked pushes go on", "[queue_core][pinned]") {
    expectations expect;
    for (int round = 0; round < 50; ++round) {
        queue<int> q(8);
        q.push_range(std::vector<int>(8));
        within(60s, [&] {
            std::vector<std::jthread> producers;
            for (int i = 0; i < 8; ++i) producers.emplace_back([&] { expect(q.push(1)); });
            std::vector<int> out;
            for (std::size_t taken = 0; taken < 8;) {
                taken += q.pop_some(std::back_inserter(out), 8 - taken);
            }
        });
        CHECK(q.size() == 8);
    }
    CHECK(expect.failures() == "");
}

TEST_CASE("an item that cannot be made leaves its room to another producer", "[queue_core]") {
    expectations expect;
    struct fussy {
        explicit fussy(int value) {
            if (value < 0) throw std::runtime_error("negative");
        }
        fussy(fussy&&) noexcept {}
    };
    queue<fussy> q(1);
    within(60s, [&] {
        for (int round = 0; round < 200; ++round) {
            std::jthread good([&] { expect(q.emplace(1)); });
            std::jthread bad(
                [&] { expect(throws("negative", [&] { static_cast<void>(q.emplace(-1)); })); });
            CHECK(q.pop());
            std::jthread last([&] { expect(q.try_pop().error() == conqueue_status::empty); });
        }
    });
    CHECK(expect.failures() == "");
}

TEST_CASE("a blocked consumer uses no CPU", "[queue_core]") {
    expectations expect;
    queue<int> q;
    std::jthread consumer([&] { expect(!q.pop()); });
    std::this_thread::sleep_for(50ms);  // it spins for a moment first
    const auto before = cpu_time();
    std::this_thread::sleep_for(1s);
    CHECK(cpu_time() - before < 20ms);
    q.close();
    consumer.join();
    CHECK(expect.failures() == "");
}

TEST_CASE("a blocked producer, join and wait_any use no CPU", "[queue_core]") {
    expectations expect;
    queue<int> q(1);
    queue<int> other;
    q.push(1);
    std::jthread producer([&] { expect(!q.push(2)); });
    std::jthread joiner([&] { q.join(); });
    std::jthread chooser([&] { expect(tandem::wait_any(1h, other) == 0U); });
    std::this_thread::sleep_for(50ms);
    const auto before = cpu_time();
    std::this_thread::sleep_for(500ms);
    CHECK(cpu_time() - before < 20ms);
    q.close_and_discard();
    other.close();
    chooser.join();
    producer.join();
    CHECK(expect.failures() == "");
}
