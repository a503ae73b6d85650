// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/process_pool.hpp>

#include "executor/common_cases.hpp"
#include "pool/tools.hpp"

#include <tandem/executor/concept.hpp>

static_assert(tandem::executor<tandem::process_pool>);

TEST_CASE("a process_pool does what every executor does", "[process_pool]") {
    const tandem::testing::leak_check leaks;
    common::all([] { return tandem::process_pool(2); });
    CHECK(tools::leftovers(leaks) == "");
}
