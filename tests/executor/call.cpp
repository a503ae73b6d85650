// SPDX-License-Identifier: BSL-1.0
#include <tandem/executor/call.hpp>

#include "../support/catch.hpp"

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using tandem::bound_call;
using tandem::call;

namespace {

int last = 0;
void remember(int x) { last = x; }

}  // namespace

TEST_CASE("a default call is none", "[call]") {
    const bound_call none;
    CHECK_FALSE(none);
}

TEST_CASE("a call is made with its arguments, as often as it is asked for", "[call]") {
    const bound_call c = call(remember, 5);
    REQUIRE(c);
    last = 0;
    c();
    CHECK(last == 5);
    last = 0;
    c();
    CHECK(last == 5);
}

TEST_CASE("arguments are copied when they are bound, and stay as they are", "[call]") {
    std::vector<std::string> log;
    std::string text = "one";
    const auto c = call(
        [&log](const std::string& s) {
            log.push_back(s);
            STATIC_REQUIRE(std::is_same_v<decltype(s), const std::string&>);
        },
        text);
    text = "two";
    c();
    c();
    CHECK(log == std::vector<std::string>{"one", "one"});
}

TEST_CASE("a callable without arguments is a call", "[call]") {
    int count = 0;
    const bound_call c = [&count] { ++count; };
    c();
    c();
    CHECK(count == 2);
    STATIC_REQUIRE(std::is_convertible_v<void (*)(), bound_call>);
    STATIC_REQUIRE(!std::is_convertible_v<void (*)(int), bound_call>);
    STATIC_REQUIRE(!std::is_convertible_v<int, bound_call>);
}

TEST_CASE("a call may own what does not copy, and copies of the call share it", "[call]") {
    int sum = 0;
    const auto c =
        call([&sum](const std::unique_ptr<int>& p) { sum += *p; }, std::make_unique<int>(4));
    const auto copy = c;
    c();
    copy();
    CHECK(sum == 8);
}

TEST_CASE("what the call throws comes out", "[call]") {
    const bound_call c = [] { throw std::domain_error("init"); };
    CHECK_THROWS_WITH(c(), "init");
}

TEST_CASE("members and reference wrappers are called as std::invoke does", "[call]") {
    struct counter {
        void add(int x) { total += x; }
        int total = 0;
    };
    counter mine;
    const auto c = call(&counter::add, &mine, 3);
    c();
    c();
    CHECK(mine.total == 6);
}
