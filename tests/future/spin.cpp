// SPDX-License-Identifier: BSL-1.0
#include <tandem/future/spin.hpp>

#include "../support/catch.hpp"

#include <chrono>

using namespace std::chrono_literals;
using tandem::detail::several_cpus;
using tandem::detail::spinner;

TEST_CASE("a spin ends when the condition holds", "[spin]") {
    spinner s;
    CHECK(s.until([] { return true; }));
    if (several_cpus()) {
        int looks = 0;
        CHECK(s.until([&] { return ++looks == 10; }));
    }
}

TEST_CASE("a spin ends when it takes too long, sooner when it seldom helps", "[spin]") {
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
    if (several_cpus()) {
        CHECK(eager > 0);
        CHECK(tired < 64 * eager);
    } else {
        CHECK(eager == 4);  // one look each: nothing can change while this thread looks
    }
}
