// SPDX-License-Identifier: BSL-1.0
#include <tandem/coroutine/async_event.hpp>

#include "../async/tools.hpp"

#include <string>
#include <utility>
#include <vector>

using namespace async_tests;
using tandem::async_event;
using tandem::task;

namespace {

task<> waits(async_event& event, std::string& to, char c, frame_mark = {}) {
    co_await event.wait();
    to += c;
}

}  // namespace

TEST_CASE("an event lets all go that wait, in order, and all that come", "[async_event]") {
    const auto main = []() -> task<> {
        async_event event;
        std::string log;
        auto a = tandem::spawn(waits(event, log, 'a'));
        auto b = tandem::spawn(waits(event, log, 'b'));
        auto gone = tandem::spawn(waits(event, log, 'x'));
        co_await tandem::yield_now();
        gone.cancel();
        CHECK(log.empty());
        event.set();
        CHECK(event.is_set());
        co_await waits(event, log, 'c');
        co_await std::move(a);
        co_await std::move(b);
        CHECK(log == "cab");
        CHECK(gone.done());
        event.clear();
        auto d = tandem::spawn(waits(event, log, 'd'));
        co_await tandem::yield_now();
        CHECK_FALSE(d.done());
    };
    run(main());
}
