// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/short_mutex.hpp>

#include "../support/catch.hpp"
#include "../support/within.hpp"

#include <mutex>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using tandem::detail::short_mutex;

TEST_CASE("one thread at a time has a short mutex", "[short_mutex][pinned]") {
    short_mutex mutex;
    long count = 0;
    constexpr int each = 20'000;
    within(120s, [&] {
        std::vector<std::jthread> all;
        for (int i = 0; i < 8; ++i) {
            all.emplace_back([&] {
                for (int k = 0; k < each; ++k) {
                    const std::lock_guard hold(mutex);
                    ++count;
                }
            });
        }
    });
    CHECK(count == 8L * each);
}

TEST_CASE("try_lock of a short mutex does not wait", "[short_mutex]") {
    short_mutex mutex;
    REQUIRE(mutex.try_lock());
    std::thread([&] { CHECK_FALSE(mutex.try_lock()); }).join();
    mutex.unlock();
    CHECK(mutex.try_lock());
    mutex.unlock();
}

TEST_CASE("whoever waits long for a short mutex sleeps, and is woken", "[short_mutex][pinned]") {
    short_mutex mutex;
    within(60s, [&] {
        mutex.lock();
        std::vector<std::jthread> all;
        for (int i = 0; i < 4; ++i) {
            all.emplace_back([&] { const std::lock_guard hold(mutex); });
        }
        std::this_thread::sleep_for(10ms);  // so that they do sleep, mostly
        mutex.unlock();
    });
}
