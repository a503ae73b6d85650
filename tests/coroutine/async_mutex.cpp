// SPDX-License-Identifier: BSL-1.0
#include <tandem/coroutine/async_mutex.hpp>

#include "../async/tools.hpp"

#include <string>
#include <utility>
#include <vector>

using namespace async_tests;
using tandem::async_mutex;
using tandem::task;

namespace {

task<> notes_locked(async_mutex& mutex, std::string& to, char c, frame_mark = {}) {
    const auto lock = co_await mutex.lock();
    to += c;
    co_await tandem::yield_now();
    to += c;
}

}  // namespace

TEST_CASE("a mutex goes to who asked first", "[async_mutex]") {
    const auto main = []() -> task<> {
        async_mutex mutex;
        std::string log;
        std::vector<tandem::task_handle<>> all;
        for (const char c : {'a', 'b', 'c'}) {
            all.push_back(tandem::spawn(notes_locked(mutex, log, c)));
        }
        for (auto& one : all) co_await std::move(one);
        CHECK(log == "aabbcc");
        CHECK_FALSE(mutex.is_locked());
        auto lock = mutex.try_lock();
        CHECK(lock);
        CHECK_FALSE(mutex.try_lock());
        lock.release();
        CHECK(mutex.try_lock());
    };
    run(main());
}

TEST_CASE("one that waits for a mutex can be cancelled, at every moment", "[async_mutex]") {
    const auto main = []() -> task<> {
        for (int moment = 0; moment < 8; ++moment) {
            async_mutex mutex;
            std::string log;
            auto a = tandem::spawn(notes_locked(mutex, log, 'a'));
            auto b = tandem::spawn(notes_locked(mutex, log, 'b'));
            auto c = tandem::spawn(notes_locked(mutex, log, 'c'));
            for (int i = 0; i < moment; ++i) co_await tandem::yield_now();
            b.cancel();
            co_await std::move(a);
            co_await std::move(c);
            while (!b.done()) co_await tandem::yield_now();
            CHECK(log.find("cc") != log.npos);
            CHECK(log.substr(0, 2) == "aa");
            CHECK_FALSE(mutex.is_locked());
        }
    };
    run(main());
}

TEST_CASE("a frame that is destroyed while it gets the mutex passes it on", "[async_mutex]") {
    for (int k = 0; k < 12; ++k) {
        async_mutex mutex;
        std::string log;
        {
            tandem::event_loop loop;
            for (const char c : {'a', 'b', 'c'}) loop.spawn(notes_locked(mutex, log, c));
            for (int i = 0; i < k; ++i) loop.poll_once(1);
        }
        CHECK_FALSE(mutex.is_locked());
        CHECK(frame_mark::alive == 0);
    }
}

TEST_CASE("a mutex with 100000 waiters", "[async_mutex]") {
    const auto main = []() -> task<int> {
        async_mutex mutex;
        int sum = 0;
        const auto adds = [](async_mutex& m, int& to) -> task<> {
            const auto lock = co_await m.lock();
            ++to;
        };
        auto lock = co_await mutex.lock();
        for (int i = 0; i < 100'000; ++i) tandem::spawn(adds(mutex, sum));
        co_await tandem::yield_now();
        CHECK(sum == 0);
        lock.release();
        const auto last = co_await mutex.lock();
        co_return sum;
    };
    CHECK(run(main()) == 100'000);
}
