// SPDX-License-Identifier: BSL-1.0
#include <tandem/async/loop_core.hpp>

#include "tools.hpp"

#include <tandem/core/resume.hpp>

#include <coroutine>
#include <thread>

using namespace async_tests;

namespace {

// A coroutine of another library, which runs by itself.
struct detached {
    struct promise_type {
        detached get_return_object() const noexcept { return {}; }
        std::suspend_never initial_suspend() const noexcept { return {}; }
        std::suspend_never final_suspend() const noexcept { return {}; }
        void return_void() const noexcept {}
        void unhandled_exception() const noexcept { std::terminate(); }
    };
};
struct through_resumer {
    bool elsewhere;
    std::thread* thread;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) const {
        auto* const where = tandem::resumer::current();
        if (elsewhere) {
            *thread = std::thread([=] { where->resume(waiting); });
        } else {
            where->resume(waiting);
        }
    }
    void await_resume() const noexcept {}
};
detached hops(int& to, std::thread& thread) {
    co_await through_resumer{false, nullptr};
    ++to;
    co_await through_resumer{true, &thread};
    ++to;
}

}  // namespace

TEST_CASE("a coroutine that is not a task is resumed by the loop too", "[loop_core]") {
    const auto main = []() -> tandem::task<> {
        int steps = 0;
        std::thread other;
        hops(steps, other);
        CHECK(steps == 0);
        while (steps != 2) co_await tandem::sleep_for(100us);
        other.join();
    };
    run(main());
}
