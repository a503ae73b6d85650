// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/spin.hpp>

#include "../support/catch.hpp"

#include <chrono>

using tandem::detail::relax;
using tandem::detail::spinning_pays;

TEST_CASE("spinning pays with more than one CPU only", "[spin][pinned]") {
    CHECK(spinning_pays() == (tandem::available_cpus() > 1));
}

TEST_CASE("relaxing takes no time to speak of", "[spin]") {
    const auto before = std::chrono::steady_clock::now();
    relax();
    relax(0);
    relax(100);
    CHECK(std::chrono::steady_clock::now() - before < std::chrono::seconds(1));
}
