// SPDX-License-Identifier: BSL-1.0
#include <tandem/subprocess/child_process.hpp>

#include "subprocess/tools.hpp"

#include <csignal>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <sys/wait.h>

using namespace tandem;
using namespace std::chrono_literals;
using tandem::detail::child_process;
using tools::leaves_nothing;

namespace {

std::unique_ptr<child_process> start(const command& c, bool own_group = false) {
    return std::make_unique<child_process>(detail::command_access::parts(c),
                                           detail::child_streams{}, own_group);
}

}  // namespace

TEST_CASE("a child ends, is seen to have ended, and is reaped", "[child_process]") {
    leaves_nothing([] {
        const auto child = start({"sh", "-c", "exit 3"});
        CHECK(detail::poll_one(child->exit_fd(), POLLIN, deadline::never()));
        CHECK(child->ended());
        CHECK_FALSE(child->is_reaped());
        CHECK(tools::exists(child->pid()));
        CHECK(child->poll()->code() == 3);
        CHECK(child->is_reaped());
        CHECK(child->poll()->code() == 3);
        CHECK(child->wait(deadline::never())->code() == 3);
    });
}

TEST_CASE("a signal is not sent to a child that has ended", "[child_process]") {
    leaves_nothing([] {
        const auto child = start({"true"});
        child->wait(deadline::never());
        CHECK_FALSE(child->signal(SIGKILL));
        CHECK_FALSE(child->signal_group(SIGKILL));
        const auto zombie = start({"true"}, true);
        detail::poll_one(zombie->exit_fd(), POLLIN, deadline::never());
        CHECK_FALSE(zombie->signal(SIGKILL));
        zombie->wait(deadline::never());
    });
}

TEST_CASE("a child that somebody else reaped ended nobody knows how", "[child_process]") {
    leaves_nothing([] {
        for (const unsigned refused :
             {0U, detail::clone_pidfd_refused | detail::pidfd_open_refused}) {
            const unsigned before = detail::spawn_refused.exchange(refused);
            const auto child = start({"true"});
            CHECK(::waitpid(child->pid(), nullptr, 0) == child->pid());
            CHECK(child->wait(deadline::never())->unknown());
            CHECK_FALSE(child->signal(SIGKILL));
            detail::spawn_refused = before;
        }
    });
}

TEST_CASE("many threads wait for a child and kill it, and hit nobody else", "[child_process]") {
    leaves_nothing([] {
        const auto bystander = start({"sleep", "1000"});
        const int rounds = tools::sanitized ? 30 : 200;
        for (int round = 0; round < rounds; ++round) {
            const auto child = start({"sleep", round % 2 == 0 ? "0" : "1000"});
            std::vector<std::thread> threads;
            std::vector<exit_status> seen(8);
            for (std::size_t i = 0; i < seen.size(); ++i) {
                threads.emplace_back([&, i] {
                    if (i % 2 == 0) child->signal(SIGKILL);
                    seen[i] = *child->wait(deadline::never());
                    child->signal(SIGKILL);
                });
            }
            for (auto& t : threads) t.join();
            for (const auto& one : seen) CHECK(one == seen[0]);
            CHECK_FALSE(seen[0].unknown());
        }
        CHECK_FALSE(bystander->ended());
        CHECK(bystander->signal(SIGKILL));
        bystander->wait(deadline::never());
    });
}

TEST_CASE("what a child used up is known when it has ended", "[child_process]") {
    leaves_nothing([] {
        const auto child = start({"sh", "-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"});
        child->wait(deadline::never());
        const auto usage = child->usage();
        CHECK(usage.user_time + usage.system_time > 1ms);
        CHECK(usage.max_memory > 100'000);
        resource_usage sum = usage;
        sum += {.user_time = 5us, .system_time = 6us, .max_memory = 7};
        CHECK(sum.user_time == usage.user_time + 5us);
        CHECK(sum.max_memory == usage.max_memory);
    });
}
