// SPDX-License-Identifier: BSL-1.0
#include <tandem/async/task_group.hpp>

#include "tools.hpp"

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace async_tests;
using tandem::task;
using tandem::task_group;
using tandem::with_group;

namespace {

template <class A>
task<> awaits(A awaited, frame_mark = {}) {
    co_await std::move(awaited);
}
task<> joins(task_group& group, frame_mark = {}) { co_await group.join(); }

}  // namespace

TEST_CASE("a group is joined when all have ended, those too that come", "[task_group]") {
    const auto main = []() -> task<> {
        task_group group;
        std::string log;
        const auto spawns = [](task_group& g, std::string& to) -> task<> {
            co_await tandem::yield_now();
            g.spawn(notes_end(1ms, to));
        };
        group.spawn(spawns(group, log));
        auto value = group.spawn(later(1ms, 4));
        CHECK(group.size() == 2);
        co_await group.join();
        CHECK(group.size() == 0);
        CHECK(log == "slept ");
        const int got = co_await std::move(value);
        CHECK(got == 4);
        co_await group.join();
        group.spawn(sleeps(0s));
        co_await group.join();
    };
    run(main());
}

TEST_CASE("the first failure cancels the rest, and join throws it", "[task_group]") {
    int reports = 0;
    tandem::event_loop_options options;
    options.on_error = [&](std::exception_ptr) { ++reports; };
    const auto main = []() -> task<> {
        task_group group;
        std::string log;
        const auto fails_late = []() -> task<> {
            try {
                co_await tandem::sleep_for(1h);
            } catch (const tandem::cancelled_error&) {
                throw std::runtime_error("second");
            }
        };
        group.spawn(notes_end(1h, log));
        group.spawn(fails_late());
        group.spawn(throws_after(1ms, "first"));
        const auto failure = co_await failure_of(joins(group));
        CHECK(failure == "first");
        CHECK(log == "cancelled ");
        CHECK(group.cancelled());
        bool began = false;
        const auto begins = [](bool& b) -> task<> {
            b = true;
            co_return;
        };
        group.spawn(begins(began));
        co_await group.join();  // the failure was thrown once
        CHECK_FALSE(began);
    };
    run(main(), std::move(options));
    CHECK(reports == 1);
}

TEST_CASE("a child that is cancelled alone is no failure", "[task_group]") {
    const auto main = []() -> task<> {
        task_group group;
        std::string log;
        auto alone = group.spawn(sleeps(1h));
        group.spawn(notes_end(2ms, log));
        co_await tandem::yield_now();
        alone.cancel();
        co_await group.join();
        CHECK(log == "slept ");
    };
    run(main());
}

TEST_CASE("join returns normally after cancel", "[task_group]") {
    const auto main = []() -> task<> {
        task_group group;
        std::string log;
        group.spawn(notes_end(1h, log));
        co_await tandem::yield_now();
        group.cancel();
        co_await group.join();
        CHECK(log == "cancelled ");
    };
    run(main());
}

TEST_CASE("a cancel of who joins goes to all, and is waited for", "[task_group]") {
    const auto main = []() -> task<> {
        std::string log;
        const auto works = [](std::string& to) -> task<> {
            task_group group;
            group.spawn(notes_end(1h, to));
            group.spawn(notes_end(1h, to));
            co_await group.join();
        };
        auto handle = tandem::spawn(works(log));
        co_await tandem::sleep_for(1ms);
        handle.cancel();
        const auto failure = co_await failure_of(awaits(std::move(handle)));
        CHECK(failure == "cancelled");
        CHECK(log == "cancelled cancelled ");
    };
    run(main());
}

TEST_CASE("a group that an exception destroys takes its tasks with it", "[task_group]") {
    const auto main = []() -> task<> {
        const auto works = []() -> task<> {
            task_group group;
            for (int i = 0; i < 10; ++i) group.spawn(sleeps(1h));
            co_await tandem::sleep_for(1ms);
            group.spawn(sleeps(1h));  // one that has not begun
            throw std::runtime_error("before the join");
        };
        const auto catches = [](auto f) -> task<bool> {
            try {
                co_await f();
            } catch (const std::runtime_error&) {
                co_return true;
            }
            co_return false;
        };
        const bool caught = co_await catches(works);
        CHECK(caught);
        CHECK(frame_mark::alive == 0);
    };
    run(main());
}

TEST_CASE("a group's handle may outlive it", "[task_group]") {
    const auto main = []() -> task<> {
        tandem::task_handle<int> handle;
        {
            task_group group;
            handle = group.spawn(later(1h, 1));
            co_await tandem::yield_now();
        }
        CHECK(handle.done());
        const auto takes = [](tandem::task_handle<int> h) -> task<int> {
            co_return co_await std::move(h);
        };
        const auto failure = co_await failure_of(takes(std::move(handle)));
        CHECK(failure == "cancelled");
    };
    run(main());
}

TEST_CASE("with_group joins however the body ends", "[task_group]") {
    const auto main = []() -> task<> {
        std::string log;
        const auto returns = [](std::string& to) {
            return [&to](task_group& group) -> task<int> {
                group.spawn(notes_end(2ms, to));
                co_return 3;
            };
        };
        const auto body = returns(log);
        const int got = co_await with_group(body);
        CHECK(got == 3);
        CHECK(log == "slept ");

        log.clear();
        const auto throws_itself = [&log](task_group& group) -> task<> {
            group.spawn(notes_end(1h, log));
            co_await tandem::yield_now();
            throw std::runtime_error("body");
        };
        auto failure = co_await failure_of(with_group(throws_itself));
        CHECK(failure == "body");
        CHECK(log == "cancelled ");

        log.clear();
        const auto child_throws = [&log](task_group& group) -> task<> {
            group.spawn(throws_after(1ms, "child"));
            co_await notes_end(1h, log);
        };
        failure = co_await failure_of(with_group(child_throws));
        CHECK(failure == "child");
        CHECK(log == "cancelled ");  // the body is one of them

        log.clear();
        const auto gives_up = [&log](task_group& group) -> task<> {
            group.spawn(notes_end(1h, log));
            co_await tandem::yield_now();
            group.cancel();
        };
        co_await with_group(gives_up);
        CHECK(log == "cancelled ");
    };
    run(main());
}

TEST_CASE("a cancel of with_group cancels body and children", "[task_group]") {
    const auto main = []() -> task<> {
        std::string log;
        const auto body = [&log](task_group& group) -> task<> {
            group.spawn(notes_end(1h, log));
            co_await notes_end(1h, log);
        };
        auto handle = tandem::spawn(with_group(body));
        co_await tandem::sleep_for(1ms);
        handle.cancel();
        const auto failure = co_await failure_of(awaits(std::move(handle)));
        CHECK(failure == "cancelled");
        CHECK(log == "cancelled cancelled ");
    };
    run(main());
}

TEST_CASE("groups nest, and are dropped with the loop at any moment", "[task_group]") {
    for (int k = 0; k < 20; ++k) {
        {
            tandem::event_loop loop;
            const auto inner = [](task_group& group) -> task<> {
                group.spawn(sleeps(1h));
                co_await tandem::sleep_for(1h);
            };
            const auto outer = [&inner](task_group& group) -> task<> {
                group.spawn(with_group(inner));
                co_await with_group(inner);
            };
            loop.spawn(with_group(outer));
            for (int i = 0; i < k; ++i) loop.poll_once(1);
        }
        CHECK(frame_mark::alive == 0);
    }
}
