// SPDX-License-Identifier: BSL-1.0
#include <tandem/executor/thread_pool.hpp>

#include "../support/gate.hpp"
#include "common_cases.hpp"

#include <atomic>
#include <cstdint>
#include <ctime>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using tandem::future;
using tandem::thread_pool;
using tandem::thread_pool_options;

namespace {

std::chrono::nanoseconds cpu_time() {
    timespec now{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

int fib(thread_pool& pool, int n) {
    if (n < 2) return n;
    auto other = pool.submit([&pool, n] { return fib(pool, n - 1); });
    const int mine = fib(pool, n - 2);
    return mine + other.get();
}

int fork_join_fib(thread_pool& pool, int n) {
    if (n < 2) return n;
    const auto [a, b] = pool.fork_join([&] { return fork_join_fib(pool, n - 1); },
                                       [&] { return fork_join_fib(pool, n - 2); });
    return a + b;
}

int depth(thread_pool& pool, int left) {
    if (left == 0) return 0;
    return pool.submit([&pool, left] { return depth(pool, left - 1); }).get() + 1;
}

// Keeps the pool's only thread busy until it is released.
struct busy {
    explicit busy(thread_pool& pool) {
        pool.detach([this] {
            started.open();
            go.wait();
        });
        started.wait();
    }
    gate started;
    gate go;
};

}  // namespace

TEST_CASE("a thread pool does what every executor does", "[thread_pool]") {
    common::all([] { return thread_pool(2); });
}

// How many threads

TEST_CASE("a pool has as many threads as it is told", "[thread_pool]") {
    CHECK(thread_pool(3).size() == 3);
    CHECK(thread_pool(3L).size() == 3);
    CHECK(thread_pool(3U).size() == 3);
    CHECK(thread_pool({.workers = 2}).size() == 2);
    CHECK(thread_pool().size() == tandem::available_cpus());
    CHECK(thread_pool({.workers = 0}).size() == tandem::available_cpus());
}

TEST_CASE("no thread, fewer or too many are std::invalid_argument", "[thread_pool]") {
    CHECK_THROWS_AS(thread_pool(0), std::invalid_argument);
    CHECK_THROWS_AS(thread_pool(-1), std::invalid_argument);
    CHECK_THROWS_AS(thread_pool(0U), std::invalid_argument);
    CHECK_THROWS_AS(thread_pool(1LL << 40), std::invalid_argument);
    CHECK_THROWS_AS(thread_pool({.workers = -1}), std::invalid_argument);
    CHECK_THROWS_AS(thread_pool(65'535), std::invalid_argument);
    CHECK_THROWS_AS(thread_pool({.workers = 1, .queue_capacity = 0}), std::invalid_argument);
}

TEST_CASE("a pool neither copies nor moves", "[thread_pool]") {
    STATIC_REQUIRE(!std::is_copy_constructible_v<thread_pool>);
    STATIC_REQUIRE(!std::is_move_constructible_v<thread_pool>);
    STATIC_REQUIRE(!std::is_convertible_v<int, thread_pool>);
    STATIC_REQUIRE(std::is_nothrow_destructible_v<thread_pool>);
}

// What can be submitted

TEST_CASE("callables and arguments may be move-only, large and over-aligned", "[thread_pool]") {
    thread_pool pool(2);
    CHECK(pool.submit([p = std::make_unique<int>(3)](std::unique_ptr<int> q) { return *p + *q; },
                      std::make_unique<int>(4))
              .get() == 7);
    struct alignas(128) aligned {
        int value = 5;
        bool operator()() const { return reinterpret_cast<std::uintptr_t>(this) % 128 == 0; }
    };
    CHECK(pool.apply(aligned()));
    std::array<std::byte, 4096> bytes{};
    bytes[4095] = std::byte{9};
    CHECK(pool.apply([bytes] { return bytes[4095] == std::byte{9}; }));
    CHECK(pool.submit([] { return std::make_unique<int>(6); }).get() != nullptr);
}

TEST_CASE("members of classes are submitted as std::invoke calls them", "[thread_pool]") {
    struct account {
        int balance = 5;
        int plus(int x) const { return balance + x; }
        void add(int x) { balance += x; }
    };
    thread_pool pool(1);
    account mine;
    CHECK(pool.apply(&account::plus, mine, 2) == 7);
    pool.apply(&account::add, &mine, 3);
    CHECK(mine.balance == 8);
    pool.apply(&account::add, std::ref(mine), 1);
    CHECK(pool.apply(&account::balance, std::cref(mine)) == 9);
}

TEST_CASE("a tuple or an any as the argument arrives as it is", "[thread_pool]") {
    thread_pool pool(1);
    CHECK(pool.apply([](std::tuple<int> t) { return std::get<0>(t); }, std::tuple(3)) == 3);
    CHECK(pool.apply([](std::tuple<std::tuple<int>> t) { return std::get<0>(std::get<0>(t)); },
                     std::tuple<std::tuple<int>>(std::tuple(4))) == 4);
}

TEST_CASE("results may be references, and need no default constructor", "[thread_pool]") {
    struct no_default {
        explicit no_default(int v) : value(v) {}
        int value;
    };
    thread_pool pool(2);
    int object = 0;
    auto f = pool.submit([&]() -> int& { return object; });
    STATIC_REQUIRE(std::is_same_v<decltype(f), future<int&>>);
    f.get() = 4;
    CHECK(object == 4);
    pool.apply([&]() -> int& { return object; }) = 6;
    CHECK(object == 6);
    CHECK(pool.apply([] { return no_default(3); }).value == 3);
    CHECK(pool.map([](int x) { return no_default(x); }, std::vector{1, 2})[1].value == 2);
    CHECK(*pool.map([](int x) { return std::make_unique<int>(x); }, std::vector{1, 2})[1] == 2);
}

TEST_CASE("callable and arguments are destroyed once, before the future is ready",
          "[thread_pool]") {
    thread_pool pool(1);
    const auto alive = std::make_shared<int>(0);
    auto f = pool.submit([alive](const std::shared_ptr<int>&) {}, alive);
    f.wait();
    CHECK(alive.use_count() == 1);
    busy thread(pool);
    auto g = pool.submit([alive] {});
    CHECK(alive.use_count() == 2);
    CHECK(g.cancel());
    CHECK(alive.use_count() == 1);
    thread.go.open();
}

TEST_CASE("a capture may submit from its destructor", "[thread_pool]") {
    thread_pool pool(1);
    std::atomic<int> called{0};
    struct last_words {
        explicit last_words(thread_pool& p, std::atomic<int>& c) : pool(&p), count(&c) {}
        last_words(last_words&& other) noexcept
            : pool(std::exchange(other.pool, nullptr)), count(other.count) {}
        ~last_words() {
            if (pool) pool->detach([c = count] { ++*c; });
        }
        void operator()() const {}
        thread_pool* pool;
        std::atomic<int>* count;
    };
    within(60s, [&] {
        pool.submit(last_words(pool, called)).get();
        pool.wait_idle();
    });
    CHECK(called == 1);
}

TEST_CASE("an exception leaves the thread as it was", "[thread_pool]") {
    thread_pool pool(1);
    for (int i = 0; i < 100; ++i) {
        auto f = pool.submit([] { throw 5; });
        CHECK_THROWS_AS(f.get(), int);
    }
    CHECK(pool.apply([] { return 1; }) == 1);
}

// Work conservation

TEST_CASE("n tasks that meet always finish, however they were submitted", "[thread_pool][pinned]") {
    within(300s, [] {
        for (int round = 0; round < 30; ++round) {
            for (const int n : {2, 4}) {
                const auto count = static_cast<std::size_t>(n);
                thread_pool pool(n);
                const auto all = common::numbers(n);
                {
                    meeting m(count);
                    std::vector<future<void>> futures;
                    for (int i = 0; i < n; ++i) {
                        futures.push_back(pool.submit([&] { m.arrive_and_wait(); }));
                    }
                    tandem::collect(std::move(futures)).get();
                }
                {
                    meeting m(count);
                    pool.map_async([&](int) { m.arrive_and_wait(); }, all).get();
                }
                {
                    meeting m(count);
                    pool.for_each([&](int) { m.arrive_and_wait(); }, all);
                }
                {
                    meeting m(count);
                    for (int i = 0; i < n; ++i) pool.detach([&] { m.arrive_and_wait(); });
                    pool.wait_idle();
                }
                {
                    meeting m(count);
                    auto one = pool.submit([&] { m.arrive_and_wait(); });
                    pool.map_async([&](int) { m.arrive_and_wait(); }, common::numbers(n - 1)).get();
                    one.get();
                }
                {
                    meeting m(count);
                    for (auto it : pool.imap([&](int x) { return m.arrive_and_wait(), x; }, all,
                                             {.window = n})) {
                        static_cast<void>(it);
                    }
                }
                {
                    meeting m(count);
                    pool.apply([&] {
                        std::vector<future<void>> futures;
                        for (int i = 1; i < n; ++i) {
                            futures.push_back(pool.submit([&] { m.arrive_and_wait(); }));
                        }
                        m.arrive_and_wait();
                        for (auto& f : futures) f.get();
                    });
                }
                {
                    meeting m(count);
                    pool.apply([&] { pool.for_each([&](int) { m.arrive_and_wait(); }, all); });
                }
            }
        }
    });
}

TEST_CASE("tasks meet while somebody waits for the pool to be idle", "[thread_pool][pinned]") {
    within(120s, [] {
        for (int round = 0; round < 50; ++round) {
            thread_pool pool(2);
            meeting m(2);
            pool.detach([&] { m.arrive_and_wait(); });
            std::thread waiter([&] { pool.wait_idle(); });
            pool.detach([&] { m.arrive_and_wait(); });
            waiter.join();
        }
    });
}

TEST_CASE("a hundred thousand tasks from four threads are each made once",
          "[thread_pool][pinned]") {
    thread_pool pool(3);
    std::atomic<int> made{0};
    within(300s, [&] {
        std::vector<std::thread> submitters;
        for (int t = 0; t < 4; ++t) {
            submitters.emplace_back([&] {
                for (int i = 0; i < 25'000; ++i) pool.detach([&] { ++made; });
            });
        }
        for (auto& submitter : submitters) submitter.join();
        pool.wait_idle();
    });
    CHECK(made == 100'000);
}

TEST_CASE("submit and get, again and again, lose no wake-up", "[thread_pool][pinned]") {
    thread_pool pool(2);
    within(300s, [&] {
        for (int i = 0; i < 10'000; ++i) REQUIRE(pool.submit([i] { return i; }).get() == i);
    });
}

// Waiting inside a worker

TEST_CASE("a task may wait for its children in a pool of any size", "[thread_pool][pinned]") {
    for (const int workers : {1, 2, 4}) {
        thread_pool pool(workers);
        within(120s, [&] {
            CHECK(fib(pool, 16) == 987);
            CHECK(pool.apply([&] { return fib(pool, 16); }) == 987);
            CHECK(pool.apply([&] { return fork_join_fib(pool, 16); }) == 987);
            CHECK(pool.apply([&] { return depth(pool, 500); }) == 500);
        });
    }
}

TEST_CASE("a task may use every algorithm of its pool", "[thread_pool][pinned]") {
    for (const int workers : {1, 2, 4}) {
        thread_pool pool(workers);
        within(120s, [&] {
            CHECK(pool.apply([&] { return pool.apply(common::twice, 2); }) == 4);
            CHECK(pool.apply([&] { return pool.map(common::twice, common::numbers(50)); }) ==
                  common::doubled(50));
            CHECK(pool.apply([&] {
                return pool.map_async(common::twice, common::numbers(50)).get();
            }) == common::doubled(50));
            CHECK(pool.apply([&] {
                return common::to_vector(pool.imap(common::twice, common::numbers(50)));
            }) == common::doubled(50));
            CHECK(pool.apply([&] {
                return common::to_vector(
                    pool.imap(common::twice, common::numbers(50), {.window = 3, .timeout = 1h}));
            }) == common::doubled(50));
            CHECK(pool.apply([&] {
                int sum = 0;
                for (const int x : pool.imap_unordered(common::twice, common::numbers(50))) {
                    sum += x;
                }
                return sum;
            }) == 50 * 49);
            CHECK(pool.apply([&] {
                std::vector<future<int>> futures;
                for (int i = 0; i < 50; ++i) futures.push_back(pool.submit(common::twice, i));
                return tandem::collect(std::move(futures)).get();
            }) == common::doubled(50));
            CHECK(pool.apply([&] {
                std::vector<future<int>> futures;
                for (int i = 0; i < 50; ++i) futures.push_back(pool.submit(common::twice, i));
                int sum = 0;
                for (auto [index, f] : tandem::as_completed(futures)) sum += f.get();
                return sum;
            }) == 50 * 49);
            for (const auto when :
                 {tandem::return_when::all_completed, tandem::return_when::first_completed,
                  tandem::return_when::first_exception}) {
                CHECK(pool.apply([&] {
                    std::vector<future<int>> futures;
                    for (int i = 0; i < 20; ++i) futures.push_back(pool.submit(common::twice, i));
                    return !tandem::wait(futures, when).done.empty();
                }));
            }
            CHECK(pool.apply([&] {
                const auto shared = pool.submit(common::twice, 4).share();
                shared.wait();
                return shared.get();
            }) == 8);
        });
    }
}

TEST_CASE("maps nest", "[thread_pool][pinned]") {
    for (const int workers : {1, 2, 4}) {
        thread_pool pool(workers);
        const auto row = [&](int i) {
            const auto cells = pool.map([i](int j) { return i * j; }, common::numbers(10));
            return std::accumulate(cells.begin(), cells.end(), 0);
        };
        within(120s, [&] {
            const auto rows = pool.map(row, common::numbers(10));
            CHECK(std::accumulate(rows.begin(), rows.end(), 0) == 45 * 45);
        });
    }
}

TEST_CASE("tasks that wait for each other across threads end", "[thread_pool][pinned]") {
    // a waits for b, b for c; submitted in the order b, a, c.
    for (const int workers : {1, 2, 4}) {
        thread_pool pool(workers);
        within(120s, [&] {
            for (int i = 0; i < 100; ++i) {
                future<int> b;
                future<int> c;
                gate ready;
                b = pool.submit([&] {
                    ready.wait();
                    return c.get() + 1;
                });
                auto a = pool.submit([&] {
                    ready.wait();
                    return b.get() + 1;
                });
                c = pool.submit([] { return 1; });
                ready.open();
                REQUIRE(a.get() == 3);
                pool.wait_idle();
            }
        });
    }
}

TEST_CASE("a task that waits never runs a stranger's", "[thread_pool][pinned]") {
    for (const int workers : {1, 2}) {
        thread_pool pool(workers);
        std::mutex mutex;  // guards nothing: a stranger on our stack would lock it twice
        std::atomic<int> ran{0};
        within(120s, [&] {
            gate filled;
            auto holder = pool.submit([&] {
                filled.wait();
                const std::lock_guard hold(mutex);
                return pool.submit([] { return 5; }).get();
            });
            for (int i = 0; i < 200; ++i) {
                pool.detach([&] {
                    const std::lock_guard hold(mutex);
                    ++ran;
                });
            }
            filled.open();
            CHECK(holder.get() == 5);
            pool.wait_idle();
        });
        CHECK(ran == 200);
    }
}

TEST_CASE("a long task that waits for its children keeps none of them", "[thread_pool]") {
    // What a waiter ran itself stays in nobody's queue: not even its result is kept.
    thread_pool pool(1);
    const auto alive = std::make_shared<int>(0);
    const auto most = within(120s, [&] {
        return pool.apply([&] {
            long seen = 0;
            for (int i = 0; i < 2'000; ++i) {
                pool.submit([alive] { return alive; }).wait();
                seen = std::max(seen, alive.use_count());
            }
            return seen;
        });
    });
    CHECK(most <= 4);
}

// map, for_each, imap in threads

TEST_CASE("for_each changes the elements in place", "[thread_pool]") {
    thread_pool pool(3);
    auto elements = common::numbers(1000);
    pool.for_each([](int& x) { x *= 2; }, elements);
    CHECK(elements == common::doubled(1000));
    std::list<std::string> texts{"a", "b"};
    pool.for_each([](std::string& s) { s += "!"; }, texts);
    CHECK(texts == std::list<std::string>{"a!", "b!"});
    pool.map([](int& x) { x = 1; }, elements);
    CHECK(elements == std::vector<int>(1000, 1));
}

TEST_CASE("map and for_each take part in the caller's thread", "[thread_pool]") {
    thread_pool pool(1);
    busy thread(pool);
    within(60s, [&] {
        CHECK(pool.map(common::twice, common::numbers(10)) == common::doubled(10));
        pool.for_each([](int) {}, common::numbers(10));
    });
    thread.go.open();
}

TEST_CASE("map throws the first exception in input order, when running calls have ended",
          "[thread_pool][pinned]") {
    within(120s, [] {
        for (int round = 0; round < 100; ++round) {
            thread_pool pool({.workers = 3, .on_error = [](std::exception_ptr) {}});
            std::atomic<int> running{0};
            const auto call = [&](int x) {
                ++running;
                if (x % 5 == 4) {
                    --running;
                    throw std::runtime_error(std::to_string(x));
                }
                std::this_thread::yield();
                --running;
            };
            std::string text;
            try {
                pool.map(call, common::numbers(100));
            } catch (const std::runtime_error& error) {
                text = error.what();
            }
            REQUIRE(running == 0);
            REQUIRE(text == "4");
        }
    });
}

TEST_CASE("the later exceptions of a map go to on_error", "[thread_pool]") {
    std::mutex mutex;  // guards heard
    std::vector<std::string> heard;
    thread_pool pool({.workers = 2, .on_error = [&](std::exception_ptr error) {
                          const std::lock_guard hold(mutex);
                          heard.push_back(common::thrown<std::runtime_error>(
                              [&] { std::rethrow_exception(error); }));
                      }});
    meeting both(2);
    const auto call = [&](int x) {
        both.arrive_and_wait();
        throw std::runtime_error(std::to_string(x));
    };
    within(60s, [&] { CHECK_THROWS_WITH(pool.map(call, common::numbers(2)), "0"); });
    CHECK(heard == std::vector<std::string>{"1"});
}

TEST_CASE("a map that fails makes few calls more", "[thread_pool]") {
    thread_pool pool(2);
    std::atomic<std::size_t> calls{0};
    const auto endless = std::views::iota(std::uint64_t{0}, (std::uint64_t{1} << 32) + 5);
    within(60s, [&] {
        CHECK_THROWS_WITH(pool.for_each(
                              [&](std::uint64_t x) {
                                  ++calls;
                                  if (x == 10) throw std::runtime_error("ten");
                              },
                              endless),
                          "ten");
    });
    CHECK(calls < 10'000'000);
}

TEST_CASE("a map that runs out of time stops what runs and throws timeout_error", "[thread_pool]") {
    thread_pool pool({.workers = 2, .on_error = [](std::exception_ptr) {}});
    std::atomic<int> running{0};
    const auto slow = [&](std::stop_token stop, int x) {
        ++running;
        while (!stop.stop_requested()) std::this_thread::yield();
        --running;
        if (x == 0) throw std::runtime_error("was asked to stop");
        return x;
    };
    within(60s, [&] {
        CHECK_THROWS_AS(pool.map(slow, common::numbers(100), {.timeout = 20ms}),
                        tandem::timeout_error);
        CHECK(running == 0);
        CHECK_THROWS_AS(pool.map_async(slow, common::numbers(4), {.timeout = 20ms}),
                        std::invalid_argument);
    });
    CHECK(pool.apply(common::twice, 1) == 2);
}

TEST_CASE("cancelling a map ends what waits and asks what runs to stop", "[thread_pool]") {
    thread_pool pool(1);
    gate started;
    std::atomic<int> calls{0};
    auto f = pool.map_async(
        [&](std::stop_token stop, int) {
            ++calls;
            started.open();
            while (!stop.stop_requested()) std::this_thread::yield();
        },
        common::numbers(100));
    started.wait();
    CHECK(f.running());
    CHECK_FALSE(f.cancel());
    within(60s, [&] { CHECK_THROWS_AS(f.get(), tandem::cancelled_error); });
    CHECK(calls == 1);
    busy thread(pool);
    auto g = pool.map_async([&](int) { ++calls; }, common::numbers(3));
    CHECK(g.cancel());
    CHECK(g.cancelled());
    thread.go.open();
    pool.wait_idle();
    CHECK(calls == 1);
}

TEST_CASE("cancelling a map races with its end", "[thread_pool][pinned]") {
    thread_pool pool(2);
    within(120s, [&] {
        for (int i = 0; i < 500; ++i) {
            auto f = pool.map_async(common::twice, common::numbers(4));
            const bool cancelled = f.cancel();
            f.wait();
            if (cancelled) REQUIRE(f.cancelled());
            if (!f.cancelled()) REQUIRE(f.get() == common::doubled(4));
        }
    });
}

TEST_CASE("dropping imap cancels what has not begun and waits for what runs", "[thread_pool]") {
    thread_pool pool(1);
    gate started;
    std::atomic<int> calls{0};
    std::atomic<bool> running{false};
    auto elements = common::numbers(100);
    {
        auto results = pool.imap(
            [&](std::stop_token stop, int& x) {
                ++calls;
                running = true;
                if (x > 0) {
                    started.open();
                    while (!stop.stop_requested()) std::this_thread::yield();
                }
                running = false;
                return x;
            },
            elements, {.window = 50});
        CHECK(*results.begin() == 0);
        started.wait();
    }
    CHECK_FALSE(running);
    CHECK(calls == 2);
    pool.wait_idle();
    CHECK(calls == 2);
}

TEST_CASE("imap results come before later calls have ended", "[thread_pool][pinned]") {
    thread_pool pool(2);
    gate go;
    within(60s, [&] {
        auto results = pool.imap(
            [&](int x) {
                if (x == 1) go.wait();
                return x;
            },
            common::numbers(4), {.window = 4});
        auto it = results.begin();
        CHECK(*it == 0);
        CHECK_THROWS_AS(results.next_for(5ms), tandem::timeout_error);
        CHECK_THROWS_AS(results.next_for(0s), tandem::timeout_error);
        go.open();
        CHECK(results.next_for(1h) == 1);
        CHECK(common::to_vector(results) == std::vector{2, 3});
    });
}

TEST_CASE("after a time-out of next_for the loop goes on with the same result", "[thread_pool]") {
    thread_pool pool(1);
    gate go;
    within(60s, [&] {
        auto results = pool.imap([&](int x) { return go.wait(), x; }, common::numbers(3));
        CHECK_THROWS_AS(results.next_for(2ms), tandem::timeout_error);
        go.open();
        CHECK(common::to_vector(results) == common::numbers(3));
    });
}

TEST_CASE("imap_unordered gives what is done first", "[thread_pool][pinned]") {
    thread_pool pool(2);
    gate go;
    within(60s, [&] {
        auto results = pool.imap_unordered(
            [&](int x) {
                if (x == 0) go.wait();
                return x;
            },
            common::numbers(4), {.window = 4});
        std::vector<std::size_t> order;
        for (auto it = results.begin(); it != results.end(); ++it) {
            order.push_back(it.index());
            if (order.size() == 3) go.open();
        }
        CHECK(order == std::vector<std::size_t>{1, 2, 3, 0});
    });
}

TEST_CASE("an imap that runs out of time throws timeout_error and cancels the rest",
          "[thread_pool]") {
    thread_pool pool(2);
    std::atomic<int> calls{0};
    within(60s, [&] {
        auto results = pool.imap(
            [&](std::stop_token stop, int x) {
                ++calls;
                while (x > 0 && !stop.stop_requested()) std::this_thread::yield();
                return x;
            },
            common::numbers(100), {.window = 10, .timeout = 20ms});
        auto it = results.begin();
        CHECK(*it == 0);
        CHECK_THROWS_AS(++it, tandem::timeout_error);
    });
    CHECK(calls <= 3);
}

TEST_CASE("the input of imap is read in the consumer's thread alone", "[thread_pool]") {
    thread_pool pool(3);
    const auto here = std::this_thread::get_id();
    bool elsewhere = false;
    const auto numbers = std::views::iota(0, 200) | std::views::transform([&](int x) {
                             elsewhere = elsewhere || std::this_thread::get_id() != here;
                             return x;
                         });
    CHECK(common::to_vector(pool.imap(common::twice, numbers)) == common::doubled(200));
    CHECK_FALSE(elsewhere);
}

TEST_CASE("imap may change the elements of an lvalue range", "[thread_pool]") {
    thread_pool pool(2);
    auto elements = common::numbers(20);
    for (const int x : pool.imap([](int& e) { return e *= 2; }, elements)) static_cast<void>(x);
    CHECK(elements == common::doubled(20));
}

TEST_CASE("imap keeps a move-only element until its call", "[thread_pool]") {
    thread_pool pool(2);
    std::vector<std::unique_ptr<int>> owners;
    for (int i = 0; i < 10; ++i) owners.push_back(std::make_unique<int>(i));
    CHECK(common::to_vector(pool.imap([](const std::unique_ptr<int>& p) { return *p * 2; },
                                      std::move(owners))) == common::doubled(10));
}

TEST_CASE("map and imap run concurrently from many threads", "[thread_pool][pinned]") {
    thread_pool pool(2);
    std::atomic<int> wrong{0};
    within(120s, [&] {
        std::vector<std::thread> users;
        for (int t = 0; t < 4; ++t) {
            users.emplace_back([&, t] {
                for (int i = 0; i < 50; ++i) {
                    const auto got =
                        t % 2 == 0
                            ? pool.map(common::twice, common::numbers(30))
                            : common::to_vector(pool.imap(common::twice, common::numbers(30)));
                    if (got != common::doubled(30)) ++wrong;
                }
            });
        }
        for (auto& user : users) user.join();
    });
    CHECK(wrong == 0);
}

// Cancel

TEST_CASE("a call that has not begun is cancelled and never runs", "[thread_pool]") {
    thread_pool pool(1);
    bool ran = false;
    {
        busy thread(pool);
        auto f = pool.submit([&] { ran = true; });
        CHECK_FALSE(f.running());
        CHECK(f.cancel());
        CHECK(f.cancelled());
        CHECK_THROWS_AS(f.get(), tandem::cancelled_error);
        thread.go.open();
        pool.wait_idle();
    }
    CHECK_FALSE(ran);
}

TEST_CASE("a call that runs is asked to stop and cancel returns false", "[thread_pool]") {
    thread_pool pool(1);
    gate started;
    auto f = pool.submit([&](std::stop_token stop) {
        started.open();
        while (!stop.stop_requested()) std::this_thread::yield();
        return 3;
    });
    started.wait();
    CHECK(f.running());
    CHECK_FALSE(f.cancel());
    within(60s, [&] { CHECK(f.get() == 3); });
}

TEST_CASE("a call that throws cancelled_error counts as cancelled", "[thread_pool]") {
    thread_pool pool(1);
    auto f = pool.submit([] { throw tandem::cancelled_error(); });
    f.wait();
    CHECK(f.cancelled());
}

TEST_CASE("one of a cancel and the call wins", "[thread_pool][pinned]") {
    thread_pool pool(2);
    within(120s, [&] {
        for (int i = 0; i < 2'000; ++i) {
            std::atomic<int> ran{0};
            auto f = pool.submit([&] { ++ran; });
            const bool cancelled = f.cancel();
            f.wait();
            REQUIRE(f.cancelled() == cancelled);
            pool.wait_idle();
            REQUIRE(ran == (cancelled ? 0 : 1));
        }
    });
}

// Callbacks and errors

TEST_CASE("callbacks run in the worker and may submit and get", "[thread_pool][pinned]") {
    thread_pool pool(1);
    within(60s, [&] {
        tandem::promise<int> p;
        auto result = p.get_future();
        busy thread(pool);
        pool.submit(common::twice, 1).on_done([&](const tandem::outcome<int>& first) {
            p.set_value(pool.submit(common::twice, first.value()).get());
        });
        thread.go.open();
        CHECK(result.get() == 4);
        pool.wait_idle();
    });
}

TEST_CASE("what callbacks and detached tasks throw goes to on_error", "[thread_pool]") {
    std::mutex mutex;  // guards heard
    std::vector<std::string> heard;
    thread_pool pool({.workers = 1, .on_error = [&](std::exception_ptr error) {
                          const std::lock_guard hold(mutex);
                          heard.push_back(common::thrown<std::runtime_error>(
                              [&] { std::rethrow_exception(error); }));
                      }});
    {
        busy thread(pool);
        pool.submit(common::twice, 1).on_done([](const tandem::outcome<int>&) {
            throw std::runtime_error("callback");
        });
        pool.detach([] { throw std::runtime_error("detached"); });
        thread.go.open();
        pool.wait_idle();
    }
    CHECK(heard == std::vector<std::string>{"callback", "detached"});
    CHECK(pool.stats().failed == 1);
    CHECK(pool.apply(common::twice, 1) == 2);
}

TEST_CASE("what on_error throws does not end the pool", "[thread_pool]") {
    thread_pool pool({.workers = 1, .on_error = [](std::exception_ptr) {
                          throw std::runtime_error("on_error: expected on stderr");
                      }});
    pool.detach([] { throw 5; });
    pool.wait_idle();
    CHECK(pool.apply(common::twice, 1) == 2);
}

// Bounded queue

TEST_CASE("a bounded queue takes its capacity, then try_submit says no", "[thread_pool]") {
    thread_pool pool({.workers = 1, .queue_capacity = 2});
    busy thread(pool);
    auto a = pool.try_submit(common::twice, 1);
    auto b = pool.try_submit(common::twice, 2);
    REQUIRE(a);
    REQUIRE(b);
    CHECK_FALSE(pool.try_submit(common::twice, 3));
    CHECK(pool.stats().queued == 2);
    thread.go.open();
    within(60s, [&] {
        CHECK(a->get() == 2);
        CHECK(b->get() == 4);
        pool.wait_idle();
    });
    CHECK(pool.try_submit(common::twice, 5)->get() == 10);
}

TEST_CASE("submit waits for room", "[thread_pool][pinned]") {
    thread_pool pool({.workers = 1, .queue_capacity = 1});
    busy thread(pool);
    auto a = pool.submit(common::twice, 1);
    std::atomic<bool> through{false};
    std::thread submitter([&] {
        auto b = pool.submit(common::twice, 2);
        through = true;
        b.wait();
    });
    CHECK_FALSE(a.wait_for(5ms));
    CHECK_FALSE(through);
    thread.go.open();
    within(60s, [&] { submitter.join(); });
    CHECK(through);
}

TEST_CASE("many submitters get through a queue of one", "[thread_pool][pinned]") {
    thread_pool pool({.workers = 2, .queue_capacity = 1});
    std::atomic<int> made{0};
    within(300s, [&] {
        std::vector<std::thread> submitters;
        for (int t = 0; t < 4; ++t) {
            submitters.emplace_back([&] {
                for (int i = 0; i < 1'000; ++i) pool.detach([&] { ++made; });
            });
        }
        for (auto& submitter : submitters) submitter.join();
        pool.wait_idle();
    });
    CHECK(made == 4'000);
}

TEST_CASE("a worker's own submit on a full queue runs at once", "[thread_pool][pinned]") {
    thread_pool pool({.workers = 1, .queue_capacity = 1});
    within(60s, [&] {
        pool.apply([&] {
            auto first = pool.submit(common::twice, 1);
            CHECK_FALSE(pool.try_submit(common::twice, 9));
            auto second = pool.submit([] { return std::this_thread::get_id(); });
            CHECK(second.ready());
            CHECK(second.get() == std::this_thread::get_id());
            CHECK_FALSE(first.ready());
            CHECK(first.get() == 2);
        });
    });
}

TEST_CASE("a call that was cancelled leaves its room to others", "[thread_pool]") {
    thread_pool pool({.workers = 1, .queue_capacity = 2});
    busy thread(pool);
    auto a = pool.submit(common::twice, 1);
    auto b = pool.submit(common::twice, 2);
    CHECK_FALSE(pool.try_submit(common::twice, 3));
    CHECK(a.cancel());
    auto c = pool.try_submit(common::twice, 3);
    REQUIRE(c);
    CHECK_FALSE(pool.try_submit(common::twice, 4));
    thread.go.open();
    within(60s, [&] {
        CHECK(b.get() == 4);
        CHECK(c->get() == 6);
    });
}

TEST_CASE("map and imap do not count against the queue", "[thread_pool]") {
    thread_pool pool({.workers = 1, .queue_capacity = 1});
    within(60s, [&] {
        CHECK(pool.map(common::twice, common::numbers(100)) == common::doubled(100));
        CHECK(pool.map_async(common::twice, common::numbers(100)).get() == common::doubled(100));
        CHECK(common::to_vector(pool.imap(common::twice, common::numbers(100))) ==
              common::doubled(100));
    });
}

TEST_CASE("close wakes a submit that waits for room", "[thread_pool][pinned]") {
    thread_pool pool({.workers = 1, .queue_capacity = 1});
    busy thread(pool);
    auto a = pool.submit(common::twice, 1);
    std::atomic<bool> refused{false};
    std::thread submitter([&] {
        try {
            pool.detach([] {});
        } catch (const tandem::pool_closed&) {
            refused = true;
        }
    });
    CHECK_FALSE(a.wait_for(2ms));
    pool.terminate();
    within(60s, [&] { submitter.join(); });
    CHECK(refused);
    thread.go.open();
}

// wait_idle

TEST_CASE("wait_idle returns after the tasks of tasks", "[thread_pool][pinned]") {
    thread_pool pool(2);
    within(120s, [&] {
        pool.wait_idle();
        for (int round = 0; round < 100; ++round) {
            std::atomic<int> done{0};
            for (int i = 0; i < 4; ++i) {
                pool.detach([&] {
                    pool.detach([&] {
                        pool.detach([&] { ++done; });
                        ++done;
                    });
                    ++done;
                });
            }
            pool.wait_idle();
            REQUIRE(done == 12);
        }
    });
}

TEST_CASE("a task counts until its callable is destroyed", "[thread_pool][pinned]") {
    thread_pool pool(2);
    within(60s, [&] {
        for (int i = 0; i < 200; ++i) {
            const auto alive = std::make_shared<int>(0);
            pool.detach([alive] {});
            pool.wait_idle();
            REQUIRE(alive.use_count() == 1);
        }
    });
}

TEST_CASE("a timed wait_idle says whether the pool is idle", "[thread_pool]") {
    thread_pool pool(1);
    CHECK(pool.wait_idle(0s));
    busy thread(pool);
    CHECK_FALSE(pool.wait_idle(0s));
    CHECK_FALSE(pool.wait_idle(-1s));
    CHECK_FALSE(pool.wait_idle(std::chrono::steady_clock::now() + 2ms));
    thread.go.open();
    within(60s, [&] { CHECK(pool.wait_idle(1h)); });
}

TEST_CASE("a hundred threads wait for idle, some with a limit, and all return",
          "[thread_pool][pinned]") {
    thread_pool pool(2);
    busy thread(pool);
    within(120s, [&] {
        std::vector<std::thread> waiters;
        for (int i = 0; i < 100; ++i) {
            waiters.emplace_back([&, i] {
                if (i % 4 == 0) {
                    pool.wait_idle(1ms);
                } else {
                    pool.wait_idle();
                }
            });
        }
        thread.go.open();
        for (auto& waiter : waiters) waiter.join();
    });
}

TEST_CASE("wait_idle in a task of the pool is invalid_state", "[thread_pool]") {
    thread_pool pool(1);
    CHECK_THROWS_AS(pool.apply([&] { pool.wait_idle(); }), tandem::invalid_state);
    CHECK_THROWS_AS(pool.apply([&] { pool.join(); }), tandem::invalid_state);
}

TEST_CASE("a cancelled task does not keep wait_idle", "[thread_pool][pinned]") {
    within(120s, [] {
        for (int i = 0; i < 200; ++i) {
            thread_pool pool(1);
            auto f = pool.submit([] {});
            std::thread waiter([&] { pool.wait_idle(); });
            f.cancel();
            waiter.join();
        }
    });
}

// fork_join

TEST_CASE("fork_join gives both results", "[thread_pool]") {
    thread_pool pool(2);
    const auto [a, b] = pool.fork_join([] { return 1; }, [] { return std::string("two"); });
    CHECK(a == 1);
    CHECK(b == "two");
    int x = 0;
    int y = 0;
    pool.fork_join([&] { x = 1; }, [&] { y = 2; });
    CHECK(x + y == 3);
    STATIC_REQUIRE(std::is_void_v<decltype(pool.fork_join([] {}, [] { return 1; }))>);
}

TEST_CASE("fork_join waits for both before it throws", "[thread_pool][pinned]") {
    std::atomic<int> heard{0};
    thread_pool pool({.workers = 2, .on_error = [&](std::exception_ptr) { ++heard; }});
    within(60s, [&] {
        for (int i = 0; i < 100; ++i) {
            std::atomic<bool> inside{false};
            CHECK_THROWS_WITH(pool.fork_join([] { throw std::runtime_error("f"); },
                                             [&] {
                                                 inside = true;
                                                 std::this_thread::yield();
                                                 inside = false;
                                             }),
                              "f");
            REQUIRE_FALSE(inside);
        }
        CHECK_THROWS_WITH(pool.fork_join([] {}, [] { throw std::runtime_error("g"); }), "g");
        meeting both(2);
        CHECK_THROWS_WITH(pool.fork_join(
                              [&] {
                                  both.arrive_and_wait();
                                  throw std::runtime_error("f");
                              },
                              [&] {
                                  both.arrive_and_wait();
                                  throw std::runtime_error("g");
                              }),
                          "f");
    });
    CHECK(heard == 1);
}

// stats

TEST_CASE("the statistics tell what waits and what runs", "[thread_pool]") {
    thread_pool pool(1);
    busy thread(pool);
    auto a = pool.submit(common::twice, 1);
    auto b = pool.map_async(common::twice, common::numbers(10));
    auto stats = pool.stats();
    CHECK(stats.queued == 11);
    REQUIRE(stats.running.size() == 1);
    CHECK(stats.running[0].elapsed >= 0ns);
    thread.go.open();
    pool.wait_idle();
    stats = pool.stats();
    CHECK(stats.queued == 0);
    CHECK(stats.running.empty());
    CHECK(stats.done == 12);
    CHECK(stats.retried == 0);
    CHECK(stats.replaced == 0);
}

TEST_CASE("an idle pool uses no CPU", "[thread_pool]") {
    thread_pool pool(4);
    pool.map(common::twice, common::numbers(100));
    pool.wait_idle();
    const auto before = cpu_time();
    tandem::promise<void> never;
    CHECK_FALSE(never.get_future().wait_for(200ms));
    CHECK(cpu_time() - before < 60ms);
}
