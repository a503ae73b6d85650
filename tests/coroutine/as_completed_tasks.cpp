// SPDX-License-Identifier: BSL-1.0
#include <tandem/coroutine/as_completed_tasks.hpp>

#include "../async/tools.hpp"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

using namespace async_tests;
using tandem::as_completed;
using tandem::task;

TEST_CASE("tasks are given as they end, with their place", "[as_completed_tasks]") {
    const auto main = []() -> task<> {
        std::vector<task<int>> tasks;
        for (int i = 0; i < 4; ++i) tasks.push_back(later((4 - i) * 2ms, 10 * i));
        auto each = as_completed(std::move(tasks));
        std::string order;
        while (auto done = co_await each.next()) {
            order += std::to_string(done->index);
            CHECK(done->get() == 10 * static_cast<int>(done->index));
        }
        CHECK(order == "3210");
        const bool more = (co_await each.next()).has_value();
        CHECK_FALSE(more);
    };
    run(main());
}

TEST_CASE("a task that fails is given too", "[as_completed_tasks]") {
    const auto main = []() -> task<> {
        std::vector<task<>> tasks;
        tasks.push_back(throws_after(1ms, "bad"));
        tasks.push_back(sleeps(3ms));
        auto each = as_completed(std::move(tasks));
        int failed = 0, ended = 0;
        while (auto done = co_await each.next()) {
            ++ended;
            if (!done->result) ++failed;
        }
        CHECK(ended == 2);
        CHECK(failed == 1);
        auto none = as_completed(std::vector<task<>>());
        const bool more = (co_await none.next()).has_value();
        CHECK_FALSE(more);
    };
    run(main());
}

TEST_CASE("leaving early destroys the tasks that are left", "[as_completed_tasks]") {
    const auto main = []() -> task<> {
        std::vector<task<int>> tasks;
        tasks.push_back(later(0s, 1));
        tasks.push_back(later(1h, 2));
        {
            auto each = as_completed(std::move(tasks));
            auto first = co_await each.next();
            CHECK(first->index == 0);
        }
        CHECK(frame_mark::alive == 0);
    };
    run(main());
}

TEST_CASE("a cancel ends the tasks that are awaited", "[as_completed_tasks]") {
    const auto main = []() -> task<> {
        std::string log;
        const auto waits = [](std::string& to) -> task<> {
            std::vector<task<>> tasks;
            tasks.push_back(notes_end(1h, to));
            tasks.push_back(notes_end(1h, to));
            auto each = as_completed(std::move(tasks));
            co_await each.next();
        };
        auto handle = tandem::spawn(waits(log));
        co_await tandem::sleep_for(1ms);
        handle.cancel();
        co_await tandem::sleep_for(1ms);
        CHECK(handle.done());
        CHECK(log == "cancelled cancelled ");
    };
    run(main());
}
