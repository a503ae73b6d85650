// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/helper.hpp>

#include "pool/tools.hpp"

#include <tandem/ipc/shared_region.hpp>
#include <tandem/pool/launch.hpp>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <set>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace tandem::detail;
using tandem::unique_fd;

namespace {

// A pool reduced to its talk with the helper.
struct session {
    unique_fd socket = fork_server::get()->open_session();
    unique_fd channel;  // of the worker that was asked for last

    void request(std::uint64_t name) {
        auto [ours, theirs] = make_socketpair(SOCK_STREAM);
        channel = std::move(ours);
        const auto region = shared_region::create(sizeof(channel_memory));
        unique_fd fds[] = {std::move(theirs), unique_fd(::fcntl(region.fd(), F_DUPFD_CLOEXEC, 3))};
        const fork_request message{name};
        REQUIRE(send_packet(socket.get(), &message, sizeof message, fds));
    }
    std::pair<helper_message, packet> hear() {
        helper_message message{};
        auto received = receive_packet(socket.get(), &message, sizeof message, 0);
        REQUIRE(received.size == sizeof message);
        return {message, std::move(received)};
    }
};

}  // namespace

TEST_CASE("a packet brings its bytes and its descriptors, closed on exec", "[helper]") {
    auto [a, b] = make_socketpair(SOCK_SEQPACKET);
    int pipe_ends[2];
    REQUIRE(::pipe2(pipe_ends, 0) == 0);
    const unique_fd fds[] = {unique_fd(pipe_ends[0]), unique_fd(pipe_ends[1])};
    const std::uint64_t sent = 77;
    REQUIRE(send_packet(a.get(), &sent, sizeof sent, fds));
    std::uint64_t got = 0;
    const auto received = receive_packet(b.get(), &got, sizeof got, 0);
    CHECK(received.size == sizeof got);
    CHECK(got == 77);
    REQUIRE(received.fds.size() == 2);
    for (const auto& fd : received.fds) CHECK((::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
    REQUIRE(::write(received.fds[1].get(), "x", 1) == 1);
    char byte = 0;
    CHECK(::read(pipe_ends[0], &byte, 1) == 1);
    CHECK(byte == 'x');
}

TEST_CASE("no packet now, no packet ever, and no receiver are three things", "[helper]") {
    auto [a, b] = make_socketpair(SOCK_SEQPACKET);
    char byte;
    CHECK(receive_packet(b.get(), &byte, 1, MSG_DONTWAIT).size == -1);
    a.reset();
    CHECK(receive_packet(b.get(), &byte, 1, MSG_DONTWAIT).size == 0);
    CHECK_FALSE(send_packet(b.get(), &byte, 1, {}));
}

TEST_CASE("close_others leaves what it is told, in any order", "[helper]") {
    for (const bool swapped : {false, true}) {
        const auto end = tools::in_child([swapped] {
            const unique_fd low(::dup(0));
            for (int i = 0; i < 5; ++i) static_cast<void>(!::dup(0));
            const unique_fd high(::dup(0));
            for (int i = 0; i < 5; ++i) static_cast<void>(!::dup(0));
            int out = ::dup(2);
            // The pipe to the parent goes too: the answer is the exit status.
            swapped ? close_others(high.get(), low.get()) : close_others(low.get(), high.get());
            int open = 0;
            for (int fd = 3; fd < 200; ++fd) open += ::fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
            const bool right = open == 2 && ::fcntl(low.get(), F_GETFD) >= 0 &&
                               ::fcntl(high.get(), F_GETFD) >= 0 && ::fcntl(out, F_GETFD) < 0;
            ::_exit(right ? 5 : 6);
            return std::string();
        });
        REQUIRE(WIFEXITED(end.status));
        CHECK(WEXITSTATUS(end.status) == 5);
    }
}

TEST_CASE("the helper forks a worker on request, says so with a pidfd, and tells its end",
          "[helper]") {
    tools::leaves_nothing([] {
        session s;
        s.request(41);
        const auto [forked, packet] = s.hear();
        CHECK(forked.news == helper_news::forked);
        CHECK(forked.worker == 41);
        CHECK(packet.fds.size() == 1);
        CHECK(tools::exists(forked.pid));
        CHECK(::getpgid(forked.pid) == forked.pid);

        tools::kill_one(forked.pid, SIGUSR1);
        const auto [ended, nothing] = s.hear();
        CHECK(ended.news == helper_news::ended);
        CHECK(ended.worker == 41);
        CHECK(ended.pid == forked.pid);
        CHECK(WIFSIGNALED(ended.status));
        CHECK(WTERMSIG(ended.status) == SIGUSR1);
        CHECK(nothing.fds.empty());
        CHECK_FALSE(tools::exists(forked.pid));  // reaped before it is told
        pollfd gone{packet.fds[0].get(), POLLIN, 0};
        CHECK(::poll(&gone, 1, 0) == 1);
    });
}

TEST_CASE("a worker whose channel closes exits with success", "[helper]") {
    tools::leaves_nothing([] {
        session s;
        s.request(1);
        CHECK(s.hear().first.news == helper_news::forked);
        s.channel.reset();
        const auto ended = s.hear().first;
        CHECK(ended.news == helper_news::ended);
        CHECK(WIFEXITED(ended.status));
        CHECK(WEXITSTATUS(ended.status) == 0);
    });
}

TEST_CASE("the workers of a session end with it, those of others do not", "[helper]") {
    tools::leaves_nothing([] {
        session stays;
        stays.request(1);
        const int survivor = stays.hear().first.pid;
        int victim = 0;
        {
            session goes;
            goes.request(1);
            victim = goes.hear().first.pid;
            tools::kill_one(victim, SIGSTOP);
        }
        CHECK(tools::eventually([&] { return !tools::exists(victim); }));
        CHECK(tools::exists(survivor));
    });
}

TEST_CASE("requests that make no sense do no harm", "[helper]") {
    tools::leaves_nothing([] {
        session s;
        CHECK(send_packet(s.socket.get(), "noise", 3, {}));
        const fork_request without{7};
        CHECK(send_packet(s.socket.get(), &without, sizeof without, {}));
        const auto refused = s.hear().first;
        CHECK(refused.news == helper_news::failed);
        CHECK(refused.worker == 7);
        CHECK(refused.status == EMFILE);
        s.request(8);
        CHECK(s.hear().first.news == helper_news::forked);
    });
}
