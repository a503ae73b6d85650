// SPDX-License-Identifier: BSL-1.0
#include <tandem/subprocess/running_pipeline.hpp>

#include "subprocess/tools.hpp"

#include <csignal>
#include <stdexcept>
#include <string>
#include <vector>

using namespace tandem;
using namespace std::chrono_literals;
using tandem::detail::running_pipeline;
using tools::leaves_nothing;

TEST_CASE("streams that make no sense are refused before anything starts", "[running_pipeline]") {
    const command c{"true"};
    const auto start = [&](const detail::stream_options& o) {
        running_pipeline running({&c, 1}, c.args(), o);
    };
    CHECK_THROWS_AS(start({.in = stdio::merge}), std::invalid_argument);
    CHECK_THROWS_AS(start({.out = stdio::merge}), std::invalid_argument);
    CHECK_THROWS_AS(start({.in = to_file("/dev/null")}), std::invalid_argument);
    CHECK_THROWS_AS(start({.out = from_file("/dev/null")}), std::invalid_argument);
    CHECK_THROWS_AS(start({.err = from_file("/dev/null")}), std::invalid_argument);
}

TEST_CASE("what is let go of is reaped when it has ended", "[running_pipeline]") {
    leaves_nothing([] {
        const auto before = tools::children_of(::getpid());
        const command c{"true"};
        {
            running_pipeline running({&c, 1}, c.args(), {});
        }
        CHECK(tools::eventually([&] {
            detail::orphans::all().reap();
            return tools::children_of(::getpid()) == before;
        }));
    });
}

TEST_CASE("what is ended is gone at once", "[running_pipeline]") {
    leaves_nothing([] {
        const auto before = tools::children_of(::getpid());
        const std::vector<command> stages(3, command{"sleep", "1000"});
        running_pipeline running(stages, {}, {});
        CHECK_FALSE(running.wait(10ms));
        running.end();
        CHECK(tools::children_of(::getpid()) == before);
    });
}
