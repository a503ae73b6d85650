// SPDX-License-Identifier: BSL-1.0
#include <tandem/coroutine/wait_list.hpp>

#include "../support/catch.hpp"

using tandem::detail::wait_list;

TEST_CASE("a list of nobody releases nobody", "[wait_list]") {
    wait_list nobody;
    CHECK(nobody.empty());
    CHECK(nobody.first() == nullptr);
    nobody.release_all();
    nobody.check_thread("nothing");
    CHECK(nobody.empty());
}
