// SPDX-License-Identifier: BSL-1.0
#include <tandem/async/sync_wait.hpp>

#include "tools.hpp"

#include <memory>
#include <string>

using tandem::sync_wait;
using tandem::task;

namespace {

task<std::unique_ptr<int>> gives_unique() { co_return std::make_unique<int>(7); }
task<int&> gives_reference(int& x) { co_return x; }

}  // namespace

TEST_CASE("sync_wait runs a task on the calling thread", "[sync_wait]") {
    using namespace async_tests;
    CHECK(*sync_wait(gives_unique()) == 7);
    int x = 1;
    CHECK(&sync_wait(gives_reference(x)) == &x);
    sync_wait(sleeps(1ms));
    CHECK_THROWS_WITH(sync_wait(throws_after(0s, "bad")), "bad");
}
