// SPDX-License-Identifier: BSL-1.0
#include <tandem/executor/pool_stats.hpp>

#include "../support/catch.hpp"

TEST_CASE("a pool that has done nothing has only zeros", "[pool_stats]") {
    const tandem::pool_stats stats;
    CHECK(stats.queued == 0);
    CHECK(stats.running.empty());
    CHECK(stats.done == 0);
    CHECK(stats.failed == 0);
    CHECK(stats.retried == 0);
    CHECK(stats.replaced == 0);
}
