// SPDX-License-Identifier: BSL-1.0
#include <tandem/future/future.hpp>

#include "../support/catch.hpp"
#include "../support/gate.hpp"
#include "../support/within.hpp"

#include <tandem/future/promise.hpp>

#include <atomic>
#include <chrono>
#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using tandem::future;
using tandem::make_ready_future;
using tandem::outcome;
using tandem::promise;
using tandem::shared_future;

namespace {

template <class T>
future<T> make_failed(std::exception_ptr error) {
    promise<T> p;
    auto f = p.get_future();
    p.set_exception(std::move(error));
    return f;
}

// A coroutine that starts at once and says when it is done. The frame is destroyed by its owner.
struct small_task {
    struct promise_type {
        small_task get_return_object() {
            return small_task(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() { error = std::current_exception(); }
        std::exception_ptr error;
    };
    explicit small_task(std::coroutine_handle<promise_type> h) : handle(h) {}
    small_task(const small_task&) = delete;
    small_task& operator=(const small_task&) = delete;
    ~small_task() { handle.destroy(); }
    bool done() const { return handle.done(); }
    std::exception_ptr error() const { return handle.promise().error; }
    std::coroutine_handle<promise_type> handle;
};

// A loop in a nutshell: keeps the coroutines until the test runs them.
struct hand_loop final : tandem::resumer {
    void resume(std::coroutine_handle<> coroutine) noexcept override { queue.push_back(coroutine); }
    void run() {
        for (auto coroutine : std::exchange(queue, {})) coroutine.resume();
    }
    std::vector<std::coroutine_handle<>> queue;
};

template <class T>
concept awaitable_lvalue = requires(T& f) { f.operator co_await(); };
template <class T>
concept awaitable_rvalue = requires(T&& f) { std::move(f).operator co_await(); };

}  // namespace

TEST_CASE("a default future is not valid and every use of it throws invalid_state", "[future]") {
    future<int> f;
    CHECK_FALSE(f.valid());
    CHECK_THROWS_AS(f.get(), tandem::invalid_state);
    CHECK_THROWS_AS(f.get_for(1ms), tandem::invalid_state);
    CHECK_THROWS_AS(f.wait(), tandem::invalid_state);
    CHECK_THROWS_AS(f.wait_for(1ms), tandem::invalid_state);
    CHECK_THROWS_AS(f.wait_until(std::chrono::steady_clock::now()), tandem::invalid_state);
    CHECK_THROWS_AS(f.ready(), tandem::invalid_state);
    CHECK_THROWS_AS(f.running(), tandem::invalid_state);
    CHECK_THROWS_AS(f.successful(), tandem::invalid_state);
    CHECK_THROWS_AS(f.exception(), tandem::invalid_state);
    CHECK_THROWS_AS(f.cancel(), tandem::invalid_state);
    CHECK_THROWS_AS(f.cancelled(), tandem::invalid_state);
    CHECK_THROWS_AS(f.share(), tandem::invalid_state);
    CHECK_THROWS_AS(f.on_done([](const outcome<int>&) {}), tandem::invalid_state);
    CHECK_THROWS_AS(f.then([](int) {}), tandem::invalid_state);
    CHECK_THROWS_AS(std::move(f).operator co_await(), tandem::invalid_state);
}

TEST_CASE("a future moves and does not copy", "[future]") {
    STATIC_REQUIRE(!std::is_copy_constructible_v<future<int>>);
    STATIC_REQUIRE(std::is_nothrow_move_constructible_v<future<int>>);
    auto f = make_ready_future(1);
    auto g = std::move(f);
    CHECK_FALSE(f.valid());  // NOLINT: moved from on purpose
    CHECK(g.valid());
}

TEST_CASE("get takes the value out, once", "[future]") {
    auto f = make_ready_future(std::make_unique<int>(5));
    CHECK(*f.get() == 5);
    CHECK_FALSE(f.valid());
    CHECK_THROWS_AS(f.get(), tandem::invalid_state);
}

TEST_CASE("get throws what was thrown, and takes it", "[future]") {
    auto f = make_failed<int>(std::make_exception_ptr(std::range_error("bad")));
    CHECK_THROWS_AS(f.get(), std::range_error);
    CHECK_FALSE(f.valid());
}

TEST_CASE("get waits for the value", "[future][pinned]") {
    within(60s, [] {
        for (int i = 0; i < 100; ++i) {
            promise<int> p;
            auto f = p.get_future();
            std::thread setter([&] { p.set_value(i); });
            REQUIRE(f.get() == i);
            setter.join();
        }
    });
}

TEST_CASE("get_for throws timeout_error and the future stays as it is", "[future]") {
    promise<int> p;
    auto f = p.get_future();
    const auto before = std::chrono::steady_clock::now();
    CHECK_THROWS_AS(f.get_for(10ms), tandem::timeout_error);
    CHECK(std::chrono::steady_clock::now() - before >= 10ms);
    CHECK_THROWS_AS(f.get_for(0s), tandem::timeout_error);
    CHECK_THROWS_AS(f.get_for(-1s), tandem::timeout_error);
    CHECK_THROWS_AS(f.get_for(std::chrono::steady_clock::now()), tandem::timeout_error);
    CHECK(f.valid());
    p.set_value(3);
    CHECK(f.get_for(0s) == 3);
    CHECK_FALSE(f.valid());
}

TEST_CASE("wait_for and wait_until say whether the result is there", "[future]") {
    promise<int> p;
    const auto f = p.get_future();
    CHECK_FALSE(f.wait_for(5ms));
    CHECK_FALSE(f.wait_for(0s));
    CHECK_FALSE(f.wait_for(-1h));
    CHECK_FALSE(f.wait_until(std::chrono::steady_clock::now() + 2ms));
    CHECK_FALSE(f.wait_until(std::chrono::system_clock::now() - 1s));
    p.set_value(1);
    CHECK(f.wait_for(0s));
    CHECK(f.wait_for(std::chrono::hours::max()));
    CHECK(f.wait_until(std::chrono::system_clock::now() + 1h));
    CHECK_NOTHROW(f.wait());
    CHECK(f.valid());
}

TEST_CASE("successful and exception throw invalid_state before the end", "[future]") {
    promise<int> p;
    const auto f = p.get_future();
    CHECK_THROWS_AS(f.successful(), tandem::invalid_state);
    CHECK_THROWS_AS(f.exception(), tandem::invalid_state);
    CHECK_FALSE(f.cancelled());
    CHECK_FALSE(f.ready());
    p.set_value(1);
    CHECK(f.successful());
    CHECK(f.exception() == nullptr);
}

TEST_CASE("exception gives what was thrown and leaves it there", "[future]") {
    auto f = make_failed<void>(std::make_exception_ptr(std::logic_error("twice")));
    CHECK_FALSE(f.successful());
    CHECK_THROWS_WITH(std::rethrow_exception(f.exception()), "twice");
    CHECK_THROWS_AS(f.get(), std::logic_error);
}

TEST_CASE("a cancelled future is ready, not successful, and throws cancelled_error", "[future]") {
    promise<int> p;
    auto f = p.get_future();
    CHECK(f.cancel());
    CHECK(f.cancel());
    CHECK(f.ready());
    CHECK(f.cancelled());
    CHECK_FALSE(f.successful());
    CHECK_FALSE(f.running());
    CHECK_THROWS_AS(f.get(), tandem::cancelled_error);
}

TEST_CASE("a future that is done cannot be cancelled", "[future]") {
    auto f = make_ready_future(1);
    CHECK_FALSE(f.cancel());
    CHECK_FALSE(f.cancelled());
    CHECK(f.get() == 1);
}

TEST_CASE("a cancel wakes whoever waits", "[future][pinned]") {
    within(60s, [] {
        for (int i = 0; i < 100; ++i) {
            promise<int> p;
            const auto f = p.get_future();
            std::thread waiter([&] { f.wait(); });
            CHECK(f.cancel());
            waiter.join();
        }
    });
}

TEST_CASE("one of a cancel and a set wins", "[future][pinned]") {
    within(120s, [] {
        for (int i = 0; i < 300; ++i) {
            promise<int> p;
            auto f = p.get_future();
            std::atomic<bool> set{false};
            std::thread setter([&] {
                try {
                    p.set_value(1);
                    set = true;
                } catch (const tandem::invalid_state&) {
                }
            });
            const bool cancelled = f.cancel();
            setter.join();
            REQUIRE(cancelled != set);
            REQUIRE(f.cancelled() == cancelled);
        }
    });
}

TEST_CASE("on_done is called with the outcome, in order, once each", "[future]") {
    promise<int> p;
    const auto f = p.get_future();
    std::vector<std::string> log;
    for (const char* name : {"a", "b", "c"}) {
        f.on_done([&log, name](const outcome<int>& result) {
            log.push_back(name + std::to_string(result.value()));
        });
    }
    CHECK(log.empty());
    p.set_value(1);
    CHECK(log == std::vector<std::string>{"a1", "b1", "c1"});
    f.on_done([&](const outcome<int>&) { log.push_back("late"); });
    CHECK(log.back() == "late");
    CHECK(log.size() == 4);
}

TEST_CASE("on_done hears of exceptions, cancels and broken promises", "[future]") {
    std::vector<std::string> log;
    const auto note = [&](const outcome<int>& result) {
        CHECK_FALSE(result);
        log.push_back(result.cancelled() ? "cancel" : "error");
    };
    make_failed<int>(std::make_exception_ptr(1)).on_done(note);
    promise<int> p;
    auto f = p.get_future();
    f.on_done(note);
    f.cancel();
    {
        promise<int> unset;
        unset.get_future().on_done(note);
    }
    CHECK(log == std::vector<std::string>{"error", "cancel", "error"});
}

TEST_CASE("on_done takes a move-only callable and void outcomes", "[future]") {
    promise<void> p;
    auto f = p.get_future();
    int got = 0;
    f.on_done([&got, n = std::make_unique<int>(4)](const outcome<void>& result) {
        if (result) got = *n;
    });
    p.set_value();
    CHECK(got == 4);
}

TEST_CASE("on_done runs in the completing thread", "[future]") {
    promise<int> p;
    const auto f = p.get_future();
    std::thread::id where;
    f.on_done([&](const outcome<int>&) { where = std::this_thread::get_id(); });
    std::thread setter([&] { p.set_value(1); });
    const auto id = setter.get_id();
    setter.join();
    CHECK(where == id);
}

TEST_CASE("on_done is called although the future was dropped", "[future]") {
    promise<int> p;
    int got = 0;
    p.get_future().on_done([&](const outcome<int>& result) { got = result.value(); });
    p.set_value(3);
    CHECK(got == 3);
}

TEST_CASE("what on_done throws stops neither the others nor the result", "[future]") {
    promise<int> p;
    auto f = p.get_future();
    int called = 0;
    f.on_done([](const outcome<int>&) { throw std::runtime_error("expected on stderr"); });
    f.on_done([&](const outcome<int>&) { ++called; });
    CHECK_NOTHROW(p.set_value(1));
    CHECK(called == 1);
    CHECK(f.get() == 1);
}

TEST_CASE("many callbacks of one future take time in proportion", "[future]") {
    promise<int> p;
    const auto f = p.get_future();
    int called = 0;
    for (int i = 0; i < 100'000; ++i) f.on_done([&](const outcome<int>&) { ++called; });
    within(30s, [&] { p.set_value(1); });
    CHECK(called == 100'000);
}

TEST_CASE("callbacks added while the future completes are each called once", "[future][pinned]") {
    within(120s, [] {
        for (int round = 0; round < 200; ++round) {
            promise<int> p;
            const auto f = p.get_future();
            std::atomic<int> called{0};
            std::thread adder([&] {
                for (int i = 0; i < 50; ++i) f.on_done([&](const outcome<int>&) { ++called; });
            });
            p.set_value(1);
            adder.join();
            REQUIRE(called == 50);
        }
    });
}

TEST_CASE("a callback may drop the future that is cancelled", "[future]") {
    promise<std::string> p;
    std::optional<future<std::string>> f(p.get_future());
    bool called = false;
    f->on_done([&](const outcome<std::string>& result) {
        f.reset();
        called = result.cancelled();
    });
    CHECK(f->cancel());
    CHECK(called);
}

TEST_CASE("a callback that runs at once may drop its future", "[future]") {
    std::optional<future<std::string>> f(make_ready_future(std::string("text")));
    std::string got;
    f->on_done([&](const outcome<std::string>& result) {
        f.reset();
        got = result.value();
    });
    CHECK(got == "text");
}

TEST_CASE("a shared future gives the same result to all", "[future]") {
    promise<std::string> p;
    auto f = p.get_future();
    const auto shared = f.share();
    CHECK_FALSE(f.valid());
    const auto copy = shared;
    CHECK_FALSE(shared.ready());
    CHECK_FALSE(shared.wait_for(1ms));
    CHECK_FALSE(shared.wait_for(0h));
    CHECK_FALSE(shared.wait_until(std::chrono::steady_clock::now()));
    CHECK_THROWS_AS(shared.get_for(1ms), tandem::timeout_error);
    CHECK_THROWS_AS(shared.exception(), tandem::invalid_state);
    CHECK_THROWS_AS(shared.successful(), tandem::invalid_state);
    p.set_value("one");
    CHECK(shared.get() == "one");
    CHECK(copy.get() == "one");
    CHECK(&copy.get() == &shared.get());
    CHECK(copy.get_for(0s) == "one");
    CHECK(copy.successful());
    CHECK_FALSE(copy.running());
    CHECK_FALSE(copy.cancelled());
    CHECK(copy.exception() == nullptr);
    CHECK(copy.wait_for(0s));
    CHECK_NOTHROW(copy.wait());
    STATIC_REQUIRE(std::is_copy_constructible_v<shared_future<std::string>>);
    STATIC_REQUIRE(std::is_same_v<decltype(shared.get()), const std::string&>);
}

TEST_CASE("a shared future of nothing throws invalid_state", "[future]") {
    const shared_future<int> none;
    CHECK_FALSE(none.valid());
    CHECK_THROWS_AS(none.get(), tandem::invalid_state);
    CHECK_THROWS_AS(none.cancel(), tandem::invalid_state);
    CHECK_THROWS_AS(none.on_done([](const outcome<int>&) {}), tandem::invalid_state);
}

TEST_CASE("a shared future throws again and again, and cancels for all", "[future]") {
    promise<int> p;
    const auto shared = p.get_future().share();
    const auto copy = shared;
    int called = 0;
    copy.on_done([&](const outcome<int>& result) { called += result.cancelled() ? 1 : 0; });
    CHECK(copy.cancel());
    CHECK(shared.cancelled());
    CHECK_THROWS_AS(shared.get(), tandem::cancelled_error);
    CHECK_THROWS_AS(shared.get(), tandem::cancelled_error);
    CHECK(called == 1);
}

TEST_CASE("shared futures of void and of references work", "[future]") {
    promise<void> p;
    const auto nothing = p.get_future().share();
    p.set_value();
    CHECK_NOTHROW(nothing.get());
    int object = 0;
    promise<int&> q;
    const auto refers = q.get_future().share();
    q.set_value(object);
    refers.get() = 4;
    CHECK(object == 4);
}

TEST_CASE("a coroutine awaits a future that is ready without suspending", "[future]") {
    int got = 0;
    auto body = [](future<int> f, int& out) -> small_task { out = co_await std::move(f); };
    const auto task = body(make_ready_future(6), got);
    CHECK(task.done());
    CHECK(got == 6);
}

TEST_CASE("a coroutine without a resumer goes on in the completing thread", "[future]") {
    promise<std::unique_ptr<int>> p;
    int got = 0;
    std::thread::id where;
    auto body = [](future<std::unique_ptr<int>> f, int& out, std::thread::id& at) -> small_task {
        out = *co_await std::move(f);
        at = std::this_thread::get_id();
    };
    const auto task = body(p.get_future(), got, where);
    CHECK_FALSE(task.done());
    std::thread setter([&] { p.set_value(std::make_unique<int>(8)); });
    const auto id = setter.get_id();
    setter.join();
    CHECK(task.done());
    CHECK(got == 8);
    CHECK(where == id);
}

TEST_CASE("a coroutine is resumed by the resumer of the thread it was suspended on", "[future]") {
    hand_loop loop;
    promise<int> p;
    int got = 0;
    auto body = [](future<int> f, int& out) -> small_task { out = co_await std::move(f); };
    const auto task = [&] {
        const tandem::resume_scope scope(loop);
        return body(p.get_future(), got);
    }();
    std::thread([&] { p.set_value(5); }).join();
    CHECK_FALSE(task.done());
    CHECK(loop.queue.size() == 1);
    loop.run();
    CHECK(task.done());
    CHECK(got == 5);
}

TEST_CASE("an awaited future throws in the coroutine", "[future]") {
    promise<void> p;
    auto body = [](future<void> f) -> small_task { co_await std::move(f); };
    const auto task = body(p.get_future());
    p.set_exception(std::make_exception_ptr(std::runtime_error("there")));
    REQUIRE(task.done());
    REQUIRE(task.error());
    CHECK_THROWS_WITH(std::rethrow_exception(task.error()), "there");
}

TEST_CASE("a coroutine awaits a reference and a million ready futures", "[future]") {
    int object = 1;
    promise<int&> p;
    p.set_value(object);
    auto body = [](future<int&> f, int* same) -> small_task {
        int& got = co_await std::move(f);
        got = &got == same ? 2 : 3;
    };
    const auto task = body(p.get_future(), &object);
    CHECK(task.done());
    CHECK(object == 2);

    long sum = 0;
    auto loop = [](long& out) -> small_task {
        for (int i = 0; i < 1'000'000; ++i) {
            auto f = make_ready_future(1);
            out += co_await std::move(f);
        }
    };
    CHECK(loop(sum).done());
    CHECK(sum == 1'000'000);
}

TEST_CASE("a frame that is destroyed while it waits is not resumed", "[future]") {
    promise<int> p;
    int got = 0;
    {
        auto body = [](future<int> f, int& out) -> small_task { out = co_await std::move(f); };
        const auto task = body(p.get_future(), got);
        CHECK_FALSE(task.done());
    }
    p.set_value(1);
    CHECK(got == 0);
}

TEST_CASE("coroutines that race with the completion are resumed once", "[future][pinned]") {
    within(120s, [] {
        for (int i = 0; i < 300; ++i) {
            promise<int> p;
            auto f = p.get_future();
            std::atomic<int> resumed{0};
            gate finished;
            auto body = [](future<int> g, std::atomic<int>& count, gate& end) -> small_task {
                count += co_await std::move(g);
                end.open();
            };
            std::thread setter([&] { p.set_value(1); });
            const auto task = body(std::move(f), resumed, finished);
            finished.wait();
            setter.join();
            REQUIRE(resumed == 1);
        }
    });
}

TEST_CASE("only an rvalue future can be awaited", "[future]") {
    STATIC_REQUIRE(awaitable_rvalue<future<int>>);
    STATIC_REQUIRE(!awaitable_lvalue<future<int>>);
}

TEST_CASE("get waits for the callbacks that look at what it takes", "[future][pinned]") {
    within(120s, [] {
        for (int i = 0; i < 300; ++i) {
            promise<std::string> text;
            promise<std::unique_ptr<int>> owner;
            promise<int> fails;
            auto f = text.get_future();
            auto g = owner.get_future();
            auto h = fails.get_future();
            int right = 0;
            f.on_done([&](const outcome<std::string>& result) {
                std::this_thread::yield();
                right += *result == std::string(100, 'x') ? 1 : 0;
            });
            g.on_done([&](const outcome<std::unique_ptr<int>>& result) {
                std::this_thread::yield();
                right += **result == 7 ? 1 : 0;
            });
            h.on_done([&](const outcome<int>& result) {
                std::this_thread::yield();
                right += result.error() != nullptr ? 1 : 0;
            });
            std::thread setter([&] {
                text.set_value(std::string(100, 'x'));
                owner.set_value(std::make_unique<int>(7));
                fails.set_exception(std::make_exception_ptr(1));
            });
            REQUIRE(f.get() == std::string(100, 'x'));
            REQUIRE(*g.get() == 7);
            REQUIRE_THROWS_AS(h.get(), int);
            REQUIRE(right == 3);
            setter.join();
        }
    });
}

TEST_CASE("get_for does not wait longer for a callback than for the result", "[future]") {
    promise<std::string> p;
    auto f = p.get_future();
    gate inside;
    gate go;
    f.on_done([&](const outcome<std::string>&) {
        inside.open();
        go.wait();
    });
    std::thread setter([&] { p.set_value("x"); });
    inside.wait();
    CHECK(f.ready());
    CHECK_THROWS_AS(f.get_for(5ms), tandem::timeout_error);
    go.open();
    CHECK(within(60s, [&] { return f.get(); }) == "x");
    setter.join();
}

TEST_CASE("a callback may take the result of its own future", "[future]") {
    promise<std::string> p;
    auto f = p.get_future();
    std::string got;
    f.on_done([&](const outcome<std::string>&) { got = f.get(); });
    within(60s, [&] { p.set_value("mine"); });
    CHECK(got == "mine");
}

TEST_CASE("what follows a callback takes the result after it", "[future][pinned]") {
    within(120s, [] {
        for (int i = 0; i < 200; ++i) {
            promise<std::string> p;
            auto f = p.get_future();
            bool right = false;
            f.on_done([&](const outcome<std::string>& result) {
                std::this_thread::yield();
                right = *result == std::string(50, 'y');
            });
            std::thread setter([&] { p.set_value(std::string(50, 'y')); });
            auto g = f.then([](const std::string& s) { return s.size(); });
            REQUIRE(g.get() == 50);
            setter.join();
            REQUIRE(right);
        }
    });
}
