// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/process_pool.hpp>

#include "pool/tasks.hpp"

#include <tandem/pool/worker_local.hpp>

#include <csignal>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace tandem;
using namespace std::chrono_literals;
using namespace tasks;
using tools::leaves_nothing;

TEST_CASE("broadcast makes a call once in each worker", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(4);
        const auto pids = pool.broadcast(worker_pid);
        CHECK(std::set<int>(pids.begin(), pids.end()).size() == 4);
        CHECK(pool.broadcast(worker_pid) == pids);
        pool.broadcast([](int x) { worker_local<std::vector<int>>(3, x); }, 7);
        for (const int x : pool.map([](int) { return worker_local<std::vector<int>>().at(2); },
                                    first_numbers(50))) {
            CHECK(x == 7);
        }
    });
}

TEST_CASE("broadcast reaches workers that are busy, and those that were replaced",
          "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(3);
        auto busy = pool.map_async(
            [](int x) {
                std::this_thread::sleep_for(5ms);
                return x;
            },
            first_numbers(60), {.chunk_size = 5});
        CHECK(pool.broadcast(worker_pid).size() == 3);
        const auto before = pool.broadcast(worker_pid);
        for (const int pid : before) tools::kill_one(pid, SIGKILL);
        const auto after = pool.broadcast(worker_pid);
        CHECK(std::set<int>(after.begin(), after.end()).size() == 3);
        try {
            busy.get();
        } catch (const worker_died&) {
        }
    });
}

TEST_CASE("what a broadcast call throws is thrown, and a death is one", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        CHECK_THROWS_AS(pool.broadcast(fail, "no"), std::runtime_error);
        CHECK_THROWS_AS(pool.broadcast([] { std::abort(); }), worker_died);
        CHECK(pool.broadcast(twice, 4) == std::vector<int>{8, 8});
        pool.close();
        CHECK_THROWS_AS(pool.broadcast(worker_pid), pool_closed);
    });
}

TEST_CASE("a broadcast ends when the pool does", "[process_pool]") {
    leaves_nothing([] {
        tools::mailbox box;
        process_pool pool(2);
        auto busy = pool.submit(run_forever, box.to());
        box.receive();
        bool cancelled = false;
        std::thread waiter([&] {
            try {
                pool.broadcast(worker_pid);
            } catch (const cancelled_error&) {
                cancelled = true;
            }
        });
        CHECK(tools::eventually([&] { return pool.stats().done == 1; }));
        pool.terminate();
        waiter.join();
        CHECK(cancelled);
        CHECK_THROWS_AS(busy.get(), cancelled_error);
    });
}
