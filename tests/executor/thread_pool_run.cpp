// SPDX-License-Identifier: BSL-1.0
#include <tandem/executor/thread_pool_run.hpp>

#include "../support/catch.hpp"
#include "../support/gate.hpp"
#include "../support/within.hpp"

#include <tandem/executor/thread_pool.hpp>

#include <atomic>
#include <vector>

using namespace std::chrono_literals;
using tandem::thread_pool;

TEST_CASE("calls from outside are made in their order by one thread", "[thread_pool_run]") {
    thread_pool pool(1);
    gate go;
    pool.detach([&] { go.wait(); });
    std::vector<int> made;
    for (int i = 0; i < 1'000; ++i) pool.detach([&, i] { made.push_back(i); });
    go.open();
    pool.wait_idle();
    REQUIRE(made.size() == 1'000);
    for (int i = 0; i < 1'000; ++i) REQUIRE(made[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("a task that submits tasks for ever does not keep others out", "[thread_pool_run]") {
    thread_pool pool(1);
    std::atomic<bool> stop{false};
    struct again {
        void operator()() const {
            if (!stop->load()) pool->detach(*this);
        }
        thread_pool* pool;
        std::atomic<bool>* stop;
    };
    within(60s, [&] {
        pool.detach(again{&pool, &stop});
        pool.submit([&] { stop = true; }).get();
        pool.wait_idle();
    });
}
