// SPDX-License-Identifier: BSL-1.0
#include <tandem/executor/concept.hpp>

#include "../support/catch.hpp"

#include <tandem/executor/any_executor.hpp>
#include <tandem/executor/inline_executor.hpp>
#include <tandem/executor/thread_pool.hpp>

#include <string>
#include <vector>

namespace {

// Code that takes any executor.
int total(tandem::executor auto& e) {
    int sum = 0;
    for (const int x : e.map([](int i) { return i + 1; }, std::vector{1, 2, 3})) sum += x;
    return sum;
}

}  // namespace

TEST_CASE("each executor is one, other things are not", "[concept]") {
    STATIC_REQUIRE(tandem::executor<tandem::inline_executor>);
    STATIC_REQUIRE(tandem::executor<tandem::thread_pool>);
    STATIC_REQUIRE(tandem::executor<tandem::any_executor>);
    STATIC_REQUIRE(!tandem::executor<int>);
    STATIC_REQUIRE(!tandem::executor<std::string>);
    STATIC_REQUIRE(!tandem::executor<std::vector<int>>);
}

TEST_CASE("code for any executor runs on each", "[concept]") {
    tandem::inline_executor serial;
    tandem::thread_pool threads(2);
    tandem::any_executor any = threads;
    CHECK(total(serial) == 9);
    CHECK(total(threads) == 9);
    CHECK(total(any) == 9);
}
