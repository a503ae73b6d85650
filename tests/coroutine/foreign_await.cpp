// SPDX-License-Identifier: BSL-1.0
#include <tandem/coroutine/foreign_await.hpp>

#include <tandem/future/promise.hpp>

#include "../async/tools.hpp"
#include "../support/gate.hpp"

#include <coroutine>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

using namespace async_tests;
using tandem::task;

namespace {

// Awaiters of somebody else's library.
struct ready_one {
    bool await_ready() const noexcept { return true; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    int await_resume() const noexcept { return 1; }
};
struct on_a_thread {
    std::thread& thread;
    bool fails;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) const {
        thread = std::thread([waiting] { waiting.resume(); });
    }
    std::string await_resume() const {
        if (fails) throw std::runtime_error("foreign");
        return "done";
    }
};
struct by_member {
    auto operator co_await() && noexcept { return ready_one(); }
};
struct stored {
    std::coroutine_handle<> waiting;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> w) noexcept { waiting = w; }
    void await_resume() const noexcept {}
};

}  // namespace

TEST_CASE("anything that can be awaited is awaited in a task", "[foreign_await]") {
    const auto main = []() -> task<> {
        {
            const auto got = co_await ready_one();
            CHECK(got == 1);
        }
        {
            const auto got = co_await by_member();
            CHECK(got == 1);
        }
        ready_one named;
        {
            const auto got = co_await named;
            CHECK(got == 1);
        }
        co_await std::suspend_never();
    };
    run(main());
}

TEST_CASE("a task goes on where its loop is, whoever resumes it", "[foreign_await]") {
    const auto main = []() -> task<> {
        const auto here = std::this_thread::get_id();
        std::thread other;
        const auto word = co_await on_a_thread{other, false};
        CHECK(word == "done");
        CHECK(std::this_thread::get_id() == here);
        other.join();
        std::string error;
        try {
            co_await on_a_thread{other, true};
        } catch (const std::exception& e) {
            error = e.what();
        }
        CHECK(error == "foreign");
        CHECK(std::this_thread::get_id() == here);
        other.join();
    };
    run(main());
}

TEST_CASE("a cancel waits for what cannot be cancelled", "[foreign_await]") {
    stored event;
    const auto waits = [](stored& e, frame_mark = {}) -> task<int> {
        co_await e;
        co_return 7;
    };
    const auto main = [](auto f, stored& e) -> task<> {
        auto handle = tandem::spawn(f(e, frame_mark()));
        co_await tandem::yield_now();
        handle.cancel();
        co_await tandem::yield_now();
        CHECK_FALSE(handle.done());
        e.waiting.resume();
        {
            const auto got = co_await std::move(handle);
            CHECK(got == 7);
        }
    };
    run(main(waits, event));
}

TEST_CASE("a frame that is destroyed while it awaits is not resumed", "[foreign_await]") {
    stored event;
    const auto waits = [](stored& e, frame_mark = {}) -> task<> { co_await e; };
    {
        tandem::event_loop loop;
        loop.spawn(waits(event));
        loop.poll_once();
        CHECK(frame_mark::alive == 1);
    }
    CHECK(frame_mark::alive == 0);
    event.waiting.resume();
}

TEST_CASE("a future is awaited, and set by any thread", "[foreign_await]") {
    const auto main = []() -> task<> {
        for (int i = 0; i < 100; ++i) {
            tandem::promise<int> from;
            auto f = from.get_future();
            std::thread other([&] { from.set_value(i); });
            const int got = co_await std::move(f);
            CHECK(got == i);
            other.join();
        }
    };
    run(main());
}

TEST_CASE("a cancel reaches the future that is awaited", "[foreign_await]") {
    const auto main = []() -> task<> {
        tandem::promise<int> from;
        const auto waits = [](tandem::future<int> f) -> task<int> {
            co_return co_await std::move(f);
        };
        auto handle = tandem::spawn(waits(from.get_future()));
        co_await tandem::yield_now();
        handle.cancel();
        const auto ended = [](tandem::task_handle<int> h) -> task<int> {
            co_return co_await std::move(h);
        };
        {
            const auto got = co_await failure_of(ended(std::move(handle)));
            CHECK(got == "cancelled");
        }
        CHECK_FALSE(from.start());  // it was cancelled
    };
    run(main());
}

TEST_CASE("a call that has begun is left behind by a cancel", "[foreign_await]") {
    const auto main = []() -> task<> {
        tandem::promise<int> from;
        CHECK(from.start());
        const auto waits = [](tandem::future<int> f) -> task<int> {
            co_return co_await std::move(f);
        };
        auto handle = tandem::spawn(waits(from.get_future()));
        co_await tandem::yield_now();
        handle.cancel();
        co_await tandem::yield_now();
        CHECK(handle.done());
        from.set_value(1);  // nobody hears of it
    };
    run(main());
}

TEST_CASE("a cancel that races with completion does not lose the result", "[foreign_await]") {
    for (int i = 0; i < 200; ++i) {
        tandem::promise<int> from;
        CHECK(from.start());
        gate go;
        std::thread other([&] {
            go.wait();
            from.set_value(7);
        });
        const auto main = [](tandem::future<int> f, gate& g) -> task<int> {
            const auto waits = [](tandem::future<int> w) -> task<int> {
                const int got = co_await std::move(w);
                co_return got;
            };
            auto handle = tandem::spawn(waits(std::move(f)));
            co_await tandem::yield_now();
            g.open();
            handle.cancel();
            co_return co_await std::move(handle);
        };
        int got = 7;
        try {
            got = run(main(from.get_future(), go));
        } catch (const tandem::cancelled_error&) {
            // The cancel came first: nothing had been set.
        }
        CHECK(got == 7);
        other.join();
    }
}
