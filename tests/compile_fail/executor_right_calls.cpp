// expect-ok
// SPDX-License-Identifier: BSL-1.0
#include <tandem/executor/any_executor.hpp>
#include <tandem/executor/thread_pool.hpp>
#include <tandem/future/as_completed.hpp>
#include <tandem/future/promise.hpp>

#include <coroutine>
#include <functional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

// What the other files of this folder do wrong, done right.
struct task {
    struct promise_type {
        task get_return_object() { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() {}
    };
};

task wait_for(tandem::future<int> f) { co_await std::move(f); }

void run(tandem::thread_pool& pool, std::vector<int>& numbers, std::vector<std::string>& texts) {
    int number = 1;
    static_cast<void>(pool.submit([](const std::string& x) { return x; }, std::string()));
    static_cast<void>(pool.submit([](int& x) { ++x; }, std::ref(number)));
    static_cast<void>(pool.try_submit([](int x) { return x; }, 1));
    pool.map([](const std::string& x) { return x; }, texts);
    pool.for_each([](int& x) { ++x; }, numbers);
    static_cast<void>(pool.imap([](const std::string& x) { return x; }, texts));
    pool.starmap([](int x) { return x; }, std::vector<std::tuple<int>>());
    tandem::any_executor e = pool;
    e.apply([](int x, int offset) { return x + offset; }, 1, number);
    e.for_each([](const int& x) { return x; }, numbers);
}

void chain(tandem::future<int> f, tandem::promise<long>& p, int* number) {
    f.on_done([](const tandem::outcome<int>&) {});
    auto g = f.then([](int x) { return x; });
    p.set_value(*number);
    std::vector<tandem::future<int>> futures;
    futures.push_back(std::move(g));
    for (auto item : tandem::as_completed(futures)) static_cast<void>(item);
}
