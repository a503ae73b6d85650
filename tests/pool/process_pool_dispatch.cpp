// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/process_pool_dispatch.hpp>

#include "pool/tasks.hpp"

#include <algorithm>
#include <string>
#include <vector>

using namespace tandem;
using namespace std::chrono_literals;
using namespace tasks;

TEST_CASE("calls of which nothing is known go one by one to whoever is free",
          "[process_pool_dispatch]") {
    tools::leaves_nothing([] {
        process_pool pool(2);
        tools::mailbox started;
        tools::mailbox gate;
        // Both run at once: none waits behind the other.
        auto a = pool.submit(wait_for, started.to(), gate.from());
        auto b = pool.submit(wait_for, started.to(), gate.from());
        CHECK(started.receive() != started.receive());
        gate.send(1);
        gate.send(1);
        CHECK(a.get() + b.get() == 2);
    });
}

TEST_CASE("a short call that waits behind a long one is given to who is free",
          "[process_pool_dispatch]") {
    tools::leaves_nothing([] {
        process_pool pool(2);
        for (int round = 0; round < 5; ++round) {
            tools::mailbox started;
            tools::mailbox gate;
            std::vector<future<int>> quick;
            for (int i = 0; i < 20; ++i) quick.push_back(pool.submit(twice, i));
            auto slow = pool.submit(wait_for, started.to(), gate.from());
            for (int i = 0; i < 20; ++i) quick.push_back(pool.submit(twice, i));
            for (auto& f : quick) REQUIRE(f.wait_for(10s));
            gate.send(1);
            slow.get();
        }
    });
}

TEST_CASE("an explicit chunk goes to one worker", "[process_pool_dispatch]") {
    tools::leaves_nothing([] {
        process_pool pool(1);
        const auto pids =
            pool.map([](int) { return ::getpid(); }, first_numbers(100), {.chunk_size = 100});
        CHECK(std::ranges::count(pids, pids[0]) == 100);
    });
}

TEST_CASE("a chunk larger than any may be is made in parts", "[process_pool_dispatch]") {
    tools::leaves_nothing([] {
        process_pool pool(2);
        const auto numbers = first_numbers(150'000);
        const auto doubled = pool.map(twice, numbers, {.chunk_size = 1'000'000});
        REQUIRE(doubled.size() == 150'000);
        CHECK(doubled.back() == 299'998);
    });
}
