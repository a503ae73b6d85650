// SPDX-License-Identifier: BSL-1.0
// tandem/pool/launch.hpp: the helper process that forks workers, and how a pool asks it to.        level 3
#pragma once

#include <tandem/core/error.hpp>
#include <tandem/core/unique_fd.hpp>
#include <tandem/ipc/shared_region.hpp>
#include <tandem/pool/helper.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include <dirent.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tandem::detail {

// Whether a thread of this process runs no code of ours any more. One that was joined is listed by
// the kernel for another moment.
inline bool is_exiting(const char* thread) {
    constexpr unsigned exiting = 4;  // PF_EXITING, set before a join can return
    const std::string path = std::string("/proc/self/task/") + thread + "/stat";
    std::FILE* stat = std::fopen(path.c_str(), "re");
    if (!stat) return true;
    char text[512] = {};
    static_cast<void>(!std::fread(text, 1, sizeof text - 1, stat));
    std::fclose(stat);
    const char* after_name = std::strrchr(text, ')');
    unsigned flags = 0;
    return !after_name || std::sscanf(after_name, ") %*c %*d %*d %*d %*d %*d %u", &flags) != 1 ||
           (flags & exiting) != 0;
}
// How many threads this process has, as the kernel says; 0 if it does not say.
inline int thread_count() {
    const std::unique_ptr<DIR, int (*)(DIR*)> tasks(::opendir("/proc/self/task"), &::closedir);
    int threads = 0;
    while (const auto* entry = tasks ? ::readdir(tasks.get()) : nullptr) {
        if (entry->d_name[0] != '.' && !is_exiting(entry->d_name)) ++threads;
    }
    return threads;
}

// The process's connection to its helper: a process with one thread that forks workers on request,
// so that no worker is ever forked from a process with threads.
//
// Life: started by worker_main and kept to the end of the process, or started by the first pool
// while the process has one thread, and gone with the last pool. It also ends with its parent. One
// that was inherited through fork() belongs to the other process and is not used.
class fork_server {
   public:
    // The helper that there is, or a new one if the process has one thread. Throws: invalid_state
    // if there is none and none may be forked; io_error.
    static std::shared_ptr<fork_server> get() {
        // First: a worker was forked while the mutex below was held.
        if (inside_worker()) {
            throw invalid_state(
                "process_pool: a task of a process_pool cannot have a process_pool of its own; "
                "use a thread_pool there, or submit more tasks to the first pool");
        }
        auto& place = registered();
        std::lock_guard hold(place.mutex);
        bool was_killed = false;
        if (auto running = place.current.lock(); running && running->usable()) {
            if (running->alive()) return running;
            was_killed = true;
        }
        if (thread_count() > 1 + (TANDEM_TSAN ? 1 : 0)) {
            if (was_killed) {
                throw broken_pool(
                    "process_pool: the helper process was killed, and this process has several "
                    "threads and cannot fork another safely");
            }
            throw invalid_state(
                "process_pool: this process has several threads and cannot fork safely; add the "
                "line `tandem::worker_main(argc, argv);` at the start of main(), or make the first "
                "pool before the first thread");
        }
        auto started = std::make_shared<fork_server>();
        place.current = started;
        if (was_killed && place.kept) place.kept = started;
        return started;
    }
    // Starts the helper now and keeps it: what worker_main does.
    static void start_early() {
        auto started = get();
        auto& place = registered();
        std::lock_guard hold(place.mutex);
        place.kept = std::move(started);
    }

    // Forks the helper. Requires: one thread. Throws: io_error.
    fork_server() {
        auto [ours, theirs] = make_socketpair(SOCK_SEQPACKET);
        std::fflush(nullptr);  // what is buffered must not be written again by each worker
        const auto pid = ::fork();
        if (pid < 0) throw_io_error("cannot fork the helper of a process_pool", errno);
        if (pid == 0) {
            ours.reset();
            helper(std::move(theirs), owner_).serve();
        }
        control_ = std::move(ours);
        pid_ = pid;
    }
    fork_server(const fork_server&) = delete;
    fork_server& operator=(const fork_server&) = delete;
    ~fork_server() {
        if (!usable()) return;
        // Not only closed: a fork of this process may hold it open.
        ::shutdown(control_.get(), SHUT_RDWR);
        nudge();
        while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
        }
    }

    bool usable() const noexcept { return owner_ == ::getpid(); }
    // Whether the helper still listens. It does not if somebody killed it.
    bool alive() const noexcept {
        char byte;
        const auto n = ::recv(control_.get(), &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT);
        return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
    }
    // Makes the helper go on if it was stopped.
    void nudge() const noexcept { ::kill(pid_, SIGCONT); }

    // A private connection to the helper, for one pool. Throws: io_error, broken_pool.
    unique_fd open_session() {
        auto [ours, theirs] = make_socketpair(SOCK_SEQPACKET);
        const char hello = 0;
        std::lock_guard hold(mutex_);
        if (!send_packet(control_.get(), &hello, sizeof hello, {&theirs, 1})) {
            throw broken_pool("process_pool: the helper process is gone");
        }
        return std::move(ours);
    }

   private:
    struct place {
        std::mutex mutex;  // guards the rest
        std::weak_ptr<fork_server> current;
        std::shared_ptr<fork_server> kept;
    };
    static place& registered() {
        static place instance;
        return instance;
    }

    const pid_t owner_ = ::getpid();
    std::mutex mutex_;  // one request at a time
    unique_fd control_;
    pid_t pid_ = -1;
};

}  // namespace tandem::detail
