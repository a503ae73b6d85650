// SPDX-License-Identifier: BSL-1.0
// What a thread pool promises, for one, two, four and sixteen workers: the cases that other pools
// get wrong. What is checked elsewhere for one or two workers only is checked here for all.
#include <tandem/executor/thread_pool.hpp>

#include "../support/catch.hpp"
#include "../support/gate.hpp"
#include "../support/within.hpp"

#include <tandem/future/as_completed.hpp>
#include <tandem/future/collect.hpp>
#include <tandem/future/promise.hpp>
#include <tandem/future/wait.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <numeric>
#include <ranges>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#if TANDEM_LINUX
#include <sys/wait.h>
#include <unistd.h>
#endif

using namespace std::chrono_literals;
using tandem::future;
using tandem::thread_pool;

namespace {

constexpr int sizes[] = {1, 2, 4, 16};
constexpr bool slow = TANDEM_TSAN || TANDEM_ASAN;

// Does `check(pool, workers)` with a pool of each size; dies loudly if one hangs.
template <class Check>
void at_every_size(Check check) {
    for (const int workers : sizes) {
        INFO("workers: " << workers);
        within(200s, [&] {
            thread_pool pool(workers);
            check(pool, workers);
        });
    }
}

std::vector<int> numbers(int count) {
    std::vector<int> result(static_cast<std::size_t>(count));
    std::iota(result.begin(), result.end(), 0);
    return result;
}

std::chrono::nanoseconds cpu_time() {
    timespec now{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

// Keeps every thread of a pool busy until it is released.
class all_busy {
   public:
    explicit all_busy(thread_pool& pool) : pool_(pool) {
        const auto workers = static_cast<std::size_t>(pool.size());
        const auto here = std::make_shared<meeting>(workers + 1);
        for (std::size_t i = 0; i < workers; ++i) {
            pool.detach([this, here] {
                here->arrive_and_wait();
                go_.wait();
            });
        }
        here->arrive_and_wait();
    }
    void release() { go_.open(); }
    ~all_busy() {
        go_.open();
        pool_.wait_idle();
    }

   private:
    thread_pool& pool_;
    gate go_;
};

int fib(thread_pool& pool, int n) {
    if (n < 2) return n;
    auto other = pool.submit([&pool, n] { return fib(pool, n - 1); });
    const int mine = fib(pool, n - 2);
    return mine + other.get();
}

int chain(thread_pool& pool, int left) {
    return left == 0 ? 0 : pool.submit([&, left] { return chain(pool, left - 1); }).get() + 1;
}

}  // namespace

// Work conservation

TEST_CASE("promise: as many tasks as threads meet, however they came", "[promises][pinned]") {
    at_every_size([](thread_pool& pool, int workers) {
        const auto count = static_cast<std::size_t>(workers);
        for (int round = 0; round < 20; ++round) {
            {  // one by one
                meeting all(count);
                for (int i = 0; i < workers; ++i) pool.detach([&] { all.arrive_and_wait(); });
                pool.wait_idle();
            }
            {  // at once
                meeting all(count);
                pool.map_async([&](int) { all.arrive_and_wait(); }, numbers(workers)).get();
            }
            {  // one, then the others at once
                meeting all(count);
                auto first = pool.submit([&] { all.arrive_and_wait(); });
                pool.map_async([&](int) { all.arrive_and_wait(); }, numbers(workers - 1)).get();
                first.get();
            }
            {  // all from one task
                meeting all(count);
                pool.apply([&] {
                    for (int i = 1; i < workers; ++i) pool.detach([&] { all.arrive_and_wait(); });
                    all.arrive_and_wait();
                });
                pool.wait_idle();
            }
            {  // behind tasks that end at once, so that several are taken together
                meeting all(count);
                for (int i = 0; i < 100; ++i) pool.detach([] {});
                for (int i = 0; i < workers; ++i) {
                    pool.detach([&] { all.arrive_and_wait(); });
                    for (int j = 0; j < 3; ++j) pool.detach([] {});
                }
                pool.wait_idle();
            }
        }
    });
}

// Waiting inside

TEST_CASE("promise: a task may wait for tasks, in a pool of any size", "[promises][pinned]") {
    at_every_size([](thread_pool& pool, int) {
        CHECK(pool.apply([&] { return fib(pool, slow ? 14 : 20); }) == (slow ? 377 : 6765));
        CHECK(pool.apply([&] { return chain(pool, 1'000); }) == 1'000);
    });
}

TEST_CASE("promise: who waits runs no stranger's task", "[promises][pinned]") {
    at_every_size([](thread_pool& pool, int) {
        std::mutex mutex;  // guards nothing: on the stack of who holds it, a stranger would lock it
        for (int round = 0; round < 20; ++round) {
            std::vector<future<int>> holders;
            for (int i = 0; i < 4; ++i) {
                holders.push_back(pool.submit([&] {
                    const std::lock_guard hold(mutex);
                    for (int j = 0; j < 3; ++j) static_cast<void>(pool.submit([] {}));
                    return pool.submit([] { return 5; }).get();
                }));
                for (int j = 0; j < 20; ++j) {
                    pool.detach([&] { const std::lock_guard hold(mutex); });
                }
            }
            for (auto& holder : holders) REQUIRE(holder.get() == 5);
            pool.wait_idle();
        }
    });
}

TEST_CASE("promise: a detached task inside a wait is made", "[promises][pinned]") {
    at_every_size([](thread_pool& pool, int) {
        for (int round = 0; round < 50; ++round) {
            std::atomic<int> made{0};
            pool.apply([&] {
                pool.apply([&] { pool.detach([&] { ++made; }); });
                pool.map([&](int) { pool.detach([&] { ++made; }); }, numbers(3));
            });
            pool.wait_idle();
            REQUIRE(made == 4);
        }
    });
}

// wait_idle

TEST_CASE("promise: wait_idle, timed or not, for many at once", "[promises][pinned]") {
    at_every_size([](thread_pool& pool, int) {
        CHECK(pool.wait_idle(0s));
        {
            all_busy busy(pool);
            CHECK_FALSE(pool.wait_idle(0s));
            CHECK_FALSE(pool.wait_idle(-1s));
            CHECK_FALSE(pool.wait_idle(1ms));
            std::vector<std::thread> waiters;
            for (int i = 0; i < 100; ++i) {
                waiters.emplace_back([&, i] {
                    if (i % 5 == 0) {
                        pool.wait_idle(std::chrono::microseconds(i * 10));
                    } else {
                        pool.wait_idle();
                    }
                });
            }
            busy.release();
            for (auto& waiter : waiters) waiter.join();
        }
        for (int round = 0; round < 50; ++round) {
            std::atomic<int> made{0};
            const auto alive = std::make_shared<int>(0);
            for (int i = 0; i < 3; ++i) {
                pool.detach([&, alive] {
                    pool.detach([&, alive] { ++made; });
                    ++made;
                });
            }
            pool.wait_idle();
            REQUIRE(made == 6);
            REQUIRE(alive.use_count() == 1);
        }
    });
}

// The end

TEST_CASE("promise: close makes all, terminate cancels the rest, both know the number",
          "[promises][pinned]") {
    for (const int workers : sizes) {
        within(200s, [&] {
            std::atomic<int> made{0};
            {
                thread_pool pool(workers);
                for (int i = 0; i < 1'000; ++i) pool.detach([&] { ++made; });
                pool.close();
                CHECK_THROWS_AS(pool.submit([] {}), tandem::pool_closed);
                pool.close();
                pool.join();
                pool.join();
                CHECK(made == 1'000);
                CHECK(pool.stats().done == 1'000);
            }
            thread_pool pool(workers);
            std::vector<future<void>> futures;
            gate go;
            std::atomic<int> begun{0};
            for (int i = 0; i < 1'000; ++i) {
                futures.push_back(pool.submit([&] {
                    ++begun;
                    go.wait();
                }));
            }
            while (begun < workers) std::this_thread::yield();
            pool.terminate();
            go.open();
            pool.join();
            pool.terminate();
            int cancelled = 0;
            for (auto& f : futures) {
                REQUIRE(f.ready());
                cancelled += f.cancelled() ? 1 : 0;
            }
            CHECK(cancelled == 1'000 - workers);
            CHECK(pool.stats().done == static_cast<std::size_t>(workers));
            CHECK(pool.stats().failed == static_cast<std::size_t>(cancelled));
        });
    }
}

TEST_CASE("promise: a pool may go as soon as get has returned", "[promises][pinned]") {
    // The hundred thousand times of a release check take a minute: fewer of each size here.
    for (const int workers : sizes) {
        within(300s, [&] {
            for (int i = 0; i < 2'000 / workers; ++i) {
                auto pool = std::make_unique<thread_pool>(workers);
                auto f = pool->submit([i] { return i; });
                const int got = f.get();
                pool.reset();
                REQUIRE(got == i);
            }
        });
    }
}

// Exceptions, cancel

TEST_CASE("promise: exceptions arrive, threads and counts survive", "[promises][pinned]") {
    at_every_size([](thread_pool& pool, int workers) {
        std::vector<future<void>> futures;
        for (int i = 0; i < 4 * workers; ++i) {
            futures.push_back(pool.submit([i] {
                if (i % 2 == 0) throw i;
                throw std::runtime_error("odd");
            }));
        }
        for (int i = 0; i < 4 * workers; ++i) {
            auto& f = futures[static_cast<std::size_t>(i)];
            if (i % 2 == 0) {
                CHECK_THROWS_AS(f.get(), int);
            } else {
                CHECK_THROWS_AS(f.get(), std::runtime_error);
            }
        }
        pool.wait_idle();
        CHECK(pool.stats().failed == static_cast<std::size_t>(4 * workers));
        CHECK(pool.apply([] { return 1; }) == 1);
    });
}

TEST_CASE("promise: what is cancelled before it begins never runs", "[promises][pinned]") {
    at_every_size([](thread_pool& pool, int) {
        std::atomic<int> ran{0};
        {
            all_busy busy(pool);
            std::vector<future<void>> futures;
            const auto alive = std::make_shared<int>(0);
            for (int i = 0; i < 200; ++i) futures.push_back(pool.submit([&, alive] { ++ran; }));
            for (auto& f : futures) {
                REQUIRE(f.cancel());
                REQUIRE(f.cancelled());
            }
            CHECK(alive.use_count() == 1);
            CHECK(pool.stats().queued == 0);
        }
        CHECK(ran == 0);
    });
}

// Bounded

TEST_CASE("promise: a bounded queue takes what it may and no more", "[promises][pinned]") {
    for (const int workers : sizes) {
        within(200s, [&] {
            thread_pool pool({.workers = workers, .queue_capacity = 32});
            std::atomic<int> made{0};
            int taken = 0;
            {
                all_busy busy(pool);
                while (pool.try_submit([&] { ++made; })) ++taken;
                CHECK(taken == 32);
                std::thread late([&] { pool.detach([&] { ++made; }); });
                busy.release();
                late.join();
            }
            CHECK(made == 33);
            // A worker's own on a full queue.
            pool.map_async(
                    [&](int) {
                        for (int i = 0; i < 100; ++i) pool.detach([&] { ++made; });
                    },
                    numbers(workers))
                .get();
            pool.wait_idle();
            CHECK(made == 33 + 100 * workers);
        });
    }
}

// Loops

TEST_CASE("promise: for_each and map of any length", "[promises][pinned]") {
    at_every_size([](thread_pool& pool, int workers) {
        for (const int count : {0, 1, workers - 1, workers, workers + 1, 1'000, 50'000}) {
            const auto input = numbers(count);
            const auto result = pool.map([](int x) { return std::to_string(x); }, input);
            REQUIRE(result.size() == input.size());
            bool right = true;
            for (std::size_t i = 0; i < result.size(); ++i) {
                right = right && result[i] == std::to_string(i);
            }
            REQUIRE(right);
            std::vector<std::atomic<int>> made(input.size());
            pool.for_each([&](int x) { ++made[static_cast<std::size_t>(x)]; }, input);
            REQUIRE(std::ranges::all_of(made, [](const auto& n) { return n == 1; }));
        }
    });
}

TEST_CASE("promise: the first exception of a loop, after all that runs has ended",
          "[promises][pinned]") {
    for (const int workers : sizes) {
        within(200s, [&] {
            thread_pool pool({.workers = workers, .on_error = [](std::exception_ptr) {}});
            for (const int at : {0, 1, 777, 49'999}) {
                std::atomic<int> inside{0};
                CHECK_THROWS_WITH(pool.for_each(
                                      [&](int x) {
                                          ++inside;
                                          const bool bad = x >= at;
                                          --inside;
                                          if (bad) throw std::runtime_error(std::to_string(x));
                                      },
                                      numbers(50'000)),
                                  std::to_string(at));
                REQUIRE(inside == 0);
            }
        });
    }
}

TEST_CASE("promise: a slow call in a loop holds up none behind it", "[promises][pinned]") {
    // The calls are short, so many go together; then one waits until all the others are done.
    for (const int workers : {2, 4, 16}) {
        within(200s, [&] {
            thread_pool pool(workers);
            constexpr int count = 20'000;
            std::atomic<int> done{0};
            gate all;
            pool.for_each(
                [&](int x) {
                    if (x == count / 2) {
                        // Those of its own look at the clock now and then: some behind it stay.
                        while (done < count - 1 - 64) std::this_thread::yield();
                    } else {
                        ++done;
                    }
                },
                numbers(count), {.chunk_size = 1});
            CHECK(done == count - 1);
        });
    }
}

TEST_CASE("promise: slow calls that were claimed together are shared", "[promises][pinned]") {
    // One thread claims eight calls, of which each waits for company: another thread has to take
    // some of them over.
    within(200s, [] {
        thread_pool pool(2);
        std::atomic<int> inside{0};
        std::atomic<bool> met{false};
        pool.map_async(
                [&](int) {
                    ++inside;
                    const auto until = std::chrono::steady_clock::now() + 2ms;
                    while (!met && std::chrono::steady_clock::now() < until) {
                        if (inside >= 2) met = true;
                        std::this_thread::yield();
                    }
                    --inside;
                },
                numbers(400), {.chunk_size = 400})
            .get();
        CHECK(met);
        pool.wait_idle();
        CHECK(pool.stats().done == 400);
    });
}

// Futures

TEST_CASE("promise: as_completed, wait and collect at every size", "[promises][pinned]") {
    at_every_size([](thread_pool& pool, int) {
        std::vector<future<int>> futures;
        for (int i = 0; i < 300; ++i) futures.push_back(pool.submit([i] { return i; }));
        std::vector<int> seen(300, 0);
        for (auto [index, f] : tandem::as_completed(futures)) {
            REQUIRE(f.ready());
            ++seen[index];
        }
        CHECK(std::ranges::all_of(seen, [](int n) { return n == 1; }));
        CHECK(tandem::wait(futures).not_done.empty());
        CHECK(collect(std::move(futures)).get() == numbers(300));
    });
}

TEST_CASE("promise: continuations run once, wherever the future is by then", "[promises][pinned]") {
    at_every_size([](thread_pool& pool, int) {
        std::atomic<int> called{0};
        std::vector<future<int>> futures;
        for (int i = 0; i < 300; ++i) {
            futures.push_back(pool.submit([i] { return i; }).then([&](int x) {
                ++called;
                return x + 1;
            }));
            if (i % 2 == 0)
                futures.back() = std::move(futures.back()).then(pool, [](int x) { return x; });
        }
        for (int i = 0; i < 300; ++i) REQUIRE(futures[static_cast<std::size_t>(i)].get() == i + 1);
        CHECK(called == 300);
    });
}

// What needs a moment's look at each size

TEST_CASE("promise: tasks meet while others wait for idle; each waits for the next",
          "[promises][pinned]") {
    at_every_size([](thread_pool& pool, int workers) {
        const auto count = static_cast<std::size_t>(workers);
        for (int round = 0; round < 20; ++round) {
            meeting all(count);
            pool.detach([&] { all.arrive_and_wait(); });
            std::thread waiter([&] { pool.wait_idle(); });
            for (int i = 1; i < workers; ++i) pool.detach([&] { all.arrive_and_wait(); });
            waiter.join();

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

TEST_CASE("promise: a submit that races with close is made or refused", "[promises][pinned]") {
    for (const int workers : sizes) {
        within(200s, [&] {
            for (int round = 0; round < 50; ++round) {
                thread_pool pool(workers);
                std::atomic<int> made{0};
                std::atomic<int> refused{0};
                std::vector<std::thread> users;
                for (int t = 0; t < 3; ++t) {
                    users.emplace_back([&] {
                        for (int i = 0; i < 20; ++i) {
                            try {
                                pool.detach([&] { ++made; });
                            } catch (const tandem::pool_closed&) {
                                ++refused;
                            }
                        }
                    });
                }
                pool.close();
                for (auto& user : users) user.join();
                pool.join();
                REQUIRE(made + refused == 60);
            }
        });
    }
}

TEST_CASE("promise: the last owner of a pool may be one of its tasks", "[promises][pinned]") {
    for (const int workers : sizes) {
        within(200s, [&] {
            for (int round = 0; round < 20; ++round) {
                auto pool = std::make_shared<thread_pool>(workers);
                gate alone;
                std::atomic<int> made{0};
                std::vector<future<void>> futures;
                for (int i = 0; i < 20; ++i) futures.push_back(pool->submit([&] { ++made; }));
                futures.push_back(pool->submit([&, owner = pool]() mutable {
                    alone.wait();
                    owner.reset();
                }));
                pool.reset();
                alone.open();
                for (auto& f : futures) f.get();
                REQUIRE(made == 20);
            }
        });
    }
}

TEST_CASE("promise: what detached tasks throw is heard, of any type", "[promises][pinned]") {
    for (const int workers : sizes) {
        std::atomic<int> heard{0};
        within(200s, [&] {
            thread_pool pool(
                {.workers = workers, .on_error = [&](std::exception_ptr) { ++heard; }});
            for (int i = 0; i < 4 * workers; ++i) {
                pool.detach([i] {
                    if (i % 2 == 0) throw i;
                    throw std::runtime_error("odd");
                });
            }
            pool.wait_idle();
            CHECK(pool.apply([] { return 1; }) == 1);
        });
        CHECK(heard == 4 * workers);
    }
}

TEST_CASE("promise: callables of all kinds, gone before the future is ready",
          "[promises][pinned]") {
    struct alignas(64) aligned {
        std::array<std::byte, 4096> bytes{};
        int operator()(std::unique_ptr<int> x) const {
            return reinterpret_cast<std::uintptr_t>(this) % 64 == 0 ? *x : -1;
        }
        int twice(int x) const { return 2 * x; }
    };
    // Submits when it is destroyed, unless it was moved from.
    struct last_words {
        last_words(thread_pool& p, std::atomic<int>& c) : pool(&p), count(&c) {}
        last_words(last_words&& other) noexcept
            : pool(std::exchange(other.pool, nullptr)), count(other.count) {}
        ~last_words() {
            if (pool) pool->detach([c = count] { ++*c; });
        }
        void operator()() const {}
        thread_pool* pool;
        std::atomic<int>* count;
    };
    at_every_size([](thread_pool& pool, int) {
        std::atomic<int> spoken{0};
        int object = 0;
        const aligned here;
        for (int round = 0; round < 50; ++round) {
            REQUIRE(pool.submit(aligned(), std::make_unique<int>(7)).get() == 7);
            REQUIRE(pool.submit(&aligned::twice, &here, 4).get() == 8);
            REQUIRE(pool.submit(&aligned::twice, std::cref(here), 5).get() == 10);
            REQUIRE(&pool.submit([&]() -> int& { return object; }).get() == &object);
            const auto alive = std::make_shared<int>(0);
            pool.submit([alive](const std::shared_ptr<int>&) {}, alive).wait();
            REQUIRE(alive.use_count() == 1);
            pool.submit(last_words(pool, spoken)).get();
        }
        pool.wait_idle();
        CHECK(spoken == 50);
    });
}

TEST_CASE("promise: what runs is asked to stop", "[promises][pinned]") {
    at_every_size([](thread_pool& pool, int workers) {
        const auto count = static_cast<std::size_t>(workers);
        meeting all(count + 1);
        std::vector<future<int>> futures;
        for (int i = 0; i < workers; ++i) {
            futures.push_back(pool.submit([&](std::stop_token stop) {
                all.arrive_and_wait();
                while (!stop.stop_requested()) std::this_thread::yield();
                return 3;
            }));
        }
        all.arrive_and_wait();
        for (auto& f : futures) {
            REQUIRE(f.running());
            REQUIRE_FALSE(f.cancel());
        }
        for (auto& f : futures) REQUIRE(f.get() == 3);
    });
}

TEST_CASE("promise: the initializer, and what it throws", "[promises][pinned]") {
    for (const int workers : sizes) {
        within(200s, [&] {
            std::atomic<int> begun{0};
            {
                thread_pool pool({.workers = workers, .initializer = [&] { ++begun; }});
                CHECK(begun == workers);
            }
            std::atomic<int> heard{0};
            begun = 0;
            CHECK_THROWS_AS(thread_pool({.workers = workers,
                                         .initializer = [&] { throw ++begun; },
                                         .on_error = [&](std::exception_ptr) { ++heard; }}),
                            int);
            CHECK(begun == workers);
            CHECK(heard == workers - 1);  // one is thrown, no other is lost
        });
    }
}

#if TANDEM_LINUX && !TANDEM_TSAN
TEST_CASE("promise: in a forked child a pool refuses and ends", "[promises][pinned]") {
    at_every_size([](thread_pool& pool, int) {
        pool.map([](int x) { return x; }, numbers(100));
        const pid_t child = ::fork();
        if (child == 0) {
            ::alarm(60);
            int wrong = 0;
            try {
                pool.detach([] {});
                wrong = 1;
            } catch (const tandem::pool_closed&) {
            }
            if (!pool.stats().running.empty()) wrong = 2;
            pool.~thread_pool();
            ::_exit(wrong);
        }
        int status = -1;
        REQUIRE(::waitpid(child, &status, 0) == child);
        REQUIRE(status == 0);
    });
}
#endif

// Costs

TEST_CASE("promise: an idle pool, and one with a task that sleeps, take no CPU",
          "[promises][cpu]") {
    thread_pool pool(4);
    pool.map([](int x) { return x; }, numbers(1'000));
    pool.wait_idle();
    const auto idle = cpu_time();
    tandem::promise<void> never;
    auto until = never.get_future();
    CHECK_FALSE(until.wait_for(500ms));
    CHECK(cpu_time() - idle < 5ms);
    auto sleeper = pool.submit([&] { return until.wait_for(500ms); });
    const auto asleep = cpu_time();
    sleeper.wait();
    CHECK(cpu_time() - asleep < 5ms);
}

namespace {

// The CPU time that `trip()` every millisecond takes, of half a second.
template <class Trip>
std::chrono::nanoseconds cpu_of_ticks(Trip trip) {
    tandem::promise<void> never;
    const auto tick = never.get_future();
    const auto begun = cpu_time();
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 500; ++i) {
        static_cast<void>(tick.wait_until(start + std::chrono::milliseconds(i)));
        trip();
    }
    return cpu_time() - begun;
}

}  // namespace

TEST_CASE("promise: a task every millisecond takes little CPU", "[promises][cpu]") {
    // What two bare threads take that wake each other: on a virtual machine a wake-up is dear.
    std::atomic<std::uint32_t> ball{0};
    std::thread other([&] {
        while (ball != 2) {
            tandem::detail::park(ball, 0);
            std::uint32_t one = 1;
            if (ball.compare_exchange_strong(one, 0)) tandem::detail::unpark(ball, 2);
        }
    });
    const auto bare = cpu_of_ticks([&] {
        ball = 1;
        tandem::detail::unpark(ball, 2);
        while (ball != 0) tandem::detail::park(ball, 1);
    });
    ball = 2;
    tandem::detail::unpark(ball, 2);
    other.join();

    thread_pool pool(2);
    const auto used = cpu_of_ticks([&] { pool.submit([] {}).wait(); });
    // 5 % of a core, unless bare threads take about as much; sanitizers take more for everything.
    const auto most = std::max<std::chrono::nanoseconds>(25ms, bare * 2);
    INFO("took " << used / 1us << " us, bare threads " << bare / 1us << " us");
    CHECK(used < (slow ? 6 * most : most));
}
