// SPDX-License-Identifier: BSL-1.0
#include <tandem/future/then.hpp>

#include "../support/catch.hpp"
#include "../support/gate.hpp"
#include "../support/long_chain.hpp"
#include "../support/within.hpp"

#include <tandem/executor/inline_executor.hpp>
#include <tandem/executor/thread_pool.hpp>
#include <tandem/future/as_completed.hpp>
#include <tandem/future/collect.hpp>
#include <tandem/future/future.hpp>
#include <tandem/future/promise.hpp>
#include <tandem/future/wait.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using tandem::future;
using tandem::inline_executor;
using tandem::make_ready_future;
using tandem::outcome;
using tandem::promise;
using tandem::thread_pool;

TEST_CASE("then calls the function with the value, when it is there", "[then]") {
    promise<int> p;
    auto f = p.get_future();
    auto g = f.then([](int x) { return std::to_string(x); });
    STATIC_REQUIRE(std::is_same_v<decltype(g), future<std::string>>);
    CHECK_FALSE(f.valid());
    CHECK_FALSE(g.ready());
    p.set_value(12);
    CHECK(g.get() == "12");
}

TEST_CASE("then on a ready future calls at once, once", "[then]") {
    int called = 0;
    auto g = make_ready_future(1).then([&](int x) {
        ++called;
        return x + 1;
    });
    CHECK(called == 1);
    CHECK(g.ready());
    CHECK(g.get() == 2);
    CHECK(called == 1);
}

TEST_CASE("then passes void, references and move-only values on", "[then]") {
    promise<void> nothing;
    auto a = nothing.get_future().then([] { return 1; }).then([](int) {});
    STATIC_REQUIRE(std::is_same_v<decltype(a), future<void>>);
    nothing.set_value();
    CHECK_NOTHROW(a.get());

    int object = 1;
    promise<int&> refers;
    auto b = refers.get_future().then([](int& x) -> int& { return ++x, x; });
    refers.set_value(object);
    CHECK(&b.get() == &object);
    CHECK(object == 2);

    auto c = make_ready_future(std::make_unique<int>(3))
                 .then([](std::unique_ptr<int> x) { return x; })
                 .then([n = std::make_unique<int>(4)](std::unique_ptr<int> x) { return *n * *x; });
    CHECK(c.get() == 12);
}

TEST_CASE("then passes exceptions and cancels through without calling", "[then]") {
    int called = 0;
    const auto count = [&](int x) {
        ++called;
        return x;
    };
    promise<int> fails;
    auto a = fails.get_future().then(count).then(count);
    fails.set_exception(std::make_exception_ptr(std::out_of_range("first")));
    CHECK_THROWS_WITH(a.get(), "first");

    promise<int> stops;
    auto source = stops.get_future();
    const auto shared = source.share();
    promise<int> p;
    auto f = p.get_future();
    auto b = f.then(count);
    {
        const auto dropped = std::move(p);
    }
    CHECK_THROWS_AS(b.get(), tandem::broken_promise);
    CHECK(called == 0);
}

TEST_CASE("a cancelled source cancels what comes after it", "[then]") {
    thread_pool pool(1);
    gate go;
    pool.detach([&] { go.wait(); });
    auto source = pool.submit([] { return 1; });
    int called = 0;
    auto g = source.then([&](int) { ++called; });
    pool.terminate();
    CHECK_THROWS_AS(g.get(), tandem::cancelled_error);
    go.open();
    CHECK(called == 0);
}

TEST_CASE("what the function throws is the result", "[then]") {
    auto g = make_ready_future(1).then([](int) -> int { throw std::domain_error("mine"); });
    CHECK_THROWS_WITH(g.get(), "mine");
}

TEST_CASE("the function is destroyed before the next future is ready", "[then]") {
    const auto alive = std::make_shared<int>(0);
    promise<int> p;
    auto g = p.get_future().then([alive](int x) { return x; });
    CHECK(alive.use_count() == 2);
    long seen = 0;
    g.on_done([&](const outcome<int>&) { seen = alive.use_count(); });
    p.set_value(1);
    CHECK(seen == 1);
}

TEST_CASE("cancelling the later future keeps its function from being called", "[then]") {
    promise<int> p;
    auto f = p.get_future();
    int called = 0;
    auto g = f.then([&](int) { ++called; });
    CHECK(g.cancel());
    CHECK(g.cancelled());
    CHECK_NOTHROW(p.set_value(1));
    CHECK(called == 0);
    CHECK_THROWS_AS(g.get(), tandem::cancelled_error);
}

TEST_CASE("a chain of a million pending futures needs no stack", "[then]") {
    within(200s, [] {
        promise<int> p;
        auto f = p.get_future();
        for (int i = 0; i < long_chain; ++i) f = f.then([](int x) { return x + 1; });
        std::thread waiter([&] { f.wait(); });  // looks for something to help with, far up
        p.set_value(0);
        waiter.join();
        CHECK(f.get() == long_chain);
    });
}

TEST_CASE("a chain of a million ready futures needs no stack", "[then]") {
    within(200s, [] {
        auto f = make_ready_future(0);
        for (int i = 0; i < long_chain; ++i) f = f.then([](int x) { return x + 1; });
        CHECK(f.get() == long_chain);
    });
}

TEST_CASE("a failure runs down a million futures without a stack", "[then]") {
    within(200s, [] {
        promise<int> p;
        auto f = p.get_future();
        for (int i = 0; i < long_chain; ++i) f = f.then([](int x) { return x + 1; });
        {
            const auto dropped = std::move(p);
        }
        CHECK_THROWS_AS(f.get(), tandem::broken_promise);
    });
}

TEST_CASE("a chain that makes its own next link needs no stack", "[then]") {
    within(200s, [] {
        struct link {
            static void next(int left, promise<int>& end) {
                if (left == 0) return end.set_value(7);
                promise<int> p;
                auto f = p.get_future();
                auto g = f.then([left, &end](int) { next(left - 1, end); });
                p.set_value(left);
            }
        };
        promise<int> end;
        auto f = end.get_future();
        link::next(long_chain, end);
        CHECK(f.get() == 7);
    });
}

TEST_CASE("dropping a long pending chain needs no stack", "[then]") {
    within(200s, [] {
        promise<int> p;
        {
            auto f = p.get_future();
            for (int i = 0; i < long_chain; ++i) f = f.then([](int x) { return x + 1; });
        }
        CHECK_NOTHROW(p.set_value(1));
    });
}

TEST_CASE("then on an executor calls there", "[then]") {
    thread_pool pool(1);
    const auto worker = pool.apply([] { return std::this_thread::get_id(); });
    promise<int> p;
    auto g = p.get_future().then(
        pool, [](int x) { return std::pair(std::this_thread::get_id(), x + 1); });
    p.set_value(1);
    const auto [where, value] = g.get();
    CHECK(where == worker);
    CHECK(value == 2);
}

TEST_CASE("then on an executor passes exceptions through without a call", "[then]") {
    thread_pool pool(1);
    std::atomic<int> called{0};
    promise<int> p;
    auto g = p.get_future().then(pool, [&](int) { ++called; });
    p.set_exception(std::make_exception_ptr(std::range_error("up")));
    CHECK_THROWS_WITH(g.get(), "up");
    auto h = make_ready_future(1).then(pool, [](int) { throw std::domain_error("there"); });
    CHECK_THROWS_WITH(h.get(), "there");
    CHECK(called == 0);
}

TEST_CASE("then on an executor takes void, references, move-only values and stop_tokens",
          "[then]") {
    thread_pool pool(2);
    CHECK(tandem::make_ready_future().then(pool, [] { return 3; }).get() == 3);
    CHECK(make_ready_future(std::make_unique<int>(4))
              .then(pool, [](std::unique_ptr<int> x) { return *x; })
              .get() == 4);
    CHECK(make_ready_future(5).then(pool, [](std::stop_token, int x) { return x; }).get() == 5);
    int object = 1;
    promise<int&> p;
    p.set_value(object);
    auto g = p.get_future().then(pool, [](int& x) -> int& { return x; });
    CHECK(&g.get() == &object);
}

TEST_CASE("then on a closed executor fails the future", "[then]") {
    thread_pool pool(1);
    promise<int> p;
    auto g = p.get_future().then(pool, [](int x) { return x; });
    pool.close();
    p.set_value(1);
    CHECK_THROWS_AS(g.get(), tandem::pool_closed);
}

TEST_CASE("then on a serial executor calls in the completing thread", "[then]") {
    inline_executor here;
    promise<int> p;
    auto g = p.get_future().then(here, [](int x) { return x * 2; });
    p.set_value(4);
    CHECK(g.ready());
    CHECK(g.get() == 8);
}

TEST_CASE("a call that waits on the executor can be cancelled", "[then]") {
    thread_pool pool(1);
    gate started;
    gate go;
    pool.detach([&] {
        started.open();
        go.wait();
    });
    started.wait();
    std::atomic<int> called{0};
    auto g = make_ready_future(1).then(pool, [&](int) { ++called; });
    CHECK(g.cancel());
    CHECK(g.cancelled());
    CHECK(g.cancel());
    go.open();
    pool.wait_idle();
    CHECK(called == 0);
}

TEST_CASE("a call that runs on the executor is asked to stop", "[then]") {
    thread_pool pool(1);
    gate started;
    auto g = make_ready_future(1).then(pool, [&](std::stop_token stop, int x) {
        started.open();
        while (!stop.stop_requested()) std::this_thread::yield();
        return x;
    });
    started.wait();
    CHECK_FALSE(g.cancel());
    within(60s, [&] { CHECK(g.get() == 1); });
}

TEST_CASE("cancelled before the source is there, the call is never submitted", "[then][pinned]") {
    thread_pool pool(2);
    within(120s, [&] {
        for (int i = 0; i < 500; ++i) {
            promise<int> p;
            std::atomic<int> called{0};
            auto g = p.get_future().then(pool, [&](int) { ++called; });
            std::thread setter([&] { p.set_value(1); });
            const bool cancelled = g.cancel();
            setter.join();
            g.wait();
            pool.wait_idle();
            REQUIRE(g.cancelled() == cancelled);
            REQUIRE(called == (cancelled ? 0 : 1));
        }
    });
}

TEST_CASE("a worker may wait for what comes after a task of its pool", "[then][pinned]") {
    for (const int workers : {1, 2}) {
        thread_pool pool(workers);
        within(60s, [&] {
            CHECK(pool.apply([&] {
                auto f = pool.submit([] { return 1; });
                auto g = f.then([](int x) { return x + 1; });
                return g.get();
            }) == 2);
            CHECK(pool.apply([&] {
                auto f = pool.submit([] { return 1; });
                auto g = f.then(pool, [](int x) { return x + 1; });
                auto h = g.then([](int x) { return x + 1; });
                auto i = h.then(pool, [](int x) { return x + 1; });
                return i.get();
            }) == 4);
        });
    }
}

TEST_CASE("a worker waits for its own pool's call that another thread submits", "[then][pinned]") {
    thread_pool pool(1);
    within(60s, [&] {
        for (int i = 0; i < 50; ++i) {
            promise<int> p;
            auto g = p.get_future().then(pool, [](int x) { return x + 1; });
            gate waiting;
            auto all = pool.submit([&] {
                waiting.open();
                return g.get();
            });
            waiting.wait();
            p.set_value(1);  // the pool's only thread sleeps: it must make the call itself
            REQUIRE(all.get() == 2);
        }
    });
}

TEST_CASE("a worker waits in any way for its own pool's call that another thread submits",
          "[then][pinned]") {
    // Each takes the future of what a call of the pool makes of the promise's value.
    using wait_for = int (*)(future<int>);
    const wait_for ways[] = {
        [](future<int> f) { return std::move(f).then([](int x) { return x; }).get(); },
        [](future<int> f) {
            std::vector<future<int>> one;
            one.push_back(std::move(f));
            return collect(std::move(one)).get()[0];
        },
        [](future<int> f) {
            std::vector<future<int>> one;
            one.push_back(std::move(f));
            tandem::wait(one);
            return one[0].get();
        },
        [](future<int> f) {
            std::vector<future<int>> one;
            one.push_back(std::move(f));
            int sum = 0;
            for (auto [index, ready] : tandem::as_completed(one)) sum += ready.get();
            return sum;
        },
    };
    thread_pool pool(1);
    within(100s, [&] {
        for (const auto way : ways) {
            for (int i = 0; i < 50; ++i) {
                promise<int> p;
                auto twice = p.get_future().then(pool, [](int x) { return x + 1; });
                auto g = std::move(twice).then(pool, [](int x) { return x + 1; });
                gate waiting;
                auto all = pool.submit([&] {
                    waiting.open();
                    return way(std::move(g));
                });
                waiting.wait();
                p.set_value(1);
                REQUIRE(all.get() == 3);
            }
        }
    });
}

TEST_CASE("who waited in a worker for what never came is not kept", "[then]") {
    const auto alive = std::make_shared<int>(0);
    thread_pool pool(1);
    within(60s, [&] {
        promise<int> p;
        std::vector<future<int>> one;
        one.push_back(p.get_future().then(pool, [alive](int x) { return x; }));
        auto all = collect(std::move(one));
        gate waiting;
        auto task = pool.submit([&] {
            waiting.open();
            all.wait();
        });
        waiting.wait();
        p = promise<int>();  // broken
        task.get();
        CHECK_THROWS_AS(all.get(), tandem::broken_promise);
    });
    CHECK(alive.use_count() == 1);
}
