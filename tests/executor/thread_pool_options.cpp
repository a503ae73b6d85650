// SPDX-License-Identifier: BSL-1.0
#include <tandem/executor/thread_pool_options.hpp>

#include "../support/catch.hpp"

#include <exception>
#include <functional>
#include <string>
#include <type_traits>

using tandem::thread_pool_options;

TEST_CASE("the options of a thread pool are in the order that the documents print",
          "[thread_pool_options]") {
    const auto [workers, name, initializer, queue_capacity, on_error] = thread_pool_options();
    CHECK(workers == 0);
    CHECK(name == "tandem");
    CHECK_FALSE(initializer);
    CHECK(queue_capacity == tandem::unbounded);
    CHECK_FALSE(on_error);
    STATIC_REQUIRE(std::is_aggregate_v<thread_pool_options>);
    STATIC_REQUIRE(std::is_same_v<decltype(thread_pool_options::workers), int>);
}

TEST_CASE("the options of a thread pool are set by name", "[thread_pool_options]") {
    int calls = 0;
    const thread_pool_options options{.workers = 3,
                                      .name = "crunch",
                                      .initializer = tandem::call([&](int x) { calls += x; }, 2),
                                      .queue_capacity = 10,
                                      .on_error = [](const std::exception_ptr&) {}};
    CHECK(options.workers == 3);
    options.initializer();
    CHECK(calls == 2);
    CHECK(options.on_error);
}
