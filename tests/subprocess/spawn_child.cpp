// SPDX-License-Identifier: BSL-1.0
#include <tandem/subprocess/spawn_child.hpp>

#include <tandem/subprocess/run.hpp>

#include "subprocess/tools.hpp"

#include <csignal>
#include <string>
#include <utility>
#include <vector>

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace tandem;
using tools::leaves_nothing;

namespace {

// What is open in a program that is started so. Its start returns a moment before the kernel has
// closed what does not pass an exec.
std::vector<std::pair<int, std::string>> open_in(const command& c, std::size_t count = 3) {
    subprocess sleeper(c);
    std::vector<std::pair<int, std::string>> all;
    tools::eventually([&] { return (all = tools::descriptors_of(sleeper.pid())).size() == count; });
    return all;
}

struct without {
    explicit without(unsigned bits) : before(detail::spawn_refused.exchange(bits)) {}
    ~without() { detail::spawn_refused = before; }
    unsigned before;
};

}  // namespace

TEST_CASE("a program has the standard streams open and nothing else", "[spawn_child]") {
    leaves_nothing([] {
        std::vector<unique_fd> many;  // not closed on exec, as old code makes them
        for (int i = 0; i < 200; ++i) many.emplace_back(::dup(1));
        CHECK(tools::numbers_of(open_in({"sleep", "100"})) == std::vector<int>{0, 1, 2});
    });
}

TEST_CASE("a program sees none of 5 000 open descriptors", "[spawn_child]") {
    leaves_nothing([] {
        rlimit limit{};
        ::getrlimit(RLIMIT_NOFILE, &limit);
        const rlimit before = limit;
        limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 20'000);
        ::setrlimit(RLIMIT_NOFILE, &limit);
        {
            std::vector<unique_fd> many;
            for (int i = 0; i < 5'000; ++i) many.emplace_back(::dup(1));
            many.emplace_back(::fcntl(1, F_DUPFD, 9'999));
            CHECK(tools::numbers_of(open_in({"sleep", "100"})) == std::vector<int>{0, 1, 2});
            const without close_range(detail::spawn_child::close_range_refused);
            CHECK(tools::numbers_of(open_in({"sleep", "100"})) == std::vector<int>{0, 1, 2});
            const int kept = many.back() ? many.back().get() : many[2'000].get();
            CHECK(tools::numbers_of(open_in(command{"sleep", "100"}.pass_fd(kept), 4)) ==
                  std::vector<int>{0, 1, 2, kept});
        }
        ::setrlimit(RLIMIT_NOFILE, &before);
    });
}

TEST_CASE("descriptors are passed, swapped and kept, and ours stay as they are", "[spawn_child]") {
    leaves_nothing([] {
        const unique_fd a(::memfd_create("A", MFD_CLOEXEC));
        const unique_fd b(::memfd_create("B", MFD_CLOEXEC));
        for (const unsigned refused :
             {0U, detail::shared_memory_refused, detail::spawn_child::close_range_refused}) {
            const without some(refused);
            const auto what = [](const auto& all, int fd) {
                for (const auto& [number, link] : all) {
                    if (number == fd) return link.substr(0, 8);
                }
                return std::string("closed");
            };
            const auto swapped = open_in(
                command{"sleep", "100"}.pass_fd(a.get(), b.get()).pass_fd(b.get(), a.get()), 5);
            CHECK(what(swapped, a.get()) == "/memfd:B");
            CHECK(what(swapped, b.get()) == "/memfd:A");
            CHECK(swapped.size() == 5);
            const auto kept =
                open_in(command{"sleep", "100"}.pass_fd(a.get()).pass_fd(b.get(), 77), 5);
            CHECK(what(kept, a.get()) == "/memfd:A");
            CHECK(what(kept, 77) == "/memfd:B");
            CHECK(kept.size() == 5);
            CHECK(::fcntl(a.get(), F_GETFD) == FD_CLOEXEC);
            CHECK(::fcntl(b.get(), F_GETFD) == FD_CLOEXEC);
        }
    });
}

TEST_CASE("one descriptor may be several streams, and streams may be swapped", "[spawn_child]") {
    leaves_nothing([] {
        const unique_fd file(::memfd_create("file", MFD_CLOEXEC));
        run(shell("echo out; echo err >&2"),
            {.out = use_fd(file.get()), .err = use_fd(file.get())});
        CHECK(tools::text_of(tools::path_of(file.get())) == "out\nerr\n");
        // Standard output and error for each other.
        subprocess crossed({"sleep", "100"}, {.out = use_fd(2), .err = use_fd(1)});
        const auto theirs = tools::descriptors_of(crossed.pid());
        const auto ours = tools::descriptors_of(::getpid());
        CHECK(theirs[1].second == ours[2].second);
        CHECK(theirs[2].second == ours[1].second);
    });
}

TEST_CASE("a program has the signals of a fresh process, but for those that are ignored",
          "[spawn_child]") {
    const auto end = tools::in_child([] {
        struct sigaction action{};
        action.sa_handler = [](int) {};
        for (const int signal : {SIGTERM, SIGUSR1, SIGCHLD, SIGRTMIN + 1}) {
            ::sigaction(signal, &action, nullptr);
        }
        ::signal(SIGINT, SIG_IGN);
        ::signal(SIGPIPE, SIG_IGN);
        sigset_t all;
        ::sigfillset(&all);
        ::sigprocmask(SIG_BLOCK, &all, nullptr);
        subprocess sleeper({"sleep", "100"});
        return tools::status_line(sleeper.pid(), "SigBlk") + " " +
               tools::status_line(sleeper.pid(), "SigIgn") + " " +
               tools::status_line(sleeper.pid(), "SigCgt");
    });
    CHECK(end.text == "0000000000000000 0000000000000002 0000000000000000");
}

TEST_CASE("starting a program changes nothing about our own signals", "[spawn_child]") {
    sigset_t before, after;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &before);
    run({"true"});
    CHECK_THROWS_AS(run({"/nonexistent"}), spawn_error);
    ::pthread_sigmask(SIG_SETMASK, nullptr, &after);
    for (int signal = 1; signal <= SIGRTMAX; ++signal) {
        CHECK(::sigismember(&before, signal) == ::sigismember(&after, signal));
    }
}
