// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/process.hpp>

#include "pool/tools.hpp"

#include <tandem/pool/channel.hpp>
#include <tandem/pool/process_pool.hpp>

#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace tandem;
using namespace std::chrono_literals;
using tools::leaves_nothing;

namespace {

void tell_pid(const std::string& up) { tools::tell(up, ::getpid()); }
void wait_for_ever(const std::string& up) {
    tools::tell(up, ::getpid());
    for (;;) ::pause();
}
void answer(channel<std::pair<int, std::string>> end) {
    for (auto& [number, text] : end) {
        if (!end.push({number + 1, text + "!"})) return;
    }
}

}  // namespace

TEST_CASE("a process calls its function elsewhere, once", "[process]") {
    leaves_nothing([] {
        tools::mailbox box;
        process child(tell_pid, box.to());
        child.join();
        CHECK(box.receive() == child.pid());
        CHECK(child.pid() != ::getpid());
        CHECK_FALSE(child.is_alive());
        REQUIRE(child.status());
        CHECK(child.status()->success());
        child.terminate();  // nothing
    });
}

TEST_CASE("how a process ended is told", "[process]") {
    leaves_nothing([] {
        process thrower([] { throw std::runtime_error("as a test wants"); });
        process leaver([](int code) { std::exit(code); }, 7);
        process crasher([] { std::abort(); });
        thrower.join();
        leaver.join();
        crasher.join();
        CHECK(thrower.status()->code() == 1);
        CHECK(leaver.status()->code() == 7);
        CHECK(crasher.status()->signal() == SIGABRT);
    });
}

TEST_CASE("a process that runs can be waited for in vain, terminated and killed", "[process]") {
    leaves_nothing([] {
        tools::mailbox box;
        process one(wait_for_ever, box.to());
        process two(wait_for_ever, box.to());
        box.receive();
        box.receive();
        CHECK(one.is_alive());
        CHECK_FALSE(one.join(20ms));
        CHECK_FALSE(one.status());
        one.terminate();
        two.kill();
        one.join();
        CHECK(two.join(10s));
        CHECK(one.status()->signal() == SIGTERM);
        CHECK(two.status()->signal() == SIGKILL);
    });
}

TEST_CASE("values come and go through a channel", "[process]") {
    leaves_nothing([] {
        auto [ours, theirs] = channel<std::pair<int, std::string>>::make();
        process child(answer, std::move(theirs));
        for (int i = 0; i < 100; ++i) {
            REQUIRE(ours.push({i, "x"}));
            CHECK(ours.pop() == std::pair(i + 1, std::string("x!")));
        }
        ours.close();
        child.join();
        CHECK(child.status()->success());
    });
}

TEST_CASE("the death of a process ends its channel", "[process]") {
    leaves_nothing([] {
        auto [ours, theirs] = channel<std::pair<int, std::string>>::make();
        process child(answer, std::move(theirs));
        CHECK(ours.push({1, "a"}));
        CHECK(ours.pop());
        child.kill();
        CHECK_FALSE(ours.pop());
        CHECK_FALSE(ours.push({2, "b"}));
    });
}

TEST_CASE("a large argument goes in whole", "[process]") {
    leaves_nothing([] {
        tools::mailbox box;
        const std::vector<int> large(5'000'000, 3);
        process child(
            [](const std::vector<int>& all, const std::string& up) {
                tools::tell(up, static_cast<std::int64_t>(all.size()) + all.back());
            },
            large, box.to());
        CHECK(box.receive() == 5'000'003);
    });
}

TEST_CASE("a process that is destroyed was joined; during an exception it is killed", "[process]") {
    leaves_nothing([] {
        tools::journal log;
        {
            process child(
                [](const std::string& path) {
                    std::this_thread::sleep_for(50ms);
                    tools::journal::add(path, 1);
                },
                log.path());
        }
        CHECK(log.read().size() == 1);
        tools::mailbox box;
        int pid = 0;
        try {
            process child(wait_for_ever, box.to());
            pid = static_cast<int>(box.receive());
            throw 5;
        } catch (int) {
        }
        CHECK(tools::eventually([&] { return !tools::exists(pid); }));
    });
}

TEST_CASE("what a process started and did not wait for dies with it", "[process]") {
    leaves_nothing([] {
        tools::mailbox up;
        tools::mailbox down;
        process child(
            [](const std::string& to, const std::string& from) {
                if (::fork() == 0) wait_for_ever(to);
                tools::hear(from);
            },
            up.to(), down.from());
        const auto grandchild = static_cast<int>(up.receive());
        down.send(1);
        child.join();
        CHECK(tools::eventually([&] { return tools::is_over(grandchild); }));
    });
}

TEST_CASE("processes can be moved and kept in containers", "[process]") {
    leaves_nothing([] {
        tools::mailbox box;
        std::vector<process> all;
        for (int i = 0; i < 10; ++i) all.emplace_back(tell_pid, box.to());
        for (auto& one : all) one.join();
        std::int64_t sum = 0;
        for (const auto& one : all) sum += one.pid();
        for (int i = 0; i < 10; ++i) sum -= box.receive();
        CHECK(sum == 0);
        all.front() = process(tell_pid, box.to());
        CHECK(all.front().pid() == box.receive());
    });
}

TEST_CASE("a task of a pool may not have processes", "[process]") {
    leaves_nothing([] {
        process_pool pool(1);
        CHECK_THROWS_AS(pool.apply([] { process nested([] {}); }), invalid_state);
    });
}
