// SPDX-License-Identifier: BSL-1.0
#include <tandem/future/future_state.hpp>

#include "../support/catch.hpp"

#include <tandem/future/state.hpp>

#include <cstddef>

using namespace tandem::detail;

TEST_CASE("a state is small, whatever executor completes it", "[future_state]") {
    STATIC_REQUIRE(sizeof(state<int>) <= 64);
    STATIC_REQUIRE(sizeof(state<void>) <= 64);
}

TEST_CASE("a state keeps its context", "[future_state]") {
    struct noticed final : executor_context {
        explicit noticed(bool& g) : gone(g) {}
        ~noticed() override { gone = true; }
        bool& gone;
    };
    bool gone = false;
    {
        const auto kept = make_ref<state<int>>(ref<executor_context>(make_ref<noticed>(gone)));
        CHECK(kept->context() != nullptr);
        CHECK_FALSE(gone);
    }
    CHECK(gone);
}
