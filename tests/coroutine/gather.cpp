// SPDX-License-Identifier: BSL-1.0
#include <tandem/coroutine/gather.hpp>

#include <tandem/coroutine/when_all.hpp>

#include "../async/tools.hpp"

#include <string>
#include <type_traits>

using namespace async_tests;
using tandem::task;
using tandem::detail::gathered_t;

TEST_CASE("nothing and references have a stand-in", "[gather]") {
    STATIC_REQUIRE(std::is_same_v<gathered_t<void>, std::monostate>);
    STATIC_REQUIRE(std::is_same_v<gathered_t<int&>, std::reference_wrapper<int>>);
    STATIC_REQUIRE(std::is_same_v<gathered_t<int>, int>);
}

TEST_CASE("a dump shows the children that have not ended", "[gather]") {
    const auto main = []() -> task<> {
        const auto outer = []() -> task<> { co_await tandem::when_all(sleeps(0s), sleeps(1h)); };
        auto handle = tandem::spawn(outer());
        co_await tandem::sleep_for(2ms);
        const auto text = tandem::event_loop::current()->dump();
        const auto at = text.find("waits for\n");
        REQUIRE(at != text.npos);
        CHECK(text.find("async_tests::sleeps", at) != text.npos);
        CHECK(text.find("async_tests::sleeps", text.find("async_tests::sleeps", at) + 1) ==
              text.npos);
    };
    run(main());
}
