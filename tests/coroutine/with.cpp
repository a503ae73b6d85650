// SPDX-License-Identifier: BSL-1.0
#include <tandem/coroutine/with.hpp>

#include "../async/tools.hpp"

#include <stdexcept>
#include <string>
#include <utility>

using namespace async_tests;
using tandem::task;

namespace {

struct connection {
    explicit connection(std::string& to) : log(to) { log += "open "; }
    std::string& log;
};
task<> closes(connection& c) {
    co_await tandem::sleep_for(1ms);
    c.log += "closed ";
}

}  // namespace

TEST_CASE("with closes after a use that returns, throws or is cancelled", "[with]") {
    const auto main = []() -> task<> {
        std::string log;
        const auto uses = [](connection& c) -> task<int> {
            c.log += "used ";
            co_return 3;
        };
        const int got = co_await tandem::with(connection(log), uses, closes);
        CHECK(got == 3);
        CHECK(log == "open used closed ");

        log.clear();
        const auto fails = [](connection&) -> task<> {
            co_await tandem::yield_now();
            throw std::runtime_error("use");
        };
        const auto failure = co_await failure_of(tandem::with(connection(log), fails, closes));
        CHECK(failure == "use");
        CHECK(log == "open closed ");

        log.clear();
        const auto waits = [](connection& c) -> task<> { co_await notes_end(1h, c.log); };
        auto handle = tandem::spawn(tandem::with(connection(log), waits, closes));
        co_await tandem::yield_now();
        handle.cancel();
        co_await tandem::sleep_for(20ms);
        CHECK(handle.done());
        CHECK(log == "open cancelled closed ");
    };
    run(main());
}

TEST_CASE("what closing throws is thrown, or reported behind an error of the use", "[with]") {
    int reports = 0;
    tandem::event_loop_options options;
    options.on_error = [&](std::exception_ptr) { ++reports; };
    const auto main = []() -> task<> {
        std::string log;
        const auto uses = [](connection&) -> task<> { co_return; };
        const auto fails = [](connection&) -> task<> {
            co_await tandem::yield_now();
            throw std::runtime_error("use");
        };
        const auto cannot = [](connection&) -> task<> {
            co_await tandem::yield_now();
            throw std::runtime_error("close");
        };
        auto failure = co_await failure_of(tandem::with(connection(log), uses, cannot));
        CHECK(failure == "close");
        failure = co_await failure_of(tandem::with(connection(log), fails, cannot));
        CHECK(failure == "use");
    };
    run(main(), std::move(options));
    CHECK(reports == 1);
}
