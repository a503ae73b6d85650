// SPDX-License-Identifier: BSL-1.0
#include <tandem/subprocess/keeper.hpp>

#include <tandem/subprocess/run.hpp>

#include "subprocess/tools.hpp"

#include <csignal>
#include <stdexcept>
#include <string>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

using namespace tandem;
using namespace std::chrono_literals;
using tools::leaves_nothing;

TEST_CASE("a keeper runs a start on a thread of its own", "[keeper]") {
    leaves_nothing([] {
        std::thread::id where;
        const detail::keeper one([&] { where = std::this_thread::get_id(); });
        CHECK(where != std::thread::id());
        CHECK(where != std::this_thread::get_id());
    });
}

TEST_CASE("what a start throws comes out of the keeper", "[keeper]") {
    leaves_nothing([] {
        CHECK_THROWS_AS(detail::keeper([] { throw std::runtime_error("start"); }),
                        std::runtime_error);
        CHECK_THROWS_AS(run(command{"/nonexistent"}.die_with_parent()), spawn_error);
    });
}

TEST_CASE("a program that dies with us outlives the thread that started it", "[keeper]") {
    leaves_nothing([] {
        std::optional<subprocess> sleeper;
        std::thread([&] { sleeper.emplace(command{"sleep", "1000"}.die_with_parent()); }).join();
        CHECK_FALSE(sleeper->wait(50ms));
        CHECK(sleeper->terminate());
        CHECK(sleeper->wait().signal() == SIGTERM);
        CHECK(run(command{"true"}.die_with_parent()).status.success());
    });
}

TEST_CASE("a program that dies with its parent does", "[keeper]") {
    if (tools::sanitized) {
        WARN("skipped: forks a process, and uses threads in it");
        return;
    }
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    unique_fd in(ends[0]), out(ends[1]);
    const pid_t parent = ::fork();
    REQUIRE(parent >= 0);
    if (parent == 0) {
        subprocess sleeper(command{"sleep", "1000"}.die_with_parent());
        const int pid = sleeper.pid();
        static_cast<void>(!::write(out.get(), &pid, sizeof pid));
        ::pause();
        ::_exit(0);
    }
    int child = 0;
    REQUIRE(::read(in.get(), &child, sizeof child) == sizeof child);
    CHECK_FALSE(tools::is_over(child));
    tools::kill_one(parent, SIGKILL);
    ::waitpid(parent, nullptr, 0);
    CHECK(tools::eventually([&] { return tools::is_over(child); }));
}
