// SPDX-License-Identifier: BSL-1.0
#include <tandem/coroutine/chain.hpp>

#include <tandem/async/task_group.hpp>
#include <tandem/async/timeout.hpp>
#include <tandem/coroutine/async_event.hpp>
#include <tandem/coroutine/async_generator.hpp>
#include <tandem/coroutine/async_mutex.hpp>
#include <tandem/coroutine/shield.hpp>
#include <tandem/coroutine/when_all.hpp>
#include <tandem/coroutine/when_any.hpp>

#include "../async/tools.hpp"

#include <string>
#include <vector>

using namespace async_tests;
using tandem::task;

namespace {

// Sample tasks with suspension points of several kinds. What they open they close.
struct balance {
    explicit balance(int& n) : open(n) { ++open; }
    balance(const balance&) = delete;
    balance& operator=(const balance&) = delete;
    ~balance() { --open; }
    int& open;
};
task<int> inner(int& open, frame_mark = {}) {
    const balance here(open);
    co_await tandem::yield_now();
    co_await tandem::sleep_for(1us);
    co_return 1;
}
task<int> sample(int& open, int& steps, frame_mark = {}) {
    const balance here(open);
    int sum = 0;
    for (int i = 0; i < 3; ++i) {
        sum += co_await inner(open);
        ++steps;
        auto beside = tandem::spawn(inner(open));
        sum += co_await std::move(beside);
        ++steps;
        co_await tandem::yield_now();
        ++steps;
    }
    co_return sum;
}

// Single steps of the loop until the sample has ended by itself, and then some: those in which it
// sleeps are not the same number each time.
int steps_of_sample() {
    int open = 0, steps = 0, turns = 0;
    tandem::event_loop loop;
    auto handle = loop.spawn(sample(open, steps));
    while (!handle.done()) {
        loop.poll_once(1);
        ++turns;
    }
    return turns + 20;
}

}  // namespace

TEST_CASE("a task can be cancelled at every suspension point", "[chain]") {
    const int turns = steps_of_sample();
    int seen_cancelled = 0;
    for (int k = 0; k < turns; ++k) {
        int open = 0, steps = 0;
        {
            tandem::event_loop loop;
            auto handle = loop.spawn(sample(open, steps));
            for (int i = 0; i < k && !handle.done(); ++i) loop.poll_once(1);
            const bool was_done = handle.done();
            const bool did = handle.cancel();
            CHECK(did == !was_done);
            within(60s, [&] {
                while (!handle.done()) loop.poll_once(1);
            });
            std::string ended;
            handle.on_done([&](const tandem::outcome<int>& o) {
                ended = o.has_value() ? "value" : o.cancelled() ? "cancelled" : "error";
            });
            seen_cancelled += ended == "cancelled" ? 1 : 0;
            CHECK(ended != "error");
            if (was_done) CHECK(ended == "value");
        }
        CHECK(open == 0);
        CHECK(frame_mark::alive == 0);
    }
    CHECK(seen_cancelled > 10);
}

TEST_CASE("a loop can be dropped after any number of turns", "[chain]") {
    const int turns = steps_of_sample();
    for (int k = 0; k < turns; ++k) {
        int open = 0, steps = 0;
        {
            tandem::event_loop loop;
            loop.spawn(sample(open, steps));
            loop.spawn(sample(open, steps));
            for (int i = 0; i < k; ++i) loop.poll_once(1);
        }
        CHECK(open == 0);
        CHECK(frame_mark::alive == 0);
    }
}

TEST_CASE("a cancel that lands between two awaits is not lost", "[chain]") {
    const auto main = []() -> task<> {
        std::string log;
        const auto works = [](std::string& to) -> task<> {
            to += "a ";
            co_await tandem::yield_now();
            to += "b ";  // cancelled while it was ready: the next await tells
            co_await tandem::sleep_for(1h);
            to += "c ";
        };
        auto handle = tandem::spawn(works(log));
        co_await tandem::yield_now();  // it waits for its turn now
        CHECK(log == "a ");
        handle.cancel();
        const auto ended = [](tandem::task_handle<> h) -> task<> { co_await std::move(h); };
        {
            const auto got = co_await failure_of(ended(std::move(handle)));
            CHECK(got == "cancelled");
        }
        CHECK(log == "a b ");
    };
    run(main());
}

TEST_CASE("a cancelled task gets the error from every await, not only the first", "[chain]") {
    const auto stubborn = [](int& times) -> task<> {
        for (int i = 0; i < 5; ++i) {
            try {
                co_await tandem::sleep_for(1h);
            } catch (const tandem::cancelled_error&) {
                ++times;
            }
        }
    };
    int times = 0;
    const auto main = [](auto f, int& n) -> task<> {
        auto handle = tandem::spawn(f(n));
        co_await tandem::yield_now();
        CHECK(handle.cancel());
        CHECK_FALSE(handle.cancel());
        co_await std::move(handle);  // it swallowed the cancel: not an error
    };
    run(main(stubborn, times));
    CHECK(times == 5);
}

TEST_CASE("a task that is cancelled before it began never begins", "[chain]") {
    bool began = false;
    const auto main = [](bool& b) -> task<> {
        const auto sets = [](bool& to, frame_mark) -> task<> {
            to = true;
            co_return;
        };
        auto handle = tandem::spawn(sets(b, frame_mark()));
        handle.cancel();
        co_await tandem::yield_now();
        CHECK(handle.done());
    };
    run(main(began));
    CHECK_FALSE(began);
}

namespace {

// Everything at once: each kind of wait, one in the other.
task<> waits_for_all_kinds(frame_mark = {}) {
    tandem::async_mutex mutex;
    tandem::async_event event;
    const auto locks = [](tandem::async_mutex& m, tandem::async_event& e, frame_mark) -> task<> {
        const auto lock = co_await m.lock();
        co_await tandem::yield_now();
        e.set();
    };
    const auto waits = [](tandem::async_event& e, frame_mark) -> task<> { co_await e.wait(); };
    const auto limited = [](auto& w, tandem::async_event& e) -> task<> {
        co_await tandem::with_timeout(1h, w(e, frame_mark()));
    };
    const auto body = [&](tandem::task_group& group) -> task<> {
        group.spawn(locks(mutex, event, frame_mark()));
        group.spawn(limited(waits, event));
        co_await tandem::when_any(locks(mutex, event, frame_mark()), sleeps(1h));
    };
    co_await tandem::with_group(body);
    const auto numbers = [](frame_mark) -> tandem::async_generator<int> {
        for (int i = 0; i < 3; ++i) {
            co_await tandem::yield_now();
            co_yield i;
        }
    };
    auto each = numbers(frame_mark());
    while (co_await each.next()) co_await tandem::shield(tandem::yield_now());
    co_await tandem::when_all(tandem::yield_now(), sleeps(1us));
}

}  // namespace

TEST_CASE("every kind of wait is cancelled, or dropped, at every step", "[chain]") {
    int turns = 0;
    {
        tandem::event_loop loop;
        auto handle = loop.spawn(waits_for_all_kinds());
        for (; !handle.done(); ++turns) loop.poll_once(1);
    }
    CHECK(turns > 15);
    for (int k = 0; k < turns + 10; ++k) {
        for (const bool drops : {false, true}) {
            tandem::event_loop loop;
            auto handle = loop.spawn(waits_for_all_kinds());
            for (int i = 0; i < k; ++i) loop.poll_once(1);
            if (drops) continue;
            handle.cancel();
            within(60s, [&] {
                while (!handle.done()) loop.poll_once(1);
            });
        }
        CHECK(frame_mark::alive == 0);
    }
}
