// SPDX-License-Identifier: BSL-1.0
#include <tandem/async/event_loop_options.hpp>

#include "tools.hpp"

TEST_CASE("an event loop's options have defaults", "[event_loop_options]") {
    const tandem::event_loop_options options;
    CHECK_FALSE(options.debug);
    CHECK(options.slow_callback == std::chrono::milliseconds(100));
    CHECK_FALSE(options.on_slow);
    CHECK_FALSE(options.on_error);
    CHECK(options.clock == nullptr);
}
