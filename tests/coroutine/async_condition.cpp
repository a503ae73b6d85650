// SPDX-License-Identifier: BSL-1.0
#include <tandem/coroutine/async_condition.hpp>

#include "../async/tools.hpp"

#include <string>
#include <utility>

using namespace async_tests;
using tandem::async_condition;
using tandem::async_mutex;
using tandem::task;

TEST_CASE("a condition is waited for without the mutex, and met with it", "[async_condition]") {
    const auto main = []() -> task<> {
        async_mutex mutex;
        async_condition changed(mutex);
        int items = 0, taken = 0;
        const auto takes = [](async_mutex& m, async_condition& c, int& i, int& t) -> task<> {
            auto lock = co_await m.lock();
            const auto has_items = [&] { return i > 0; };
            co_await c.wait(lock, has_items);
            CHECK(m.is_locked());
            --i;
            ++t;
        };
        auto a = tandem::spawn(takes(mutex, changed, items, taken));
        auto b = tandem::spawn(takes(mutex, changed, items, taken));
        co_await tandem::sleep_for(1ms);
        CHECK(taken == 0);
        {
            const auto lock = co_await mutex.lock();
            items = 1;
            changed.notify();
        }
        co_await tandem::sleep_for(1ms);
        CHECK(taken == 1);
        {
            const auto lock = co_await mutex.lock();
            items = 1;
            changed.notify_all();
        }
        co_await std::move(a);
        co_await std::move(b);
        CHECK(taken == 2);
        CHECK_FALSE(mutex.is_locked());
    };
    run(main());
}

TEST_CASE("one that is cancelled has the mutex when it hears of it", "[async_condition]") {
    const auto main = []() -> task<> {
        async_mutex mutex;
        async_condition changed(mutex);
        bool held = false;
        const auto waits = [](async_mutex& m, async_condition& c, bool& h) -> task<> {
            auto lock = co_await m.lock();
            try {
                co_await c.wait(lock);
            } catch (const tandem::cancelled_error&) {
                h = static_cast<bool>(lock);
                throw;
            }
        };
        auto handle = tandem::spawn(waits(mutex, changed, held));
        co_await tandem::sleep_for(1ms);
        auto mine = co_await mutex.lock();
        handle.cancel();
        co_await tandem::sleep_for(1ms);
        CHECK_FALSE(handle.done());
        mine.release();
        co_await tandem::sleep_for(1ms);
        CHECK(handle.done());
        CHECK(held);
        CHECK_FALSE(mutex.is_locked());
    };
    run(main());
}
