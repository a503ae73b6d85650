// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/process_pool.hpp>

#include "pool/tasks.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>

#include <sys/mman.h>
#include <unistd.h>

using namespace tandem;
using namespace std::chrono_literals;
using namespace tasks;
using tools::leaves_nothing;

// Where it runs.

TEST_CASE("what a task prints appears before its result is seen, and once", "[process_pool]") {
    leaves_nothing([] {
        tandem::unique_fd file(::memfd_create("output", MFD_CLOEXEC));
        const std::string path = tools::path_of(file.get());
        const auto text = [&] {
            std::string all(4096, '\0');
            const auto n = ::pread(file.get(), all.data(), all.size(), 0);
            all.resize(static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
            return all;
        };
        std::printf("%s", "");  // the owner's own buffer is its own
        process_pool pool(1);
        // The standard output of a worker is the owner's; here it is sent elsewhere, to be seen.
        pool.apply(
            [](const std::string& to) {
                std::fflush(stdout);
                const unique_fd fd(::open(to.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
                ::dup2(fd.get(), 1);
            },
            path);
        pool.apply([] { std::printf("first\n"); });
        CHECK(text() == "first\n");
        CHECK_THROWS_AS(pool.apply([] {
            std::printf("second\n");
            fail("on purpose");
        }),
                        std::runtime_error);
        CHECK(text() == "first\nsecond\n");
        pool.close();
        pool.join();
        CHECK(text() == "first\nsecond\n");
    });
}

TEST_CASE("what the owner had buffered is not printed again by workers that exit",
          "[process_pool]") {
    const auto end = tools::in_child([] {
        tandem::unique_fd file(::memfd_create("output", MFD_CLOEXEC));
        ::dup2(file.get(), 1);
        std::printf("once\n");
        {
            process_pool pool(2);
            for (int i = 0; i < 4; ++i) {
                try {
                    pool.apply([] { std::quick_exit(0); });
                } catch (const worker_died&) {
                }
                try {
                    pool.apply([] { std::fflush(nullptr), ::_exit(0); });
                } catch (const worker_died&) {
                }
            }
        }
        std::fflush(stdout);
        std::string all(4096, '\0');
        all.resize(static_cast<std::size_t>(::pread(file.get(), all.data(), all.size(), 0)));
        return all;
    });
    CHECK(end.text == "once\n");
}

TEST_CASE("a worker reads nothing from stdin", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(1);
        CHECK(pool.apply([] { return std::getchar(); }) == EOF);
        CHECK(pool.apply([] {
            return std::filesystem::read_symlink("/proc/self/fd/0").string();
        }) == "/dev/null");
    });
}

TEST_CASE("a worker is in a process group of its own and ignores Ctrl-C", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        const auto groups =
            pool.map([](int) { return std::pair<int, int>(::getpid(), ::getpgrp()); },
                     first_numbers(4), {.chunk_size = 1});
        for (const auto& [pid, group] : groups) {
            CHECK(pid == group);
            CHECK(group != ::getpgrp());
        }
        const auto pid = pool.apply([] {
            ::raise(SIGINT);
            return ::getpid();
        });
        CHECK(tools::exists(pid));
    });
}

TEST_CASE("a worker has default signals and an empty mask, whatever the owner has",
          "[process_pool]") {
    const auto end = tools::in_child([] {
        sigset_t mask;
        ::sigfillset(&mask);
        ::sigprocmask(SIG_BLOCK, &mask, nullptr);
        struct sigaction handler{};
        handler.sa_handler = [](int) {};
        ::sigaction(SIGTERM, &handler, nullptr);
        ::signal(SIGCHLD, SIG_IGN);
        process_pool pool(1);
        return pool.apply([] {
            sigset_t now;
            ::sigprocmask(SIG_SETMASK, nullptr, &now);
            for (int i = 1; i < NSIG; ++i) {
                if (::sigismember(&now, i) == 1) return std::string("blocked ") + std::to_string(i);
            }
            struct sigaction term{};
            ::sigaction(SIGTERM, nullptr, &term);
            struct sigaction child{};
            ::sigaction(SIGCHLD, nullptr, &child);
            return std::string(
                term.sa_handler == SIG_DFL && child.sa_handler == SIG_DFL ? "default" : "changed");
        });
    });
    CHECK(end.text == "default");
}

TEST_CASE("a worker has only its own descriptors", "[process_pool]") {
    leaves_nothing([] {
        const unique_fd mine(::memfd_create("not close-on-exec", 0));
        process_pool pool(2);
        const auto open = pool.apply([] {
            std::string names;
            for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
                std::error_code ignored;
                const auto target = std::filesystem::read_symlink(entry.path(), ignored).string();
                if (entry.path().filename().string().size() == 1 &&
                    entry.path().filename().string() <= "2") {
                    continue;
                }
                if (target.find("/proc/") == 0) continue;  // the listing itself
                names += target.substr(0, target.find(':')) + " ";
            }
            return names;
        });
        // Its socket and its memory, in some order.
        INFO(open);
        CHECK(std::ranges::count(open, ' ') <= 2);
        CHECK(open.find("not close-on-exec") == std::string::npos);
    });
}

TEST_CASE("a pool inside a task is refused with the reason", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(1);
        auto nested = pool.submit([] { process_pool inner(1); });
        REQUIRE(nested.wait_for(20s));
        try {
            nested.get();
            FAIL("a pool inside a worker");
        } catch (const invalid_state& e) {
            CHECK(std::string(e.what()).find("task of a process_pool") != std::string::npos);
        }
        CHECK(pool.apply(twice, 2) == 4);
    });
}
