// SPDX-License-Identifier: BSL-1.0
#include <tandem/subprocess/run.hpp>

#include "subprocess/tools.hpp"

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include <sys/time.h>
#include <sys/wait.h>

using namespace tandem;
using namespace std::chrono_literals;
using tools::leaves_nothing;

TEST_CASE("programs run in a process that lacks some of the standard descriptors", "[run]") {
    for (int closed = 0; closed < 8; ++closed) {
        for (const unsigned refused : {0U, detail::shared_memory_refused}) {
            const auto end = tools::in_child([closed, refused] {
                detail::spawn_refused = refused;
                for (int fd = 0; fd < 3; ++fd) {
                    if ((closed & (1 << fd)) != 0) ::close(fd);
                }
                std::string wrong;
                const auto before = tools::numbers_of(tools::descriptors_of(::getpid()));
                const auto data = tools::noise(200'000);
                const auto r =
                    run(shell("cat; echo error >&2"), {.input = data, .capture_output = true});
                if (r.out != data || r.err != "error\n") wrong += "wrong output; ";
                const auto merged =
                    run(shell("echo a; echo b >&2"), {.out = stdio::pipe, .err = stdio::merge});
                if (merged.out != "a\nb\n") wrong += "wrong merge; ";
                const auto piped =
                    run(command{"cat"} | command{"cat"}, {.input = "x", .out = stdio::pipe});
                if (piped.out != "x") wrong += "wrong pipeline; ";
                subprocess p({"sleep", "1000"},
                             {.in = stdio::null, .out = stdio::null, .err = stdio::null});
                if (!tools::eventually([&] {
                        return tools::numbers_of(tools::descriptors_of(p.pid())) ==
                               std::vector<int>{0, 1, 2};
                    })) {
                    wrong += "wrong descriptors; ";
                }
                p.kill();
                static_cast<void>(p.wait());
                p = subprocess({"true"});
                static_cast<void>(p.wait());
                if (p.pidfd() >= 0 && p.pidfd() < 3) wrong += "a pidfd among the standard ones; ";
                {
                    subprocess gone = std::move(p);
                }
                if (before != tools::numbers_of(tools::descriptors_of(::getpid()))) {
                    wrong += "leaks; ";
                }
                return wrong;
            });
            CAPTURE(closed, refused);
            CHECK(end.text == "");
        }
    }
}

TEST_CASE("where SIGCHLD is ignored no status is known, and none is success", "[run]") {
    const auto end = tools::in_child([] {
        ::signal(SIGCHLD, SIG_IGN);
        std::string wrong;
        const auto r = run({"echo", "x"}, {.capture_output = true});
        if (!r.status.unknown() || r.status.success()) wrong += "status; ";
        if (r.out != "x\n") wrong += "output; ";
        try {
            r.check();
            wrong += "check; ";
        } catch (const called_process_error&) {
        }
        subprocess p({"sleep", "1000"});
        if (p.poll() || p.wait(10ms)) wrong += "poll; ";
        if (!p.kill()) wrong += "kill; ";
        if (!p.wait().unknown()) wrong += "wait; ";
        if (tools::spawn_failure([] { run({"/nonexistent"}); }) != "exec 2 /nonexistent") {
            wrong += "failure; ";
        }
        return wrong;
    });
    CHECK(end.text == "");
}

TEST_CASE("where somebody else waits for all children no status is known, or the right one",
          "[run]") {
    const auto end = tools::in_child([] {
        std::string wrong;
        int unknown = 0;
        for (int i = 0; i < 50; ++i) {
            subprocess p({"sh", "-c", "exit 3"});
            if (i % 2 == 0 && ::waitpid(-1, nullptr, 0) != p.pid()) wrong += "whose? ";
            const auto status = p.wait();
            if (status.success()) wrong += "success! ";
            unknown += status.unknown() ? 1 : 0;
            if (!status.unknown() && status.code() != 3) wrong += "another's status ";
            if (p.kill()) wrong += "killed somebody ";
        }
        if (unknown != 25) wrong += std::to_string(unknown) + " unknown";
        return wrong;
    });
    CHECK(end.text == "");
}

TEST_CASE("a storm of signals disturbs nothing", "[run]") {
    leaves_nothing([] {
        struct sigaction action{}, before{};
        action.sa_handler = [](int) {};  // without SA_RESTART
        ::sigaction(SIGALRM, &action, &before);
        const itimerval storm{{0, 100}, {0, 100}}, calm{};
        ::setitimer(ITIMER_REAL, &storm, nullptr);
        const int rounds = tools::sanitized ? 100 : 1000;
        std::string wrong;
        for (int i = 0; i < rounds; ++i) {
            try {
                const auto r = run({"cat"}, {.input = "text", .capture_output = true});
                if (r.out != "text" || !r.status.success()) wrong += "result; ";
            } catch (const std::exception& e) {
                wrong += e.what();
            }
        }
        ::setitimer(ITIMER_REAL, &calm, nullptr);
        ::sigaction(SIGALRM, &before, nullptr);
        CHECK(wrong == "");
    });
}

TEST_CASE("an environment for a program is not seen by other threads", "[run]") {
    leaves_nothing([] {
        ::setenv("TANDEM_RACE", "ours", 1);
        std::atomic<bool> stop{false};
        std::atomic<int> others{0};
        std::vector<std::thread> readers;
        for (int i = 0; i < 2; ++i) {
            readers.emplace_back([&] {
                while (!stop) {
                    const char* value = std::getenv("TANDEM_RACE");
                    if (!value || std::string(value) != "ours") ++others;
                    std::this_thread::yield();
                }
            });
        }
        for (int i = 0; i < 50; ++i) {
            const auto c = shell("echo $TANDEM_RACE").env("TANDEM_RACE", std::to_string(i));
            CHECK(output(c) == std::to_string(i));
        }
        stop = true;
        for (auto& t : readers) t.join();
        CHECK(others == 0);
        ::unsetenv("TANDEM_RACE");
    });
}

TEST_CASE("programs run from a thread that is about to end, and from many at once", "[run]") {
    leaves_nothing([] {
        std::atomic<int> wrong{0};
        for (int i = 0; i < 5; ++i) {
            std::thread([&] {
                if (run({"echo", "x"}, {.capture_output = true}).out != "x\n") ++wrong;
            }).join();
        }
        CHECK(wrong == 0);
    });
}
