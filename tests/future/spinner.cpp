// SPDX-License-Identifier: BSL-1.0
#include <tandem/future/spinner.hpp>

#include "../support/catch.hpp"

#include <chrono>

using namespace std::chrono_literals;
using tandem::detail::spinner;
using tandem::detail::spinning_pays;

TEST_CASE("a spin ends when the condition holds", "[spinner]") {
    spinner s;
    CHECK(s.until([] { return true; }));
    if (spinning_pays()) {
        int looks = 0;
        CHECK(s.until([&] { return ++looks == 10; }));
    }
}

TEST_CASE("a spin ends when it takes too long, sooner when it seldom helps", "[spinner]") {
    spinner s;
    const auto spins = [&](int count) {
        long looks = 0;
        for (int i = 0; i < count; ++i) {
            CHECK_FALSE(s.until([&] {
                ++looks;
                return false;
            }));
        }
        return looks;
    };
    const auto eager = spins(4);
    spins(12);
    const auto tired = spins(64);
    if (spinning_pays()) {
        CHECK(eager > 0);
        CHECK(tired < 64 * eager);
    } else {
        CHECK(eager == 4);  // one look each: nothing can change while this thread looks
    }
}
