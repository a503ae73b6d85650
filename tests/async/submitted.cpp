// SPDX-License-Identifier: BSL-1.0
#include <tandem/async/submitted.hpp>

#include "tools.hpp"

#include <tandem/core/ref.hpp>

using namespace async_tests;

TEST_CASE("a task that moved away cannot be submitted", "[submitted]") {
    const auto box = tandem::detail::make_ref<tandem::detail::mailbox>();
    auto work = later(0s, 1);
    const auto elsewhere = std::move(work);
    CHECK_THROWS_AS(tandem::detail::submit_to(*box, std::move(work)), tandem::invalid_state);
}

TEST_CASE("a closed mailbox refuses a task", "[submitted]") {
    const auto box = tandem::detail::make_ref<tandem::detail::mailbox>();
    box->close();
    auto f = tandem::detail::submit_to(*box, later(0s, 1));
    CHECK_THROWS_AS(f.get(), tandem::pool_closed);
}
