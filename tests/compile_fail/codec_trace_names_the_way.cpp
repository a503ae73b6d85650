// expect: cannot_travel<tandem::detail::argument<2>, tandem::detail::element
// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/travels.hpp>

#include <string_view>
#include <vector>

struct line {
    int number;
    std::string_view text;
};

void check() { tandem::require_travels<std::vector<line>, tandem::detail::argument<2>>(); }
