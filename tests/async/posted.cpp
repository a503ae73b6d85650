// SPDX-License-Identifier: BSL-1.0
#include <tandem/async/posted.hpp>

#include "tools.hpp"

#include <memory>

using namespace async_tests;

TEST_CASE("a posted function owns what it captured", "[posted]") {
    auto owned = std::make_unique<int>(4);
    int got = 0;
    within(60s, [&] {
        tandem::event_loop loop;
        loop.post([&got, own = std::move(owned)] { got = *own; });
        loop.run(sleeps(0s));
    });
    CHECK(got == 4);
}
