// SPDX-License-Identifier: BSL-1.0
#include <tandem/subprocess/orphans.hpp>

#include <tandem/subprocess/run.hpp>

#include "subprocess/tools.hpp"

#include <optional>

using namespace tandem;
using namespace std::chrono_literals;
using tools::leaves_nothing;

TEST_CASE("a detached program goes on, and is reaped by a later start", "[orphans]") {
    leaves_nothing([] {
        int pid = 0;
        {
            subprocess p({"sleep", "0.1"}, {.on_drop = on_drop::detach});
            pid = p.pid();
        }
        CHECK(tools::exists(pid));
        CHECK(tools::eventually([&] { return tools::is_over(pid); }));
        run({"true"});
        CHECK_FALSE(tools::exists(pid));
    });
}

TEST_CASE("many detached programs are all reaped", "[orphans]") {
    leaves_nothing([] {
        const auto before = tools::children_of(::getpid());
        for (int i = 0; i < 50; ++i) {
            subprocess p({"true"}, {.on_drop = on_drop::detach});
        }
        CHECK(tools::eventually([&] {
            detail::orphans::all().reap();
            return tools::children_of(::getpid()) == before;
        }));
    });
}
