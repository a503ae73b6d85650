// SPDX-License-Identifier: BSL-1.0
#include <tandem/subprocess/spawn.hpp>

#include <tandem/subprocess/run.hpp>

#include "subprocess/tools.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>

using namespace tandem;
using namespace std::chrono_literals;
using tools::leaves_nothing;

namespace {

struct without {
    explicit without(unsigned bits) : before(detail::spawn_refused.exchange(bits)) {}
    ~without() { detail::spawn_refused = before; }
    unsigned before;
};

// What ought to work however a program is started: "" if it does.
std::string whatever_works() {
    std::string wrong;
    const auto expect = [&](bool holds, const char* what) {
        if (!holds) wrong += std::string(what) + "; ";
    };
    expect(run({"sh", "-c", "exit 7"}).status.code() == 7, "code");
    expect(run({"sh", "-c", "kill -9 $$"}).status.signal() == SIGKILL, "signal");
    expect(tools::spawn_failure([] { run({"/nonexistent"}); }) == "exec 2 /nonexistent", "exec");
    expect(tools::spawn_failure([] { run(command{"true"}.cwd("/nonexistent")); }) ==
               "chdir 2 /nonexistent",
           "chdir");
    expect(tools::spawn_failure([] { run(command{"true"}.limit(RLIMIT_NOFILE, 2, 1)); }) ==
               "setrlimit 22 true",
           "limit");
    const auto data = tools::noise(300'000);
    expect(run({"cat"}, {.input = data, .capture_output = true}).out == data, "cat");
    expect(run(command{"yes"} | command{"head", "-1"}, {.capture_output = true}).out == "y\n",
           "pipeline");
    const auto held = run(shell("sleep 1 & echo hi"), {.capture_output = true, .linger = 20ms});
    expect(held.out == "hi\n" && held.streams_abandoned, "linger");
    try {
        run({"sleep", "1000"}, {.timeout = 20ms});
        expect(false, "timeout");
    } catch (const timeout_expired& e) {
        expect(e.process().status.signal() == SIGKILL, "kill");
    }
    subprocess sleeper({"sleep", "1000"});
    expect(!sleeper.poll() && !sleeper.wait(10ms), "wait");
    expect(sleeper.terminate() && sleeper.wait().signal() == SIGTERM, "terminate");
    expect(!sleeper.kill(), "kill after the end");
    return wrong;
}

}  // namespace

TEST_CASE("programs start in whatever way the system leaves open", "[spawn]") {
    using namespace tandem::detail;
    leaves_nothing([] {
        for (const unsigned refused :
             {0U, shared_memory_refused, clone_pidfd_refused, spawn_child::close_range_refused,
              clone_pidfd_refused | pidfd_open_refused,
              shared_memory_refused | clone_pidfd_refused | pidfd_open_refused |
                  spawn_child::close_range_refused}) {
            const without some(refused);
            CAPTURE(refused);
            CHECK(whatever_works() == "");
        }
    });
}

TEST_CASE("without pidfds there is none to be had", "[spawn]") {
    leaves_nothing([] {
        const without pidfds(detail::clone_pidfd_refused | detail::pidfd_open_refused);
        subprocess sleeper({"sleep", "1000"});
        CHECK(sleeper.pidfd() == -1);
        sleeper.kill();
        CHECK(sleeper.wait().signal() == SIGKILL);
    });
}

// Filters as containers have them: EPERM for what they do not know.
TEST_CASE("programs start where a filter says EPERM to newer system calls", "[spawn]") {
    if (tools::sanitized) {
        WARN("skipped: forks a process with threads");
        return;
    }
    enum filtered { newer_calls, shared_memory };
    for (const filtered which : {newer_calls, shared_memory}) {
        const auto end = tools::in_child([which] {
            const auto number = static_cast<std::uint32_t>(offsetof(seccomp_data, nr));
            const auto first = static_cast<std::uint32_t>(offsetof(seccomp_data, args));
            constexpr std::uint32_t allow = SECCOMP_RET_ALLOW;
            constexpr std::uint32_t refuse = SECCOMP_RET_ERRNO | EPERM;
            const auto is = [](long call, int yes) {
                return sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                                            static_cast<std::uint32_t>(call),
                                            static_cast<unsigned char>(yes), 0);
            };
            std::vector<sock_filter> filter = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, number)};
            if (which == newer_calls) {
                filter.insert(filter.end(), {is(435 /* clone3 */, 3), is(SYS_pidfd_open, 2),
                                             is(436 /* close_range */, 1)});
            } else {
                filter.insert(filter.end(),
                              {BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 2),
                               BPF_STMT(BPF_LD | BPF_W | BPF_ABS, first),
                               BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_VFORK, 1, 0)});
            }
            filter.push_back(BPF_STMT(BPF_RET | BPF_K, allow));
            filter.push_back(BPF_STMT(BPF_RET | BPF_K, refuse));
            const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
            if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
                ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
                return std::string("no filter");
            }
            auto wrong = whatever_works();
            const bool known = detail::spawn_refused & detail::shared_memory_refused;
            if (known != (which == shared_memory)) wrong += "another way than expected";
            return wrong;
        });
        if (end.text == "no filter") {
            WARN("skipped: no filters here");
            return;
        }
        CHECK(end.text == "");
    }
}

TEST_CASE("a start that fails leaves nothing, a thousand times", "[spawn]") {
    leaves_nothing([] {
        for (int i = 0; i < 1000; ++i) {
            CHECK_THROWS_AS(run({"/nonexistent"}, {.input = "x", .capture_output = true}),
                            spawn_error);
        }
    });
}

TEST_CASE("when there are no descriptors left a start fails, or works", "[spawn]") {
    if (tools::sanitized) {
        WARN("skipped: the sanitizer opens descriptors too");
        return;
    }
    const auto end = tools::in_child([] {
        std::string wrong;
        int failed = 0, worked = 0;
        const tandem::testing::leak_check leaks;
        for (const unsigned refused : {0U, detail::shared_memory_refused,
                                       detail::clone_pidfd_refused | detail::pidfd_open_refused}) {
            const without some(refused);
            const auto open = static_cast<rlim_t>(tools::descriptors_of(::getpid()).size() - 1);
            for (rlim_t more = 0; more <= 20; ++more) {
                rlimit limit{};
                ::getrlimit(RLIMIT_NOFILE, &limit);
                const rlimit before = limit;
                limit.rlim_cur = open + more;
                ::setrlimit(RLIMIT_NOFILE, &limit);
                try {
                    const auto r = run({"cat"}, {.input = "text", .capture_output = true});
                    ::setrlimit(RLIMIT_NOFILE, &before);
                    if (r.out != "text" || !r.status.success()) wrong += "a wrong result; ";
                    ++worked;
                } catch (const spawn_error& e) {
                    ::setrlimit(RLIMIT_NOFILE, &before);
                    if (e.code().value() != EMFILE) wrong += std::string(e.what()) + "; ";
                    ++failed;
                } catch (const io_error& e) {
                    ::setrlimit(RLIMIT_NOFILE, &before);
                    if (e.code().value() != EMFILE) wrong += std::string(e.what()) + "; ";
                    ++failed;
                }
                wrong += leaks.check();
            }
        }
        if (failed < 15) wrong += "failed only " + std::to_string(failed);
        if (worked < 15) wrong += "worked only " + std::to_string(worked);
        return wrong;
    });
    CHECK(end.text == "");
}

TEST_CASE("the start of a program takes no longer where there is much memory", "[spawn]") {
    if (tools::sanitized) {
        WARN("skipped: a sanitizer has much memory of its own");
        return;
    }
    leaves_nothing([] {
        const auto median = [] {
            std::vector<std::chrono::nanoseconds> times;
            for (int i = 0; i < 31; ++i) {
                const auto start = std::chrono::steady_clock::now();
                run({"/bin/true"});
                times.push_back(std::chrono::steady_clock::now() - start);
            }
            std::nth_element(times.begin(), times.begin() + 15, times.end());
            return times[15];
        };
        const auto small = median();
        const std::size_t size = std::size_t{1} << 30;
        void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        REQUIRE(memory != MAP_FAILED);
        ::madvise(memory, size, MADV_NOHUGEPAGE);
        for (std::size_t at = 0; at < size; at += 4096) static_cast<char*>(memory)[at] = 1;
        // A copy of the tables alone would take 20 times as long.
        CHECK(median() < 5 * small);
        ::munmap(memory, size);
    });
}
