// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/process_pool.hpp>

#include "pool/tasks.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

using namespace tandem;
using namespace std::chrono_literals;
using namespace tasks;
using tools::leaves_nothing;

// Callbacks.

TEST_CASE("callbacks run in order, once, in one thread that is nobody's else", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        std::mutex mutex;
        std::vector<int> order;
        std::set<std::thread::id> threads;
        tools::mailbox gate;
        auto f =
            pool.submit([](const std::string& from) { return tools::hear(from); }, gate.from());
        for (int i = 0; i < 10; ++i) {
            f.on_done([&, i](const outcome<std::int64_t>& result) {
                const std::lock_guard hold(mutex);
                CHECK(result.value() == 5);
                order.push_back(i);
                threads.insert(std::this_thread::get_id());
            });
        }
        gate.send(5);
        pool.close();
        pool.join();
        CHECK(order == first_numbers(10));
        CHECK(threads.size() == 1);
        CHECK(threads.count(std::this_thread::get_id()) == 0);
    });
}

TEST_CASE("a callback may submit to the pool and wait for it", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(1);
        std::atomic<int> got{0};
        auto f = pool.submit(twice, 1);
        f.on_done([&](const outcome<int>& two) {
            got = pool.apply(twice, two.value()) + pool.map(twice, first_numbers(10)).back();
        });
        pool.close();  // what a callback submits is the pool's own work
        pool.join();
        CHECK(got == 4 + 18);
    });
}

TEST_CASE("then runs where callbacks run, and may wait for the pool", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(1);
        auto chained = pool.submit(twice, 1)
                           .then([&](int x) { return pool.apply(twice, x); })
                           .then(pool, twice);
        CHECK(chained.get() == 8);
    });
}

TEST_CASE("what callbacks throw reaches on_error", "[process_pool]") {
    leaves_nothing([] {
        std::mutex mutex;
        std::vector<std::string> heard;
        {
            process_pool pool({.workers = 1, .on_error = [&](std::exception_ptr error) {
                                   const std::lock_guard hold(mutex);
                                   try {
                                       std::rethrow_exception(error);
                                   } catch (const std::exception& e) {
                                       heard.emplace_back(e.what());
                                   }
                               }});
            pool.submit(twice, 1).on_done([](const auto&) { fail("from a callback"); });
        }
        CHECK((heard == std::vector<std::string>{"from a callback"}));
    });
}

// Cancelling.

TEST_CASE("a call that has not begun can be cancelled and never runs", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(1);
        tools::mailbox gate;
        tools::journal runs;
        auto busy = pool.submit([](const std::string& from) { tools::hear(from); }, gate.from());
        std::vector<future<void>> waiting;
        for (int i = 0; i < 5; ++i)
            waiting.push_back(pool.submit(tools::journal::add, runs.path(), i));
        for (auto& f : waiting) {
            CHECK(f.cancel());
            CHECK(f.cancelled());
            CHECK(f.cancel());
            CHECK_THROWS_AS(f.get(), cancelled_error);
        }
        gate.send(1);
        busy.get();
        CHECK(pool.apply(twice, 3) == 6);
        CHECK(runs.read().empty());
        CHECK(pool.stats().replaced == 0);
    });
}

TEST_CASE("calls that are cancelled at once leave the pool as it was", "[process_pool]") {
    leaves_nothing([] {
        for (int workers : {1, 2}) {
            process_pool pool(workers);
            for (int i = 0; i < 200; ++i) {
                auto f = pool.submit(twice, i);
                if (!f.cancel()) CHECK(f.get() == 2 * i);
            }
            CHECK(pool.apply(twice, 3) == 6);
            static_cast<void>(pool.submit(twice, 1).cancel());
        }
    });
}

TEST_CASE("a call that runs is killed by cancel, and the pool goes on", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        tools::mailbox started;
        auto f = pool.submit(
            [](const std::string& up) {
                tools::tell(up, ::getpid());
                std::this_thread::sleep_for(1000s);
            },
            started.to());
        const auto pid = static_cast<int>(started.receive());
        CHECK(f.running());
        CHECK(f.cancel());
        CHECK_THROWS_AS(f.get(), cancelled_error);
        CHECK(tools::eventually([&] { return !tools::exists(pid); }));
        CHECK((pool.map(twice, first_numbers(4)) == std::vector{0, 2, 4, 6}));
    });
}

TEST_CASE("cancelling what runs does not disturb what waits on the same worker", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(1);
        for (int i = 0; i < 20; ++i) {
            tools::mailbox started;
            auto running = pool.submit(
                [](const std::string& up) {
                    tools::tell(up, ::getpid());
                    std::this_thread::sleep_for(1000s);
                },
                started.to());
            started.receive();
            auto a = pool.submit(twice, 1);
            auto b = pool.submit(twice, 2);
            CHECK(running.cancel());
            CHECK(a.get() == 2);
            CHECK(b.get() == 4);
        }
    });
}

TEST_CASE("cancelling a call that is done says no and changes nothing", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(1);
        auto f = pool.submit(twice, 4);
        f.wait();
        CHECK_FALSE(f.cancel());
        CHECK(f.get() == 8);
        CHECK(pool.stats().replaced == 0);
    });
}

TEST_CASE("a map that runs is killed by cancel", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        tools::mailbox started;
        const std::vector<std::string> elements(100, started.to());
        auto all = pool.map_async(
            [](const std::string& up) {
                tools::tell(up, ::getpid());
                std::this_thread::sleep_for(1000s);
                return 0;
            },
            elements);
        started.receive();
        started.receive();
        static_cast<void>(all.cancel());
        CHECK_THROWS_AS(all.get(), cancelled_error);
        CHECK(pool.apply(twice, 2) == 4);
    });
}

TEST_CASE("cancelling at any moment ends each call once", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        int cancelled = 0;
        int finished = 0;
        std::vector<future<int>> futures;
        for (int i = 0; i < 300; ++i) {
            futures.push_back(pool.submit(
                [](int x) {
                    std::this_thread::sleep_for(std::chrono::microseconds(x % 7 * 50));
                    return x;
                },
                i));
            if (i % 3 == 0) static_cast<void>(futures[static_cast<std::size_t>(i / 2)].cancel());
        }
        for (auto& f : futures) {
            REQUIRE(f.wait_for(20s));
            (f.cancelled() ? cancelled : finished) += 1;
        }
        CHECK(cancelled + finished == 300);
    });
}

TEST_CASE("an imap that is dropped early ends what had not begun", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        tools::journal runs;
        std::vector<std::pair<std::string, int>> elements;
        for (int i = 0; i < 1000; ++i) elements.emplace_back(runs.path(), i);
        {
            auto results = pool.imap(
                [](const auto& e) {
                    tools::journal::add(e.first, e.second);
                    std::this_thread::sleep_for(1ms);
                    return e.second;
                },
                elements, {.window = 500});
            auto it = results.begin();
            CHECK(*it == 0);
        }
        CHECK(pool.apply(twice, 1) == 2);
        pool.close();
        pool.join();
        CHECK(runs.read().size() < 200);
    });
}

TEST_CASE("a dropped future changes nothing", "[process_pool]") {
    leaves_nothing([] {
        tools::journal runs;
        {
            process_pool pool(2);
            for (int i = 0; i < 20; ++i)
                static_cast<void>(pool.submit(tools::journal::add, runs.path(), i));
        }
        auto seen = runs.read();
        std::ranges::sort(seen);
        CHECK(seen == first_numbers(20));
    });
}
