// SPDX-License-Identifier: BSL-1.0
#include <tandem/executor/pool_worker.hpp>

#include "../support/catch.hpp"

#include <set>
#include <thread>

using namespace tandem::detail;

TEST_CASE("a worker's counts add up", "[pool_worker]") {
    own_count count;
    count.add(3);
    count.publish();
    count.add(4);
    CHECK(count.get() == 7);
}

TEST_CASE("workers look in different places first", "[pool_worker]") {
    const executor_context pool;
    pool_worker a(pool, 0);
    pool_worker b(pool, 1);
    std::set<std::uint32_t> seen;
    for (int i = 0; i < 100; ++i) {
        seen.insert(a.next_random());
        seen.insert(b.next_random());
    }
    CHECK(seen.size() > 190);
}

TEST_CASE("the current worker is the thread's own", "[pool_worker]") {
    const executor_context pool;
    pool_worker me(pool, 0);
    CHECK(pool_worker::current() == nullptr);
    pool_worker::current() = &me;
    pool_worker* elsewhere = &me;
    std::thread([&] { elsewhere = pool_worker::current(); }).join();
    CHECK(elsewhere == nullptr);
    CHECK(pool_worker::current() == &me);
    pool_worker::current() = nullptr;
}
