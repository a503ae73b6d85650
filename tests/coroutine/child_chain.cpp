// SPDX-License-Identifier: BSL-1.0
#include <tandem/coroutine/child_chain.hpp>

#include "../async/tools.hpp"

#include <type_traits>

using namespace async_tests;
using tandem::task;
using tandem::detail::as_task;
using tandem::detail::awaited_t;

TEST_CASE("anything that can be awaited is made a task", "[child_chain]") {
    STATIC_REQUIRE(std::is_same_v<awaited_t<task<int>>, int>);
    STATIC_REQUIRE(std::is_same_v<awaited_t<decltype(tandem::yield_now())>, void>);
    const auto main = []() -> task<> {
        const int got = co_await as_task(later(0s, 3));
        CHECK(got == 3);
        co_await as_task(tandem::sleep_for(0s));
    };
    run(main());
}

namespace {

struct hears final : tandem::detail::chain_owner {
    int ends = 0;
    void on_child_end(tandem::detail::chain&) noexcept override { ++ends; }
};

}  // namespace

TEST_CASE("a child is destroyed with its owner, begun or not", "[child_chain]") {
    hears owner;
    const auto main = [](hears& h) -> task<> {
        using child = tandem::detail::child_chain<int>;
        auto& home = *tandem::detail::scheduler::current();
        auto ready = later(0s, 1), waiting = later(1h, 2), unbegun = later(0s, 3);
        {
            child first({home, h, ready}), second({home, h, waiting}), third({home, h, unbegun});
            first.begin();
            second.begin();
            co_await tandem::sleep_for(2ms);
            CHECK(h.ends == 1);
            CHECK(first.has_ended());
            CHECK(first.take() == 1);
            CHECK_FALSE(second.has_ended());
        }
        CHECK(frame_mark::alive == 0);
    };
    run(main(owner));
}
