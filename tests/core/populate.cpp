// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/populate.hpp>

#include "../support/catch.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

TEST_CASE("a block that is populated keeps what is in it, whatever its size and place",
          "[populate]") {
    for (const std::size_t size : {0UL, 1UL, 300'000UL, 3'000'001UL}) {
        std::vector<char> block(size + 1, 'x');
        tandem::detail::populate(block.data() + 1, size);
        CHECK(std::count(block.begin(), block.end(), 'x') == std::ptrdiff_t(size + 1));
    }
}

TEST_CASE("what cannot be populated is left alone", "[populate]") {
    tandem::detail::populate(nullptr, 1'000'000);
    CHECK(true);
}
