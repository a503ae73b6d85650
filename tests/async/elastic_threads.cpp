// SPDX-License-Identifier: BSL-1.0
#include <tandem/async/elastic_threads.hpp>

#include "../support/catch.hpp"
#include "../support/gate.hpp"
#include "../support/within.hpp"

#include <chrono>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using tandem::detail::elastic_threads;

TEST_CASE("calls that wait for each other all run at once", "[elastic_threads]") {
    within(60s, [] {
        constexpr int many = 20;
        elastic_threads threads;
        meeting all(many);
        std::vector<tandem::future<void>> calls;
        const auto meets = [&all] { all.arrive_and_wait(); };
        for (int i = 0; i < many; ++i) calls.push_back(threads.call(meets));
        for (auto& one : calls) one.get();
    });
}

TEST_CASE("a call gives its result, or throws", "[elastic_threads]") {
    elastic_threads threads;
    const auto adds = [](int a, std::unique_ptr<int> b) { return a + *b; };
    CHECK(threads.call(adds, 1, std::make_unique<int>(2)).get() == 3);
    const auto fails = [] { throw std::runtime_error("bad"); };
    CHECK_THROWS_WITH(threads.call(fails).get(), "bad");
}

TEST_CASE("threads that are idle are used again", "[elastic_threads]") {
    elastic_threads threads;
    const auto who = [] { return std::this_thread::get_id(); };
    std::vector<std::thread::id> seen;
    for (int i = 0; i < 50; ++i) {
        const auto id = threads.call(who).get();
        bool known = false;
        for (const auto& one : seen) known = known || one == id;
        if (!known) seen.push_back(id);
    }
    CHECK(seen.size() < 50);
}

TEST_CASE("calls that nobody got to are dropped at the end", "[elastic_threads]") {
    within(60s, [] {
        tandem::future<void> last;
        gate go;
        std::vector<tandem::future<void>> others;
        std::thread opens;
        {
            elastic_threads threads;
            const auto waits = [&go] { go.wait(); };
            for (int i = 0; i < 2000; ++i) others.push_back(threads.call(waits));
            last = threads.call(waits);
            opens = std::thread([&] {
                std::this_thread::sleep_for(1ms);
                go.open();
            });
        }
        opens.join();
        CHECK(last.ready());
        for (auto& one : others) CHECK(one.ready());
    });
}
