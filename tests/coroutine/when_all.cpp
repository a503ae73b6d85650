// SPDX-License-Identifier: BSL-1.0
#include <tandem/coroutine/when_all.hpp>

#include <tandem/async/spawn.hpp>
#include <tandem/future/promise.hpp>

#include "../async/tools.hpp"
#include "../support/long_chain.hpp"

#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

using namespace async_tests;
using tandem::task;
using tandem::when_all;

namespace {

template <class A>
task<> awaits(A awaited, frame_mark = {}) {
    co_await std::move(awaited);
}

}  // namespace

TEST_CASE("when_all gives results in the order of its arguments", "[when_all]") {
    const auto main = []() -> task<> {
        std::string log;
        int x = 1;
        const auto refers = [](int& to) -> task<int&> { co_return to; };
        auto all =
            co_await when_all(later(2ms, 1), sleeps(0s), later(1ms, std::string("two")), refers(x));
        CHECK(std::get<0>(all) == 1);
        CHECK(std::get<2>(all) == "two");
        CHECK(&std::get<3>(all).get() == &x);
        auto none = co_await when_all();
        CHECK(none == std::tuple<>());
    };
    run(main());
}

TEST_CASE("when_all takes futures, handles and sleeps", "[when_all]") {
    const auto main = []() -> task<> {
        tandem::promise<int> from;
        auto f = from.get_future();
        auto handle = tandem::spawn(later(1ms, 3));
        tandem::event_loop::current()->post_at(1ms, [&] { from.set_value(2); });
        auto all = co_await when_all(std::move(f), std::move(handle), tandem::sleep_for(1ms));
        CHECK(std::get<0>(all) == 2);
        CHECK(std::get<1>(all) == 3);
    };
    run(main());
}

TEST_CASE("when_all of a vector gives a vector", "[when_all]") {
    const auto main = []() -> task<> {
        std::vector<task<int>> tasks;
        for (int i = 0; i < 10; ++i) tasks.push_back(later((10 - i) * 100us, i));
        const auto results = co_await when_all(std::move(tasks));
        REQUIRE(results.size() == 10);
        for (int i = 0; i < 10; ++i) CHECK(results[static_cast<std::size_t>(i)] == i);
        co_await when_all(std::vector<task<>>());
        std::vector<task<>> nothings;
        nothings.push_back(sleeps(0s));
        co_await when_all(std::move(nothings));
    };
    run(main());
}

TEST_CASE("the first failure cancels the others, which are awaited", "[when_all]") {
    std::vector<std::string> reported;
    tandem::event_loop_options options;
    options.on_error = [&](std::exception_ptr error) {
        try {
            std::rethrow_exception(error);
        } catch (const std::exception& e) {
            reported.push_back(e.what());
        }
    };
    const auto main = []() -> task<> {
        std::string log;
        const auto fails_late = []() -> task<> {
            try {
                co_await tandem::sleep_for(1h);
            } catch (const tandem::cancelled_error&) {
                throw std::runtime_error("second");
            }
        };
        auto failure = co_await failure_of(
            awaits(when_all(notes_end(1h, log), throws_after(1ms, "first"), fails_late())));
        CHECK(failure == "first");
        CHECK(log == "cancelled ");
    };
    run(main(), std::move(options));
    CHECK(reported == std::vector<std::string>{"second"});
}

TEST_CASE("a task that has not begun when another fails never does", "[when_all]") {
    const auto main = []() -> task<> {
        bool began = false;
        const auto fails = []() -> task<> {
            throw std::runtime_error("at once");
            co_return;
        };
        const auto begins = [](bool& b) -> task<> {
            b = true;
            co_return;
        };
        auto failure = co_await failure_of(awaits(when_all(fails(), begins(began))));
        CHECK(failure == "at once");
        CHECK_FALSE(began);
    };
    run(main());
}

TEST_CASE("a cancel reaches all children, and a result that is there is not lost", "[when_all]") {
    const auto main = []() -> task<> {
        std::string log;
        auto handle = tandem::spawn(awaits(when_all(notes_end(1h, log), notes_end(1h, log))));
        co_await tandem::yield_now();
        co_await tandem::yield_now();
        handle.cancel();
        auto failure = co_await failure_of(awaits(std::move(handle)));
        CHECK(failure == "cancelled");
        CHECK(log == "cancelled cancelled ");

        const auto swallows = []() -> task<int> {
            try {
                co_await tandem::sleep_for(1h);
            } catch (const tandem::cancelled_error&) {
            }
            co_return 5;
        };
        const auto both = [](auto f) -> task<int> {
            auto results = co_await when_all(f(), f());
            co_return std::get<0>(results) + std::get<1>(results);
        };
        auto sum = tandem::spawn(both(swallows));
        co_await tandem::yield_now();
        co_await tandem::yield_now();
        sum.cancel();
        const int got = co_await std::move(sum);
        CHECK(got == 10);
    };
    run(main());
}

TEST_CASE("when_all_settled gives what each came to", "[when_all]") {
    const auto main = []() -> task<> {
        auto all = co_await tandem::when_all_settled(later(1ms, 1), throws_after(0s, "bad"));
        CHECK(std::get<0>(all).value() == 1);
        CHECK_FALSE(std::get<1>(all).has_value());
        std::vector<task<int>> tasks;
        tasks.push_back(later(0s, 1));
        auto each = co_await tandem::when_all_settled(std::move(tasks));
        CHECK(each.at(0).value() == 1);
    };
    run(main());
}

TEST_CASE("when_all of very many tasks", "[when_all]") {
    const auto main = []() -> task<int> {
        std::vector<task<int>> tasks;
        for (int i = 0; i < long_chain / 10; ++i) tasks.push_back(later(0s, 1));
        int sum = 0;
        for (const int one : co_await when_all(std::move(tasks))) sum += one;
        co_return sum;
    };
    CHECK(run(main()) == long_chain / 10);
}

TEST_CASE("children that wait are destroyed with their parent", "[when_all]") {
    {
        tandem::event_loop loop;
        loop.spawn(awaits(when_all(sleeps(1h), awaits(when_all(sleeps(1h), sleeps(1h))))));
        for (int i = 0; i < 5; ++i) loop.poll_once();
        CHECK(frame_mark::alive > 2);
    }
    CHECK(frame_mark::alive == 0);
}
