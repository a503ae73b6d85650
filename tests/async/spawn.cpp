// SPDX-License-Identifier: BSL-1.0
#include <tandem/async/spawn.hpp>

#include "tools.hpp"

#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace async_tests;
using tandem::task;
using tandem::task_handle;

namespace {

template <class T>
task<T> awaits(task_handle<T> handle, frame_mark = {}) {
    co_return co_await std::move(handle);
}
task<int> gives(int x, frame_mark = {}) { co_return x; }

}  // namespace

TEST_CASE("a spawned task runs when the one that spawned it waits", "[spawn]") {
    const auto main = []() -> task<> {
        std::string log;
        const auto notes = [](std::string& to) -> task<int> {
            to += "ran";
            co_return 3;
        };
        auto handle = tandem::spawn(notes(log));
        CHECK(log.empty());
        CHECK_FALSE(handle.done());
        const int got = co_await std::move(handle);
        CHECK(got == 3);
        CHECK(log == "ran");
        CHECK_FALSE(handle.valid());
    };
    run(main());
}

TEST_CASE("a handle gives the result later, and the error", "[spawn]") {
    const auto main = []() -> task<> {
        auto value = tandem::spawn(gives(4));
        auto error = tandem::spawn(throws_after(0s, "bad"));
        co_await tandem::sleep_for(1ms);
        CHECK(value.done());
        {
            const auto got = co_await std::move(value);
            CHECK(got == 4);
        }
        {
            const auto got = co_await failure_of(awaits(std::move(error)));
            CHECK(got == "bad");
        }
    };
    run(main());
}

TEST_CASE("a task whose handle is dropped runs on, and its error is reported", "[spawn]") {
    std::vector<std::string> reported;
    tandem::event_loop_options options;
    options.on_error = [&](std::exception_ptr error) {
        try {
            std::rethrow_exception(error);
        } catch (const std::exception& e) {
            reported.push_back(e.what());
        }
    };
    std::string log;
    const auto main = [](std::string& to) -> task<> {
        tandem::spawn(notes_end(1ms, to));
        tandem::spawn(throws_after(0s, "unseen"));
        auto seen = tandem::spawn(throws_after(0s, "seen"));
        {
            const auto got = co_await failure_of(awaits(std::move(seen)));
            CHECK(got == "seen");
        }
        auto dropped_late = tandem::spawn(throws_after(0s, "unseen too"));
        co_await tandem::sleep_for(10ms);
        CHECK(dropped_late.done());
    };
    run(main(log), std::move(options));
    CHECK(log == "slept ");
    CHECK(reported == std::vector<std::string>{"unseen", "unseen too"});
}

TEST_CASE("a cancel of who awaits a task goes through to it", "[spawn]") {
    const auto main = []() -> task<> {
        std::string log;
        auto outer = tandem::spawn(awaits(tandem::spawn(notes_end(1h, log))));
        co_await tandem::yield_now();
        outer.cancel();
        {
            const auto got = co_await failure_of(awaits(std::move(outer)));
            CHECK(got == "cancelled");
        }
        CHECK(log == "cancelled ");
    };
    run(main());
}

TEST_CASE("a task that has ended cannot be cancelled", "[spawn]") {
    const auto main = []() -> task<> {
        auto handle = tandem::spawn(gives(1));
        co_await tandem::yield_now();
        CHECK(handle.done());
        CHECK_FALSE(handle.cancel());
        {
            const auto got = co_await std::move(handle);
            CHECK(got == 1);
        }
    };
    run(main());
}

TEST_CASE("on_done is called in order, with the outcome, and leaves it there", "[spawn]") {
    const auto main = []() -> task<> {
        std::string log;
        auto handle = tandem::spawn(later(1ms, std::string("value")));
        for (const char c : {'a', 'b'}) {
            handle.on_done(
                [&log, c](const tandem::outcome<std::string>& o) { log += c + o.value() + ' '; });
        }
        co_await tandem::sleep_for(5ms);
        CHECK(log == "avalue bvalue ");
        handle.on_done([&](const tandem::outcome<std::string>& o) { log += o.value(); });
        CHECK(log == "avalue bvalue value");
        {
            const auto got = co_await std::move(handle);
            CHECK(got == "value");
        }

        bool failed = false, cancelled = false;
        auto bad = tandem::spawn(throws_after(0s, "bad"));
        bad.on_done([&](const tandem::outcome<void>& o) { failed = !o && !o.cancelled(); });
        auto gone = tandem::spawn(sleeps(1h));
        gone.on_done([&](const tandem::outcome<void>& o) { cancelled = o.cancelled(); });
        gone.cancel();
        {
            const auto got = co_await failure_of(awaits(std::move(bad)));
            CHECK(got == "bad");
        }
        co_await tandem::yield_now();
        CHECK(failed);
        CHECK(cancelled);
    };
    run(main());
}

TEST_CASE("what on_done throws is reported", "[spawn]") {
    int reports = 0;
    tandem::event_loop_options options;
    options.on_error = [&](std::exception_ptr) { ++reports; };
    const auto main = []() -> task<> {
        auto handle = tandem::spawn(gives(1));
        handle.on_done([](const tandem::outcome<int>&) { throw 1; });
        {
            const auto got = co_await std::move(handle);
            CHECK(got == 1);
        }
    };
    run(main(), std::move(options));
    CHECK(reports == 1);
}

TEST_CASE("misuse of handles is told", "[spawn]") {
    CHECK_THROWS_AS(tandem::spawn(gives(1)), tandem::invalid_state);
    CHECK_THROWS_AS(task_handle<int>().done(), tandem::invalid_state);
    const auto main = []() -> task<> {
        task_handle<> self;
        const auto awaits_itself = [](task_handle<>& h) -> task<> { co_await std::move(h); };
        self = tandem::spawn(awaits_itself(self));
        co_await tandem::sleep_for(1ms);
    };
    int reports = 0;
    tandem::event_loop_options options;
    options.on_error = [&](std::exception_ptr) { ++reports; };
    run(main(), std::move(options));
    CHECK(reports == 1);

    const auto on_another_thread = []() -> task<> {
        auto handle = tandem::spawn(sleeps(1h));
        co_await tandem::yield_now();
        bool refused = false;
        std::thread([&] {
            try {
                handle.cancel();
            } catch (const tandem::invalid_state&) {
                refused = true;
            }
        }).join();
        CHECK(refused);
        CHECK(handle.cancel());
    };
    run(on_another_thread());
}

TEST_CASE("a handle may outlive its loop", "[spawn]") {
    task_handle<int> done, not_done;
    {
        tandem::event_loop loop;
        done = loop.spawn(gives(1));
        loop.poll_once();
        not_done = loop.spawn(later(1h, 2));
        loop.poll_once();
    }
    CHECK(done.done());
    CHECK(not_done.done());
    const auto takes = [](task_handle<int> a, task_handle<int> b) -> task<> {
        {
            const auto got = co_await std::move(a);
            CHECK(got == 1);
        }
        {
            const auto got = co_await failure_of(awaits(std::move(b)));
            CHECK(got == "cancelled");
        }
    };
    run(takes(std::move(done), std::move(not_done)));
}
