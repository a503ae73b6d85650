// SPDX-License-Identifier: BSL-1.0
#include <tandem/testing/leak_check.hpp>

#include "support/catch.hpp"

#include <tandem/core/unique_fd.hpp>

#include <csignal>
#include <string>
#include <thread>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

using tandem::testing::leak_check;

TEST_CASE("where nothing changed there is nothing to say", "[leak_check]") {
    const leak_check leaks;
    CHECK(leaks.check() == "");
    CHECK(leaks.check() == "");
}

TEST_CASE("a descriptor that is open is named with what it is", "[leak_check]") {
    const leak_check leaks;
    {
        const auto [a, b] = tandem::detail::make_socketpair(SOCK_STREAM);
        const auto text = leaks.check();
        CHECK(text.find("descriptor " + std::to_string(a.get()) + " socket:[") !=
              std::string::npos);
        CHECK(text.find("descriptor " + std::to_string(b.get()) + " socket:[") !=
              std::string::npos);
    }
    CHECK(leaks.check() == "");
}

TEST_CASE("a descriptor that was there and is something else now counts", "[leak_check]") {
    tandem::unique_fd fd(::memfd_create("before", MFD_CLOEXEC));
    const leak_check leaks;
    const tandem::unique_fd other(::memfd_create("after", MFD_CLOEXEC));
    REQUIRE(::dup2(other.get(), fd.get()) == fd.get());
    const auto text = leaks.check();
    CHECK(text.find("descriptor " + std::to_string(fd.get()) + " /memfd:after") !=
          std::string::npos);
}

TEST_CASE("what was there before and is gone does not count", "[leak_check]") {
    tandem::unique_fd fd(::memfd_create("before", MFD_CLOEXEC));
    const leak_check leaks;
    fd.reset();
    CHECK(leaks.check() == "");
}

TEST_CASE("a process is named, be it the child of a child or a zombie", "[leak_check]") {
    const leak_check leaks;
    auto [ours, theirs] = tandem::detail::make_socketpair(SOCK_STREAM);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        const pid_t grandchild = ::fork();
        if (grandchild == 0) {
            ::pause();
            ::_exit(0);
        }
        static_cast<void>(!::write(theirs.get(), &grandchild, sizeof grandchild));
        ::pause();
        ::_exit(0);
    }
    pid_t grandchild = 0;
    REQUIRE(::read(ours.get(), &grandchild, sizeof grandchild) == sizeof grandchild);
    auto text = leaks.check();
    CHECK(text.find("process " + std::to_string(child)) != std::string::npos);
    CHECK(text.find("process " + std::to_string(grandchild)) != std::string::npos);

    ::kill(grandchild, SIGKILL);
    ::kill(child, SIGKILL);
    siginfo_t info{};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) == 0);
    CHECK(leaks.check().find("process " + std::to_string(child)) != std::string::npos);
    ::waitpid(child, nullptr, 0);
    CHECK(leaks.check().find("process " + std::to_string(child)) == std::string::npos);
}

TEST_CASE("a thread that runs is named", "[leak_check]") {
    auto [ours, theirs] = tandem::detail::make_socketpair(SOCK_STREAM);
    const leak_check leaks;
    std::thread sleeper([&] {
        char byte;
        static_cast<void>(!::read(theirs.get(), &byte, 1));
    });
    const auto text = leaks.check();
    CHECK(text.find("thread ") != std::string::npos);
    CHECK(text.find("descriptor ") == std::string::npos);
    static_cast<void>(!::write(ours.get(), "x", 1));
    sleeper.join();
}

TEST_CASE("a name in /dev/shm that stays is named", "[leak_check]") {
    if (::access("/dev/shm", W_OK) != 0) return;
    const leak_check leaks;
    const std::string name = "/tandem-leak-check-" + std::to_string(::getpid());
    tandem::unique_fd fd(::shm_open(name.c_str(), O_CREAT | O_EXCL | O_RDWR, 0600));
    REQUIRE(fd);
    fd.reset();
    CHECK(leaks.check().find("/dev/shm" + name) != std::string::npos);
    ::shm_unlink(name.c_str());
    CHECK(leaks.check() == "");
}
