// SPDX-License-Identifier: BSL-1.0
#include <tandem/async/offload.hpp>

#include <tandem/coroutine/when_all.hpp>
#include <tandem/executor/inline_executor.hpp>
#include <tandem/executor/thread_pool.hpp>

#include "../support/gate.hpp"
#include "tools.hpp"

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace async_tests;
using tandem::on;
using tandem::task;
using tandem::to_thread;

namespace {

std::thread::id where() { return std::this_thread::get_id(); }
int doubles(int x) { return 2 * x; }
int fails() { throw std::runtime_error("elsewhere"); }

}  // namespace

TEST_CASE("a call is made on an executor while the loop goes on", "[offload]") {
    tandem::thread_pool pool(2);
    const auto main = [](tandem::thread_pool& p) -> task<> {
        const auto here = where();
        const auto there = co_await on(p, where);
        CHECK(there != here);
        CHECK(where() == here);
        const int got = co_await on(p, doubles, 4);
        CHECK(got == 8);
        const auto throwing = [](tandem::thread_pool& q) -> task<> { co_await on(q, fails); };
        const auto failure = co_await failure_of(throwing(p));
        CHECK(failure == "elsewhere");
        tandem::inline_executor serial;
        const auto same = co_await on(serial, where);
        CHECK(same == here);
    };
    run(main(pool));
}

TEST_CASE("many calls on a pool are awaited at once", "[offload]") {
    tandem::thread_pool pool(2);
    const auto main = [](tandem::thread_pool& p) -> task<int> {
        int sum = 0;
        for (int round = 0; round < 200; ++round) {
            auto all =
                co_await tandem::when_all(on(p, doubles, 1), on(p, doubles, 2), on(p, doubles, 3));
            sum += std::get<0>(all) + std::get<1>(all) + std::get<2>(all);
        }
        co_return sum;
    };
    CHECK(run(main(pool)) == 200 * 12);
}

TEST_CASE("to_thread runs as many blocking calls as there are", "[offload]") {
    const auto main = []() -> task<> {
        meeting all(5);
        const auto meets = [&all] {
            all.arrive_and_wait();
            return 1;
        };
        auto got = co_await tandem::when_all(to_thread(meets), to_thread(meets), to_thread(meets),
                                             to_thread(meets), to_thread(meets));
        CHECK(std::get<4>(got) == 1);
        const auto named = [word = std::string(100, 'x')] { return word; };
        const auto word = co_await to_thread(named);
        CHECK(word.size() == 100);
        const auto takes = [](std::unique_ptr<int> p) { return *p; };
        auto owned = std::make_unique<int>(3);
        const int three = co_await to_thread(takes, std::move(owned));
        CHECK(three == 3);
    };
    run(main());
    CHECK_THROWS_AS(to_thread(doubles, 1), tandem::invalid_state);
}

TEST_CASE("a call that cannot be stopped is left behind by a cancel", "[offload]") {
    gate go;
    const auto main = [](gate& g) -> task<> {
        gate began;
        const auto blocks = [&g, &began] {
            began.open();
            g.wait();
        };
        const auto waits = [](auto f) -> task<> { co_await to_thread(f); };
        auto handle = tandem::spawn(waits(blocks));
        co_await tandem::yield_now();
        began.wait();
        handle.cancel();
        co_await tandem::yield_now();
        CHECK(handle.done());
        g.open();
    };
    run(main(go));
}

TEST_CASE("frames that await a pool are destroyed while the pool completes", "[offload]") {
    tandem::thread_pool pool(2);
    for (int i = 0; i < 300; ++i) {
        {
            tandem::event_loop loop;
            const auto waits = [](tandem::thread_pool& p, frame_mark) -> task<int> {
                co_return co_await on(p, doubles, 1);
            };
            for (int k = 0; k < 4; ++k) loop.spawn(waits(pool, frame_mark()));
            loop.poll_once();
            if (i % 3 == 0) loop.poll_once();
        }
        CHECK(frame_mark::alive == 0);
    }
    pool.wait_idle();
}
