// SPDX-License-Identifier: BSL-1.0
#include <tandem/async/event_loop.hpp>

#include "../support/gate.hpp"
#include "tools.hpp"

#include <tandem/core/config.hpp>
#include <tandem/testing/leak_check.hpp>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <poll.h>
#include <sys/resource.h>

using namespace async_tests;
using tandem::event_loop;
using tandem::event_loop_options;
using tandem::task;

namespace {

task<int> gives(int x, frame_mark = {}) { co_return x; }

// A loop that runs in a thread of its own.
class loop_thread {
   public:
    loop_thread() : thread_([this] { loop.run(); }) {}
    ~loop_thread() {
        loop.stop();
        thread_.join();
    }
    event_loop loop;

   private:
    std::thread thread_;
};

long context_switches() {
    ::rusage usage{};
    ::getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw;
}

}  // namespace

TEST_CASE("run gives what the task gives, and can be called again", "[event_loop]") {
    within(60s, [] {
        event_loop loop;
        CHECK(event_loop::current() == nullptr);
        CHECK(loop.run(gives(1)) == 1);
        CHECK(loop.run(gives(2)) == 2);
        CHECK_THROWS_WITH(loop.run(throws_after(0s, "bad")), "bad");
        CHECK(loop.run(gives(3)) == 3);
    });
}

TEST_CASE("a loop inside a running loop of the same thread is refused", "[event_loop]") {
    const auto main = []() -> task<> {
        event_loop other;
        auto inner = gives(1);
        CHECK_THROWS_AS(other.run(std::move(inner)), tandem::invalid_state);
        CHECK_THROWS_AS(event_loop::current()->poll_once(), tandem::invalid_state);
        co_await tandem::yield_now();  // and the outer one is none the worse for it
    };
    run(main());
}

TEST_CASE("what is left when the task ends is cancelled, awaited and reported", "[event_loop]") {
    std::string log;
    int reports = 0;
    event_loop_options options;
    options.on_error = [&](std::exception_ptr) { ++reports; };
    const auto main = [](std::string& to) -> task<> {
        tandem::spawn(notes_end(1h, to));
        const auto fails_on_cancel = []() -> task<> {
            try {
                co_await tandem::sleep_for(1h);
            } catch (const tandem::cancelled_error&) {
                throw std::runtime_error("in the cleanup");
            }
        };
        tandem::spawn(fails_on_cancel());
        co_await tandem::yield_now();
    };
    run(main(log), std::move(options));
    CHECK(log == "cancelled ");
    CHECK(reports == 1);
}

TEST_CASE("stop ends run, which says so", "[event_loop]") {
    within(60s, [] {
        event_loop loop;
        std::string log;
        loop.post([&] { loop.stop(); });
        CHECK_THROWS_AS(loop.run(notes_end(1h, log)), tandem::cancelled_error);
        CHECK(log == "cancelled ");
        loop.post([&] { loop.stop(); });
        loop.run();
        loop.stop();  // before it runs: the next run ends at once
        loop.run();
    });
}

TEST_CASE("stop may come from another thread, asleep or not", "[event_loop]") {
    for (int i = 0; i < 50; ++i) {
        within(60s, [] { loop_thread runs; });
    }
}

TEST_CASE("posted functions run in order, and one that throws is reported", "[event_loop]") {
    std::string log;
    int reports = 0;
    within(60s, [&] {
        event_loop_options options;
        options.on_error = [&](std::exception_ptr) { ++reports; };
        event_loop loop(std::move(options));
        loop.post([&] { log += 'a'; });
        loop.post([&] {
            log += 'b';
            loop.post([&] { log += 'd'; });
            throw 1;
        });
        loop.post([&] { log += 'c'; });
        loop.run(sleeps(1ms));
    });
    CHECK(log == "abcd");
    CHECK(reports == 1);
}

TEST_CASE("post_at calls at its time, in order, unless it is cancelled", "[event_loop]") {
    std::string log;
    within(60s, [&] {
        event_loop loop;
        const auto moment = loop.time() + 2ms;
        loop.post_at(moment, [&] { log += 'b'; });
        loop.post_at(moment, [&] { log += 'c'; });
        auto gone = loop.post_at(moment, [&] { log += 'x'; });
        loop.post_at(1ms, [&] { log += 'a'; });
        auto last = loop.post_at(5ms, [&] { loop.stop(); });
        CHECK(gone.cancel());
        CHECK_FALSE(gone.cancel());
        loop.run();
        CHECK_FALSE(last.cancel());
    });
    CHECK(log == "abc");
}

TEST_CASE("calls that are not made are freed with the loop", "[event_loop]") {
    const auto marked = std::make_shared<int>(1);
    {
        event_loop loop;
        loop.post([marked] {});
        auto handle = loop.post_at(1h, [marked] {});
        auto other = loop.post_at(1h, [marked] {});
        CHECK(other.cancel());
        CHECK(marked.use_count() == 3 + 1);
    }
    CHECK(marked.use_count() == 1);
}

TEST_CASE("eight threads submit ten thousand tasks each", "[event_loop]") {
    constexpr int threads = 8, each = 10'000;
    const auto adds = [](int& to) -> task<int> {
        co_await tandem::yield_now();
        co_return ++to;
    };
    int sum = 0;
    std::atomic<int> wrong{0};
    within(300s, [&] {
        loop_thread runs;
        std::vector<std::thread> all;
        for (int t = 0; t < threads; ++t) {
            all.emplace_back([&] {
                std::vector<tandem::future<int>> results;
                for (int i = 0; i < each; ++i) results.push_back(runs.loop.submit(adds(sum)));
                for (auto& one : results) {
                    if (one.get() < 1) ++wrong;
                }
            });
        }
        for (auto& one : all) one.join();
    });
    CHECK(sum == threads * each);
    CHECK(wrong == 0);
}

TEST_CASE("eight threads post to a loop, and nothing is lost", "[event_loop]") {
    constexpr int threads = 8, each = 10'000;
    int sum = 0;
    within(300s, [&] {
        event_loop loop;
        std::vector<std::thread> all;
        for (int t = 0; t < threads; ++t) {
            all.emplace_back([&] {
                for (int i = 0; i < each; ++i) {
                    loop.post([&] {
                        if (++sum == threads * each) loop.stop();
                    });
                }
            });
        }
        loop.run();
        for (auto& one : all) one.join();
    });
    CHECK(sum == threads * each);
}

TEST_CASE("a future of a submitted task cancels it", "[event_loop]") {
    within(60s, [] {
        loop_thread runs;
        gate began;
        std::string log;
        const auto waits = [](gate& g, std::string& to) -> task<> {
            g.open();
            try {
                co_await tandem::sleep_for(1h);
            } catch (const tandem::cancelled_error&) {
                to = "cancelled";
                throw;
            }
        };
        auto f = runs.loop.submit(waits(began, log));
        began.wait();
        CHECK_FALSE(f.cancel());  // it runs: it is asked to end
        CHECK_THROWS_AS(f.get(), tandem::cancelled_error);
        CHECK(log == "cancelled");
    });
}

TEST_CASE("a task that a loop never got to is refused", "[event_loop]") {
    tandem::future<int> f, g;
    bool ran = false;
    const auto sets = [](bool& r) -> task<int> {
        r = true;
        co_return 1;
    };
    {
        event_loop loop;
        f = loop.submit(sets(ran));
        g = loop.submit(sets(ran));
        CHECK(g.cancel());
    }
    CHECK_THROWS_AS(f.get(), tandem::pool_closed);
    CHECK_THROWS_AS(g.get(), tandem::cancelled_error);
    CHECK_FALSE(ran);
}

TEST_CASE("a task that waits when its loop ends gives pool_closed", "[event_loop]") {
    tandem::future<int> f;
    {
        event_loop loop;
        f = loop.submit(later(1h, 1));
        loop.poll_once();
        CHECK_FALSE(f.ready());
    }
    CHECK_THROWS_AS(f.get(), tandem::pool_closed);
    CHECK(frame_mark::alive == 0);
}

TEST_CASE("the loop's own thread cannot wait for what only it can do", "[event_loop]") {
    const auto main = []() -> task<> {
        auto f = event_loop::current()->submit(gives(5));
        CHECK_THROWS_AS(f.get(), tandem::invalid_state);
        CHECK_THROWS_AS(f.wait_for(1ms), tandem::invalid_state);
        {
            const auto got = co_await std::move(f);
            CHECK(got == 5);  // but it may await it
        }
    };
    run(main());
}

TEST_CASE("a busy task starves neither timers nor other threads", "[event_loop]") {
    const auto main = []() -> task<int> {
        bool over = false;
        auto& loop = *event_loop::current();
        loop.post_at(2ms, [&] { over = true; });
        int turns = 0;
        while (!over) {
            ++turns;
            co_await tandem::yield_now();
        }
        std::atomic<bool> posted{false};
        std::thread other([&] { loop.post([&] { posted = true; }); });
        while (!posted) co_await tandem::yield_now();
        other.join();
        co_return turns;
    };
    CHECK(run(main()) > 0);
}

TEST_CASE("an idle loop does not wake up", "[event_loop]") {
    if (TANDEM_TSAN || TANDEM_ASAN) return;
    within(60s, [] {
        event_loop loop;
        long switches = 0;
        loop.post([&] { switches = context_switches(); });
        loop.post_at(200ms, [&] {
            switches = context_switches() - switches;
            loop.stop();
        });
        loop.run();
        CHECK(switches <= 2);  // it went to sleep, and once more at the end
    });
}

TEST_CASE("a loop lives inside another one", "[event_loop]") {
    within(60s, [] {
        event_loop loop;
        const int fd = loop.fd();
        const auto readable = [fd](int ms) {
            ::pollfd one{fd, POLLIN, 0};
            return ::poll(&one, 1, ms) == 1;
        };
        std::string log;
        loop.poll_once();
        CHECK_FALSE(readable(0));
        loop.poll_once();

        std::thread other([&] { loop.post([&] { log += "posted "; }); });
        CHECK(readable(10'000));
        other.join();
        while (log.empty()) loop.poll_once();

        auto handle = loop.spawn(notes_end(1ms, log));
        while (!handle.done()) {
            while (loop.poll_once()) {
            }
            if (!handle.done()) CHECK(readable(10'000));
        }
        CHECK(log == "posted slept ");
    });
}

TEST_CASE("a loop leaves nothing behind", "[event_loop]") {
    const tandem::testing::leak_check leaks;
    for (int i = 0; i < 10; ++i) {
        event_loop_options options;
        options.debug = i % 2 == 0;
        event_loop loop(std::move(options));
        loop.fd();
        loop.spawn(sleeps(1h));
        loop.poll_once();
    }
    CHECK(leaks.check() == "");
}

TEST_CASE("dump shows who awaits whom", "[event_loop]") {
    const auto main = []() -> task<> {
        auto named = tandem::spawn(sleeps(1h), {.name = "sleeper"});
        const auto outer = [](tandem::task_handle<> h) -> task<> { co_await std::move(h); };
        auto waits = tandem::spawn(outer(std::move(named)));
        auto third = tandem::spawn(later(1h, 1));
        co_await tandem::yield_now();
        const auto text = event_loop::current()->dump();
        CHECK(text.find("sleeper:\n") != text.npos);
        CHECK(text.find("waits for the task sleeper") != text.npos);
        CHECK(text.find("async_tests::later") != text.npos);
        CHECK(text.find("\n  sleeps\n") != text.npos);
    };
    run(main());
}

TEST_CASE("debug mode names tasks that were never awaited", "[event_loop]") {
    std::string text;
    event_loop_options options;
    options.debug = true;
    options.on_error = [&](std::exception_ptr error) {
        try {
            std::rethrow_exception(error);
        } catch (const tandem::invalid_state& e) {
            text += e.what();
        }
    };
    const auto main = []() -> task<> {
        {
            const auto forgotten = gives(1);
        }
        co_await gives(2);
    };
    run(main(), std::move(options));
    CHECK(text.find("never awaited: ") == 0);
    CHECK(text.find("gives (event_loop.cpp:") != text.npos);
    CHECK(text.find("never awaited", 1) == text.npos);
}
