// SPDX-License-Identifier: BSL-1.0
#include <tandem/executor/fork_join.hpp>

#include "../support/catch.hpp"
#include "../support/gate.hpp"
#include "../support/within.hpp"

#include <tandem/executor/thread_pool.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using tandem::thread_pool;

namespace {

long fib(thread_pool& pool, int n) {
    if (n < 2) return n;
    const auto [a, b] =
        pool.fork_join([&] { return fib(pool, n - 1); }, [&] { return fib(pool, n - 2); });
    return a + b;
}

// How deep calls inside calls go on one side.
int left_deep(thread_pool& pool, int n) {
    if (n == 0) return 0;
    return pool.fork_join([&] { return left_deep(pool, n - 1); }, [] { return 1; }).first + 1;
}

}  // namespace

TEST_CASE("fork_join counts right at every size of the pool", "[fork_join][pinned]") {
    for (const int workers : {1, 2, 4, 16}) {
        thread_pool pool(workers);
        within(120s, [&] {
            for (int i = 0; i < 20; ++i) REQUIRE(pool.apply([&] { return fib(pool, 15); }) == 610);
            CHECK(fib(pool, 12) == 144);
            CHECK(pool.apply([&] { return left_deep(pool, 1'000); }) == 1'000);
        });
    }
}

TEST_CASE("f and g of a fork_join may meet where there are threads for both",
          "[fork_join][pinned]") {
    thread_pool pool(2);
    within(120s, [&] {
        for (int i = 0; i < 2'000; ++i) {
            pool.apply([&] {
                meeting both(2);
                pool.fork_join([&] { both.arrive_and_wait(); }, [&] { both.arrive_and_wait(); });
            });
        }
    });
}

TEST_CASE("results of a fork_join may be references, void and move-only", "[fork_join]") {
    thread_pool pool(2);
    pool.apply([&] {
        int x = 1;
        const auto pair =
            pool.fork_join([&]() -> int& { return x; }, [] { return std::make_unique<int>(2); });
        STATIC_REQUIRE(std::is_same_v<decltype(pair), const std::pair<int&, std::unique_ptr<int>>>);
        CHECK(&pair.first == &x);
        CHECK(*pair.second == 2);
        STATIC_REQUIRE(std::is_void_v<decltype(pool.fork_join([] { return 1; }, [] {}))>);
        pool.fork_join([&] { return x = 5; }, [] {});
        CHECK(x == 5);
    });
}

TEST_CASE("a fork_join that throws leaves nothing behind", "[fork_join][pinned]") {
    for (const int workers : {1, 2, 4}) {
        std::atomic<int> heard{0};
        thread_pool pool({.workers = workers, .on_error = [&](std::exception_ptr) { ++heard; }});
        within(120s, [&] {
            for (int i = 0; i < 300; ++i) {
                std::atomic<int> inside{0};
                std::atomic<int> thrown{0};
                pool.apply([&] {
                    CHECK_THROWS_AS(pool.fork_join(
                                        [&]() -> int {
                                            fib(pool, 5);
                                            throw std::runtime_error("f");
                                        },
                                        [&] {
                                            ++inside;
                                            const auto sum = fib(pool, 5);
                                            --inside;
                                            ++thrown;
                                            throw std::domain_error("g");
                                            return sum;
                                        }),
                                    std::runtime_error);
                    REQUIRE(inside == 0);
                });
                REQUIRE(heard.exchange(0) == thrown);
                CHECK_THROWS_AS(pool.apply([&] {
                    pool.fork_join([] {}, [] { throw std::domain_error("g"); });
                }),
                                std::domain_error);
            }
        });
    }
}

TEST_CASE("tasks that a fork submits stay tasks", "[fork_join][pinned]") {
    thread_pool pool(2);
    std::atomic<int> made{0};
    within(120s, [&] {
        for (int i = 0; i < 200; ++i) {
            pool.apply([&] {
                pool.fork_join(
                    [&] {
                        pool.detach([&] { ++made; });
                        return pool.submit([] { return 1; }).get();
                    },
                    [&] {
                        pool.detach([&] { ++made; });
                        return pool.submit([] { return 2; }).get();
                    });
            });
        }
        pool.wait_idle();
    });
    CHECK(made == 400);
}
