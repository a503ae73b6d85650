// SPDX-License-Identifier: BSL-1.0
#include <tandem/coroutine/promise_base.hpp>

#include "../async/tools.hpp"

using namespace async_tests;
using tandem::task;

namespace {

// Awaits a child at each depth around the one where starts are no longer nested.
task<int> at_depth(int n, bool waits, frame_mark = {}) {
    if (n == 0) {
        if (waits) co_await tandem::yield_now();
        co_return 0;
    }
    const int first = co_await at_depth(n - 1, waits);
    const int second = n > 20 ? 0 : co_await at_depth(0, !waits);
    co_return first + second + 1;
}

}  // namespace

TEST_CASE("children are awaited at every depth of nesting", "[promise_base]") {
    const auto main = []() -> task<> {
        for (int n = 0; n < 60; ++n) {
            {
                const auto got = co_await at_depth(n, false);
                CHECK(got == n);
            }
            {
                const auto got = co_await at_depth(n, true);
                CHECK(got == n);
            }
        }
    };
    run(main());
    tandem::event_loop_options options;
    options.debug = true;  // nothing is nested then
    run(main(), std::move(options));
}
