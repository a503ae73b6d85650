// SPDX-License-Identifier: BSL-1.0
// Where a thread pool could hang, starve or pile up, though everything simple works: calls that a
// map's caller makes itself, busy threads, cancelled calls in a full queue, tasks without end.
#include <tandem/executor/thread_pool.hpp>

#include "../support/catch.hpp"
#include "../support/gate.hpp"
#include "../support/within.hpp"

#include <tandem/future/promise.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using tandem::future;
using tandem::thread_pool;

namespace {

std::vector<int> numbers(int count) {
    std::vector<int> result(static_cast<std::size_t>(count));
    std::iota(result.begin(), result.end(), 0);
    return result;
}

// Keeps some of a pool's threads busy until it is released.
class busy {
   public:
    busy(thread_pool& pool, int threads) : here_(static_cast<std::size_t>(threads) + 1) {
        for (int i = 0; i < threads; ++i) {
            futures_.push_back(pool.submit([this] {
                here_.arrive_and_wait();
                go_.wait();
            }));
        }
        here_.arrive_and_wait();
    }
    busy(const busy&) = delete;
    busy& operator=(const busy&) = delete;
    ~busy() {
        go_.open();
        for (auto& f : futures_) f.wait();
    }

   private:
    meeting here_;
    gate go_;
    std::vector<future<void>> futures_;
};

// Time for another thread to get to where it has to wait: whatever comes first, the test is right.
void some_time() { static_cast<void>(tandem::promise<void>().get_future().wait_for(5ms)); }

}  // namespace

// Long loops

TEST_CASE("few threads finish a long loop of short calls though the others are busy",
          "[thread_pool_edges][pinned]") {
    for (const int workers : {1, 2, 4, 16}) {
        within(200s, [&] {
            thread_pool pool(workers);
            const busy others(pool, workers);
            std::atomic<int> made{0};
            pool.for_each([&](int) { made.fetch_add(1, std::memory_order_relaxed); },
                          numbers(300'000));
            CHECK(made == 300'000);
        });
    }
}

TEST_CASE("a loop of more than 2^32 calls takes no memory for each", "[thread_pool_edges]") {
    // It ends with the first call that throws: such a vector would not be had before.
    thread_pool pool({.workers = 2, .on_error = [](std::exception_ptr) {}});
    const auto ends_at = [&](auto count, auto bad) {
        try {
            pool.for_each(
                [&](auto x) {
                    if (x >= bad) throw x;
                },
                std::views::iota(decltype(count){0}, count));
        } catch (const decltype(count)& x) {
            return x == bad;
        }
        return false;
    };
    within(200s, [&] {
        CHECK(ends_at((std::uint64_t{1} << 40) + 5, std::uint64_t{100'000}));
        CHECK(ends_at((std::int64_t{1} << 40) + 5, std::int64_t{100'000}));
    });
}

// A caller of a map makes some of its calls: they are calls of the pool as any other.

TEST_CASE("no call of a map may wait for the pool to be idle", "[thread_pool_edges][pinned]") {
    within(60s, [] {
        thread_pool pool(2);
        std::atomic<int> refused{0};
        pool.for_each(
            [&](int) {
                try {
                    pool.wait_idle();
                } catch (const tandem::invalid_state&) {
                    ++refused;
                }
            },
            numbers(20));
        CHECK(refused == 20);
        pool.close();
    });
}

TEST_CASE("every call of a map may submit after close", "[thread_pool_edges][pinned]") {
    within(100s, [] {
        for (int round = 0; round < 50; ++round) {
            thread_pool pool(2);
            meeting both(2);
            std::atomic<int> begun{0};
            std::atomic<int> sum{0};
            pool.for_each(
                [&](int x) {
                    if (begun++ < 2) both.arrive_and_wait();
                    pool.close();
                    sum += pool.submit([x] { return x; }).get();
                    pool.for_each([&](int y) { sum += y; }, numbers(3));
                },
                numbers(10));
            REQUIRE(sum == 45 + 10 * 3);
            CHECK_THROWS_AS(pool.submit([] {}), tandem::pool_closed);
        }
    });
}

TEST_CASE("a call of a map that waits for a task makes it, with a lock held too",
          "[thread_pool_edges][pinned]") {
    // The pool's only thread waits for the lock that the call holds.
    const auto with_lock = [](thread_pool& pool, const std::function<void()>& call) {
        for (int round = 0; round < 20; ++round) {
            std::mutex mutex;  // guards nothing
            gate held;
            auto other = pool.submit([&] {
                held.wait();
                const std::lock_guard hold(mutex);
            });
            pool.for_each(
                [&](int) {
                    const std::lock_guard hold(mutex);
                    held.open();
                    call();
                },
                numbers(5));
            other.wait();
        }
    };
    within(100s, [&] {
        std::atomic<int> made{0};
        {
            thread_pool pool({.workers = 1, .on_error = [&](std::exception_ptr) { ++made; }});
            with_lock(pool, [&] { pool.submit([&] { ++made; }).get(); });
            CHECK(made == 100);
            with_lock(pool, [&] {
                const auto [a, b] = pool.fork_join([] { return 1; }, [&] { return ++made; });
                if (a != 1 || b == 0) made = -1'000'000;
            });
            CHECK(made == 200);
            // Both sides throw: one is told to on_error, unless it was not made at all.
            with_lock(pool, [&] {
                CHECK_THROWS_AS(pool.fork_join([] { throw std::runtime_error("f"); },
                                               [] { throw std::logic_error("g"); }),
                                std::runtime_error);
            });
            made = 0;
            with_lock(pool, [&] {
                for (const int x : pool.imap([](int x) { return x; }, numbers(3))) made += x;
            });
            CHECK(made == 300);
        }
        thread_pool bounded({.workers = 1, .queue_capacity = 1});
        made = 0;
        with_lock(bounded, [&] {
            for (int i = 0; i < 4; ++i) bounded.detach([&] { ++made; });
            bounded.submit([&](std::stop_token) { ++made; }).get();
        });
        bounded.wait_idle();
        CHECK(made == 500);
        CHECK(bounded.stats().done == 20 * (1 + 5 + 25));
    });
}

TEST_CASE("any call of a map may be what destroys the pool", "[thread_pool_edges][pinned]") {
    within(100s, [] {
        for (int round = 0; round < 100; ++round) {
            std::atomic<int> made{0};
            auto pool = std::make_unique<thread_pool>(2);
            auto& used = *pool;
            used.for_each(
                [&](int x) {
                    ++made;
                    if (x == 50) pool.reset();
                },
                numbers(100), {.chunk_size = 1});
            REQUIRE(made == 100);
        }
    });
}

// Full queues

TEST_CASE("a cancel lets a submitter in that waits for room", "[thread_pool_edges][pinned]") {
    within(100s, [] {
        for (int round = 0; round < 20; ++round) {
            thread_pool pool({.workers = 1, .queue_capacity = 1});
            std::optional<busy> thread(std::in_place, pool, 1);
            const auto waiting = pool.submit([] {});
            std::thread submitter([&] { pool.detach([] {}); });
            if (round % 2 == 0) some_time();
            CHECK(waiting.cancel());
            submitter.join();
        }
    });
}

TEST_CASE("a call that a waiting task makes lets a submitter in", "[thread_pool_edges][pinned]") {
    within(100s, [] {
        for (int round = 0; round < 20; ++round) {
            thread_pool pool({.workers = 1, .queue_capacity = 1});
            gate full;
            gate submitting;
            gate in;
            auto outer = pool.submit([&] {
                auto inner = pool.submit([&] { in.wait(); });
                full.open();
                submitting.wait();
                inner.get();
            });
            full.wait();
            std::thread submitter([&] {
                submitting.open();
                pool.detach([] {});
                in.open();
            });
            outer.get();
            submitter.join();
        }
    });
}

// Tasks without end

namespace {

// Submits itself again until it is told to stop, as a task does that polls.
class endless {
   public:
    endless(thread_pool& pool, const std::atomic<bool>& stop) : pool_(&pool), stop_(&stop) {}
    void operator()() const {
        if (!*stop_) pool_->detach(*this);
    }

   private:
    thread_pool* pool_;
    const std::atomic<bool>* stop_;
};

}  // namespace

TEST_CASE("a task that submits itself for ever starves none that its thread submitted",
          "[thread_pool_edges][pinned]") {
    within(100s, [] {
        thread_pool pool(1);
        std::atomic<bool> made{false};
        pool.apply([&] {
            pool.detach([&] { made = true; });
            pool.detach(endless(pool, made));
        });
        pool.wait_idle();
        CHECK(made);
    });
}

TEST_CASE("a task that submits itself for ever starves none of a busy thread",
          "[thread_pool_edges][pinned]") {
    within(100s, [] {
        thread_pool pool(2);
        std::atomic<bool> made{false};
        gate looping;
        gate done;
        pool.detach([&] {
            looping.wait();
            pool.detach([&] {
                made = true;
                done.open();
            });
            done.wait();  // busy: the other thread has to make it
        });
        pool.detach([&] {
            pool.detach(endless(pool, made));
            looping.open();
        });
        pool.wait_idle();
        CHECK(made);
    });
}

// What is left over

TEST_CASE("a long task that maps again and again leaves nothing in its thread's queue",
          "[thread_pool_edges]") {
    within(100s, [] {
        thread_pool pool(4);
        const busy others(pool, 3);
        const auto queued = pool.apply([&] {
            for (int i = 0; i < 1'000; ++i) pool.for_each([](int) {}, numbers(8));
            return pool.stats().queued;
        });
        CHECK(queued == 0);
    });
}

TEST_CASE("a lazy map that is dropped makes none of the calls that were not begun",
          "[thread_pool_edges]") {
    within(100s, [] {
        thread_pool pool(1);
        std::atomic<int> calls{0};
        gate second;
        gate dropping;
        gate go;
        std::thread later([&] {
            dropping.wait();
            some_time();
            go.open();
        });
        {
            auto results = pool.imap(
                [&](int x) {
                    ++calls;
                    if (x == 1) {
                        second.open();
                        go.wait();
                    }
                    return x;
                },
                numbers(100), {.chunk_size = 50, .window = 100});
            CHECK(*results.begin() == 0);
            second.wait();
            dropping.open();
        }
        later.join();
        CHECK(calls == 2);
    });
}
