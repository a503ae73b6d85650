// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/spin.hpp>

#include "../support/catch.hpp"

using tandem::detail::relax;
using tandem::detail::spinning_pays;

TEST_CASE("spinning pays with more than one CPU only", "[spin][pinned]") {
    CHECK(spinning_pays() == (tandem::available_cpus() > 1));
}

TEST_CASE("relaxing ends", "[spin]") {
    relax();
    relax(0);
    relax(100);
    SUCCEED();
}
