// SPDX-License-Identifier: BSL-1.0
// tandem/pool/helper.hpp: the single-threaded process that forks, reaps and outlives workers.        level 3
#pragma once

#include <tandem/core/config.hpp>
#include <tandem/core/unique_fd.hpp>
#include <tandem/pool/worker_loop.hpp>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tandem::detail {

// A pool's request: fork a worker. Descriptors come with it: its socket, its memory, and what shall
// be its stderr if that is not the pool's own.
struct fork_request {
    std::uint64_t worker;            // the pool's name for it
    std::uint64_t memory_limit = 0;  // how many bytes it may map; 0: any number
    std::uint32_t own_stderr = 0;    // whether a third descriptor comes
    std::uint32_t unused = 0;
};

enum class helper_news : std::uint32_t { forked = 1, failed = 2, ended = 3 };

// What the helper tells a pool. With `forked` comes a pidfd.
struct helper_message {
    helper_news news;
    std::int32_t pid;
    std::uint64_t worker;
    std::int32_t status;  // forked: 0, failed: an errno, ended: as waitpid gives it
};

inline constexpr std::size_t most_fds = 3;

// Sends one packet with descriptors. False: the other side is gone, or the system refuses.
inline bool send_packet(int socket, const void* data, std::size_t size,
                        std::span<const unique_fd> fds) noexcept {
    iovec part{const_cast<void*>(data), size};
    alignas(cmsghdr) char control[CMSG_SPACE(most_fds * sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (!fds.empty()) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
        cmsghdr* head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
        for (std::size_t i = 0; i < fds.size(); ++i) {
            const int fd = fds[i].get();
            std::memcpy(CMSG_DATA(head) + i * sizeof fd, &fd, sizeof fd);
        }
    }
    ssize_t n;
    do {
        n = ::sendmsg(socket, &message, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    return n == static_cast<ssize_t>(size);
}

struct packet {
    ssize_t size = 0;  // 0: the other side is gone; -1: nothing there now
    std::vector<unique_fd> fds;
};

// Receives one packet and its descriptors.
inline packet receive_packet(int socket, void* data, std::size_t size, int flags) {
    packet result;
    iovec part{data, size};
    alignas(cmsghdr) char control[CMSG_SPACE(most_fds * sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    do {
        result.size = ::recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
    } while (result.size < 0 && errno == EINTR);
    if (result.size < 0 && errno != EAGAIN && errno != EWOULDBLOCK) result.size = 0;
    if (result.size <= 0) return result;
    for (cmsghdr* head = CMSG_FIRSTHDR(&message); head; head = CMSG_NXTHDR(&message, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
        const auto count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd;
            std::memcpy(&fd, CMSG_DATA(head) + i * sizeof fd, sizeof fd);
            result.fds.emplace_back(fd);
        }
    }
    return result;
}

// Closes every descriptor above stderr but the two given.
inline void close_others(int keep1, int keep2 = -1) noexcept {
    auto first = 3u;
    auto low = static_cast<unsigned>(std::min(keep1, keep2));
    auto high = static_cast<unsigned>(std::max(keep1, keep2));
    if (keep1 < 0 || keep2 < 0) low = high;
    for (const auto kept : {low, high}) {
        if (kept > first) ::close_range(first, kept - 1, 0);
        first = std::max(first, kept + 1);
    }
    ::close_range(first, ~0u, 0);
}

// The helper's whole life. It never returns: the process is a copy of the program, which must not
// go on twice.
class helper {
   public:
    helper(unique_fd control, pid_t owner) noexcept : control_(std::move(control)), owner_(owner) {}

    [[noreturn]] void serve() noexcept {
        settle();
        while (turn()) {
        }
        for (const auto& one : workers_) end_group(one.pid);
        ::_exit(0);
    }

   private:
    struct session {
        unique_fd socket;
        bool gone = false;
    };
    struct child {
        pid_t pid;
        std::uint64_t name;
        int session;  // the socket of the pool it belongs to
    };

    // Makes this process independent of what its parent was doing.
    void settle() noexcept {
        ::setpgid(0, 0);  // Ctrl-C is the parent's to handle
        ::prctl(PR_SET_NAME, "tandem-helper");
        ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // children of workers that die are ours to reap
        for (int number = 1; number < NSIG; ++number) {
            struct sigaction action{};
            if (::sigaction(number, nullptr, &action) == 0 && action.sa_handler != SIG_IGN &&
                action.sa_handler != SIG_DFL) {
                action = {};
                action.sa_handler = SIG_DFL;
                ::sigaction(number, &action, nullptr);
            }
        }
        sigset_t children;
        sigemptyset(&children);
        sigaddset(&children, SIGCHLD);
        struct sigaction reset{};
        reset.sa_handler = SIG_DFL;
        ::sigaction(SIGCHLD, &reset, nullptr);
        ::sigprocmask(SIG_BLOCK, &children, nullptr);
        if (const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC); null >= 0) {
            ::dup2(null, 0);
            // Closed ones too, or what a worker gets would be its stdout or stderr.
            for (const int fd : {1, 2}) {
                if (::fcntl(fd, F_GETFD) < 0) ::dup2(null, fd);
            }
            if (null > 2) ::close(null);
        }
        close_others(control_.get());
        parent_ = unique_fd(static_cast<int>(::syscall(SYS_pidfd_open, owner_, 0)));
        children_ = unique_fd(::signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK));
        if (::getppid() != owner_) ::_exit(0);  // it died before we could watch it
    }

    // Waits for something to do and does it. False: the parent is gone.
    bool turn() noexcept {
        std::vector<pollfd> events{
            {control_.get(), POLLIN, 0}, {parent_.get(), POLLIN, 0}, {children_.get(), POLLIN, 0}};
        for (const auto& one : sessions_) events.push_back({one.socket.get(), POLLIN, 0});
        if (::poll(events.data(), events.size(), -1) < 0) return errno == EINTR;
        if (events[1].revents) return false;
        if (events[2].revents) reap();
        for (std::size_t i = 3; i < events.size(); ++i) {
            if (events[i].revents) serve_session(sessions_[i - 3]);
        }
        std::erase_if(sessions_, [](const session& one) { return one.gone; });
        return !events[0].revents || accept_session();
    }

    bool accept_session() noexcept {
        char hello;
        auto received = receive_packet(control_.get(), &hello, sizeof hello, 0);
        if (received.size == 0) return false;
        if (received.fds.size() == 1) sessions_.push_back({std::move(received.fds[0])});
        return true;
    }

    void serve_session(session& from) noexcept {
        fork_request request;
        auto received = receive_packet(from.socket.get(), &request, sizeof request, MSG_DONTWAIT);
        if (received.size < 0) return;
        if (received.size == 0) {
            for (auto& one : workers_) {
                if (one.session != from.socket.get()) continue;
                end_group(one.pid);
                one.session = -1;
            }
            from.gone = true;
            return;
        }
        if (received.size != sizeof request) return;
        if (received.fds.size() !=
            (request.own_stderr ? 3u : 2u)) {  // there was no room for them here
            const helper_message message{helper_news::failed, -1, request.worker, EMFILE};
            send_packet(from.socket.get(), &message, sizeof message, {});
            return;
        }
        fork_worker(from, request, std::move(received.fds));
    }

    void fork_worker(session& from, const fork_request& request,
                     std::vector<unique_fd> fds) noexcept {
        const auto pid = ::fork();
        if (pid == 0) become_worker(std::move(fds), request.memory_limit);
        const int error = errno;
        helper_message message{helper_news::forked, pid, request.worker, 0};
        unique_fd pidfd;
        if (pid > 0) {
            ::setpgid(pid, pid);  // here and there: whoever needs it first
            workers_.push_back({pid, request.worker, from.socket.get()});
            pidfd = unique_fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
        }
        if (!pidfd) {
            message.news = helper_news::failed;
            message.status = pid > 0 ? errno : error;
            if (pid > 0) {
                workers_.back().session = -1;
                end_group(pid);
            }
            send_packet(from.socket.get(), &message, sizeof message, {});
            return;
        }
        send_packet(from.socket.get(), &message, sizeof message, {&pidfd, 1});
    }

    [[noreturn]] static void become_worker(std::vector<unique_fd> fds,
                                           std::uint64_t memory_limit) noexcept {
        ::setpgid(0, 0);
        ::prctl(PR_SET_NAME, "tandem-worker");
        const auto helper_pid = ::getppid();
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != helper_pid) ::_exit(1);
        if (fds.size() > 2) ::dup2(fds[2].get(), 2);
        close_others(fds[0].get(), fds[1].get());
        sigset_t none;
        sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
        // A handler, not SIG_IGN: what a task executes gets the default back.
        struct sigaction interrupt{};
        interrupt.sa_handler = [](int) {};
        interrupt.sa_flags = SA_RESTART;
        ::sigaction(SIGINT, &interrupt, nullptr);
        run_worker(std::move(fds[0]), std::move(fds[1]), memory_limit);
    }

    // Everything of a worker's group: what a task started and did not wait for dies with it.
    static void end_group(pid_t leader) noexcept {
        ::kill(-leader, SIGKILL);
        ::kill(leader, SIGKILL);
    }

    void reap() noexcept {
        signalfd_siginfo discard;
        while (::read(children_.get(), &discard, sizeof discard) > 0) {
        }
        for (;;) {
            siginfo_t info{};
            if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) {
                return;
            }
            const auto it = std::ranges::find(workers_, info.si_pid, &child::pid);
            // While the leader is a zombie its group cannot be anybody else's.
            if (it != workers_.end()) ::kill(-info.si_pid, SIGKILL);
            int status = 0;
            ::waitpid(info.si_pid, &status, 0);
            if (it == workers_.end()) continue;
            const helper_message message{helper_news::ended, it->pid, it->name, status};
            if (it->session >= 0) send_packet(it->session, &message, sizeof message, {});
            workers_.erase(it);
        }
    }

    unique_fd control_;
    const pid_t owner_;
    unique_fd parent_;    // readable when the owner has ended
    unique_fd children_;  // readable when a child has ended
    std::vector<session> sessions_;
    std::vector<child> workers_;
};

}  // namespace tandem::detail
