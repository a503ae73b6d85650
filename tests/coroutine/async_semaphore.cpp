// SPDX-License-Identifier: BSL-1.0
#include <tandem/coroutine/async_semaphore.hpp>

#include "../async/tools.hpp"

#include <algorithm>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

using namespace async_tests;
using tandem::async_semaphore;
using tandem::task;

TEST_CASE("a semaphore lets so many in", "[async_semaphore]") {
    const auto main = []() -> task<> {
        async_semaphore semaphore(2);
        int now = 0, most = 0;
        const auto works = [](async_semaphore& s, int& n, int& m) -> task<> {
            const auto permit = co_await s.acquire();
            m = std::max(m, ++n);
            co_await tandem::sleep_for(100us);
            --n;
        };
        std::vector<tandem::task_handle<>> all;
        for (int i = 0; i < 7; ++i) all.push_back(tandem::spawn(works(semaphore, now, most)));
        for (auto& one : all) co_await std::move(one);
        CHECK(most == 2);
        CHECK(semaphore.available() == 2);
    };
    run(main());
    CHECK_THROWS_AS(async_semaphore(-1), std::invalid_argument);
}

TEST_CASE("a permit is given back once, and can be moved", "[async_semaphore]") {
    async_semaphore semaphore(1);
    auto permit = semaphore.try_acquire();
    CHECK(permit);
    auto moved = std::move(permit);
    CHECK_FALSE(permit);
    permit.release();
    CHECK(semaphore.available() == 0);
    moved.release();
    moved.release();
    CHECK(semaphore.available() == 1);
}

TEST_CASE("permits can be added, which wakes who waits", "[async_semaphore]") {
    const auto main = []() -> task<> {
        async_semaphore semaphore(0);
        const auto takes = [](async_semaphore& s) -> task<> {
            const auto permit = co_await s.acquire();
        };
        auto waits = tandem::spawn(takes(semaphore));
        co_await tandem::yield_now();
        CHECK_FALSE(waits.done());
        bool refused = false;
        std::thread([&] {
            try {
                semaphore.add_permit();
            } catch (const tandem::invalid_state&) {
                refused = true;
            }
        }).join();
        CHECK(refused);
        semaphore.add_permit();
        co_await std::move(waits);
        CHECK(semaphore.available() == 1);
    };
    run(main());
}
