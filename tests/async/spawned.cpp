// SPDX-License-Identifier: BSL-1.0
#include <tandem/async/spawned.hpp>

#include "tools.hpp"

#include <string>
#include <vector>

using namespace async_tests;
using tandem::detail::loop_core;
using tandem::detail::spawned;

namespace {

struct notes final : spawned::listener {
    notes(std::vector<int>& to, int what) : to_(to), what_(what) {}
    void on_end_of(spawned&) noexcept override { to_.push_back(what_); }
    std::vector<int>& to_;
    int what_;
};

}  // namespace

TEST_CASE("listeners hear of the end in order, but not those that left", "[spawned]") {
    std::vector<int> heard;
    notes a(heard, 1), b(heard, 2), c(heard, 3);
    const auto main = [](notes& x, notes& y, notes& z) -> tandem::task<> {
        const auto owner = spawned::make(loop_core::here(), sleeps(0s));
        for (auto* one : {&x, &y, &z}) owner->listen(*one);
        owner->forget(y);
        owner->forget(y);
        CHECK(loop_core::here().live() == 2);
        co_await tandem::sleep_for(1ms);
        CHECK(owner->has_ended());
        CHECK(loop_core::here().live() == 1);
    };
    run(main(a, b, c));
    CHECK(heard == std::vector{1, 3});
}

TEST_CASE("a title is the name, or that of the function", "[spawned]") {
    const auto main = []() -> tandem::task<> {
        const auto owner = spawned::make(loop_core::here(), sleeps(0s));
        CHECK(owner->title().find("async_tests::sleeps (tools.hpp:") == 0);
        owner->set_name("the sleeper");
        CHECK(owner->title() == "the sleeper");
        co_await tandem::yield_now();
    };
    run(main());
}
