// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/pool_view.hpp>

#include "pool/tasks.hpp"

#include <tandem/executor/concept.hpp>

#include <concepts>

using namespace tandem;

namespace {

template <class View>
concept ends_pools =
    requires(View& view) { view.close(); } || requires(View& view) { view.terminate(); };

}  // namespace

TEST_CASE("a view has the algorithms, and no say in the pool's end", "[pool_view]") {
    STATIC_REQUIRE(executor<pool_view>);
    STATIC_REQUIRE(std::copyable<pool_view>);
    STATIC_REQUIRE(ends_pools<process_pool>);
    STATIC_REQUIRE_FALSE(ends_pools<pool_view>);
}

TEST_CASE("a view runs calls on the workers of its pool", "[pool_view]") {
    tools::leaves_nothing([] {
        process_pool pool(1);
        auto view = pool.with({});
        CHECK(view.apply(tasks::worker_pid) == pool.apply(tasks::worker_pid));
        CHECK(view.starmap(tasks::add, std::vector<std::pair<int, int>>{{1, 2}, {3, 4}}) ==
              std::vector<int>{3, 7});
        CHECK(view.stats().done == 4);
        CHECK(view.size() == 1);
    });
}
