// SPDX-License-Identifier: BSL-1.0
#include <tandem/executor/any_executor.hpp>

#include "common_cases.hpp"

#include <tandem/executor/inline_executor.hpp>
#include <tandem/executor/thread_pool.hpp>

#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

using tandem::any_executor;
using tandem::inline_executor;
using tandem::thread_pool;

namespace {

int sum_of_squares(any_executor e, int count) {
    int sum = 0;
    for (const long x : e.imap(common::square(), common::numbers(count))) {
        sum += static_cast<int>(x);
    }
    return sum;
}

std::string name_of(const any_executor& e) {
    std::ostringstream text;
    text << e;
    return text.str();
}

}  // namespace

TEST_CASE("any_executor does what every executor does", "[any_executor]") {
    common::all([] { return any_executor(std::in_place_type<thread_pool>, 2); });
}

TEST_CASE("any_executor refers to an executor of the caller's", "[any_executor]") {
    thread_pool pool(2);
    inline_executor here;
    CHECK(sum_of_squares(pool, 4) == 14);
    CHECK(sum_of_squares(here, 4) == 14);
    any_executor chosen = pool;
    CHECK(name_of(chosen) == "thread_pool state=running size=2");
    chosen = here;
    CHECK(name_of(chosen) == "inline_executor state=running size=1");
    CHECK(chosen.apply([] { return 3; }) == 3);
    any_executor(pool).close();
    CHECK_THROWS_AS(pool.submit([] {}), tandem::pool_closed);
}

TEST_CASE("any_executor shares an executor that goes with its last owner", "[any_executor]") {
    auto pool = std::make_shared<thread_pool>(1);
    const std::weak_ptr<thread_pool> watch = pool;
    any_executor first(std::move(pool));
    {
        any_executor copy = first;
        CHECK(copy.apply(common::twice, 2) == 4);
        first = any_executor(std::in_place_type<inline_executor>);
        CHECK_FALSE(watch.expired());
    }
    CHECK(watch.expired());
    CHECK(first.size() == 1);
}

TEST_CASE("any_executor gives const elements, whatever it holds", "[any_executor]") {
    thread_pool pool(2);
    any_executor e = pool;
    const auto elements = common::numbers(3);
    auto changeable = common::numbers(3);
    const auto is_const = [](auto& x) {
        return std::is_const_v<std::remove_reference_t<decltype(x)>>;
    };
    CHECK(e.map(is_const, elements) == std::vector{true, true, true});
    CHECK(e.map(is_const, changeable) == std::vector{true, true, true});
}

TEST_CASE("any_executor waits inside a task of the pool it holds", "[any_executor]") {
    thread_pool pool(1);
    any_executor e = pool;
    within(std::chrono::seconds(60), [&] {
        CHECK(pool.apply([&] { return e.apply(common::twice, 3); }) == 6);
        CHECK(pool.apply([&] { return e.map(common::twice, common::numbers(9)); }) ==
              common::doubled(9));
        CHECK(pool.apply([&] { return sum_of_squares(e, 4); }) == 14);
    });
}
