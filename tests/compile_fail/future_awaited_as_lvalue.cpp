// expect: tandem::future<int>
// SPDX-License-Identifier: BSL-1.0
#include <tandem/future/future.hpp>

#include <coroutine>

struct task {
    struct promise_type {
        task get_return_object() { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() {}
    };
};

task wait_for(tandem::future<int> f) { co_await f; }
