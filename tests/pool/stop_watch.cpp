// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/stop_watch.hpp>

#include "support/catch.hpp"
#include "support/within.hpp"

#include <memory>
#include <thread>

using namespace tandem::detail;
using namespace std::chrono_literals;

TEST_CASE("the call that is asked to stop hears of it, before and after it looks", "[stop_watch]") {
    within(20s, [] {
        const auto memory = std::make_unique<channel_memory>();
        stop_watch watch(*memory);
        for (std::size_t i = 0; i < 100; ++i) {
            const auto name = call_name(3, i);
            if (i % 2 == 0) ask_to_stop(*memory, name);
            const auto token = watch.begin(name);
            if (i % 2 != 0) ask_to_stop(*memory, name);
            while (!token.stop_requested()) std::this_thread::yield();
            watch.end();
        }
    });
}

TEST_CASE("a request for another call changes nothing", "[stop_watch]") {
    within(20s, [] {
        const auto memory = std::make_unique<channel_memory>();
        stop_watch watch(*memory);
        const auto first = watch.begin(call_name(1, 0));
        ask_to_stop(*memory, call_name(1, 1));
        ask_to_stop(*memory, call_name(2, 0));
        watch.end();
        const auto second = watch.begin(call_name(1, 2));
        ask_to_stop(*memory, call_name(1, 0));
        watch.end();
        CHECK_FALSE(first.stop_requested());
        CHECK_FALSE(second.stop_requested());
    });
}

TEST_CASE("a watch that nobody needed starts no thread", "[stop_watch]") {
    const auto memory = std::make_unique<channel_memory>();
    const stop_watch watch(*memory);
    CHECK(memory->stops.load() == 0);
}
