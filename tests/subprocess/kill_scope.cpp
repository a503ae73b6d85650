// SPDX-License-Identifier: BSL-1.0
#include <tandem/subprocess/kill_scope.hpp>

#include <tandem/subprocess/run.hpp>

#include "subprocess/tools.hpp"

#include <csignal>
#include <sstream>
#include <string>
#include <vector>

using namespace tandem;
using namespace std::chrono_literals;
using tools::leaves_nothing;

namespace {

// Starts sleepers, each in a deeper process, and says who they are, one number a line.
const char* const three_deep =
    "sleep 1000 & echo $!; sh -c 'sleep 1000 & echo $!; sh -c \"echo \\$\\$; exec sleep 1000\"'";

std::vector<int> pids_in(const std::string& text) {
    std::istringstream in(text);
    std::vector<int> all;
    for (int pid; in >> pid;) all.push_back(pid);
    return all;
}
std::vector<int> read_pids(subprocess& from, std::size_t count) {
    std::string text;
    while (std::count(text.begin(), text.end(), '\n') < static_cast<std::ptrdiff_t>(count)) {
        const auto more = from.out().read();
        if (more.empty()) break;
        text += more;
    }
    return pids_in(text);
}

}  // namespace

TEST_CASE("all that kept to the group are dead when a run is over time", "[kill_scope]") {
    leaves_nothing([] {
        for (const auto scope : {kill_scope::group, kill_scope::tree}) {
            try {
                run({"sh", "-c", three_deep},
                    {.capture_output = true, .timeout = 200ms, .kill = scope});
                FAIL("it ended by itself");
            } catch (const timeout_expired& e) {
                const auto pids = pids_in(e.process().out);
                CHECK(pids.size() == 3);
                for (const int pid : pids) CHECK(tools::is_over(pid));
                CHECK_FALSE(e.process().streams_abandoned);
            }
        }
    });
}

TEST_CASE("all that a program started are dead, in whatever group or session they are",
          "[kill_scope]") {
    if (!which("setsid")) {
        WARN("skipped: needs setsid");
        return;
    }
    leaves_nothing([] {
        subprocess p(shell("setsid sh -c 'echo $$; sleep 1000 & echo $!; wait' & "
                           "(setsid sleep 1000 & echo $!) ; sleep 1000"),
                     {.out = stdio::pipe, .kill = kill_scope::tree});
        const auto pids = read_pids(p, 3);
        CHECK(pids.size() == 3);
        CHECK(p.kill());
        CHECK(p.wait().signal() == SIGKILL);
        // The one whose parent had ended already, and which left its session, nobody can find.
        for (const int pid : {pids[0], pids[1]}) {
            const auto line = "State of " + std::to_string(pid) + " " +
                              tools::status_line(pid, "State") + " among " +
                              std::to_string(pids.size());
            CAPTURE(line);
        }
        int over = 0;
        for (const int pid : pids) over += tools::is_over(pid) ? 1 : 0;
        CHECK(over >= 2);
        for (const int pid : pids) {
            if (!tools::is_over(pid)) tools::kill_one(pid, SIGKILL);
        }
    });
}

TEST_CASE("a program alone is killed if that is what is wanted", "[kill_scope]") {
    leaves_nothing([] {
        subprocess p(shell("sleep 1000 & echo $!; wait"), {.out = stdio::pipe});
        const auto pids = read_pids(p, 1);
        REQUIRE(pids.size() == 1);
        CHECK(p.kill());
        CHECK(p.wait().signal() == SIGKILL);
        CHECK_FALSE(tools::is_over(pids[0]));
        tools::kill_one(pids[0], SIGKILL);
        CHECK(tools::eventually([&] { return tools::is_over(pids[0]); }));
    });
}

TEST_CASE("a group is sent a signal even when its leader has ended", "[kill_scope]") {
    leaves_nothing([] {
        subprocess p(shell("sleep 1000 & echo $!"),
                     {.out = stdio::pipe, .kill = kill_scope::group});
        const auto pids = read_pids(p, 1);
        REQUIRE(pids.size() == 1);
        CHECK(detail::poll_one(p.pidfd(), POLLIN, deadline::never()));
        CHECK(p.kill());
        CHECK(tools::is_over(pids[0]));
        CHECK(p.wait().success());
        CHECK_FALSE(p.kill());
    });
}

TEST_CASE("a program that is in another group cannot be killed with its group", "[kill_scope]") {
    CHECK_THROWS_AS(run(command{"true"}.process_group(::getpgrp()), {.kill = kill_scope::group}),
                    std::invalid_argument);
}
