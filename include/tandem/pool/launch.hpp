// SPDX-License-Identifier: BSL-1.0
// tandem/pool/launch.hpp: the helper process that forks workers, and how a pool asks it to.        level 3
#pragma once

#include <tandem/core/error.hpp>
#include <tandem/core/unique_fd.hpp>
#include <tandem/ipc/shared_region.hpp>
#include <tandem/pool/helper.hpp>
#include <tandem/pool/process_pool_options.hpp>

#include <atomic>
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
#include <spawn.h>
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
    // The helper for a start method. Throws: invalid_state if there can be none; io_error.
    static std::shared_ptr<fork_server> get(start_method method = start_method::forkserver) {
        // First: a worker was forked while the mutex below was held.
        if (inside_worker()) {
            throw invalid_state(
                "process_pool: a task of a process_pool cannot have a process_pool of its own; "
                "use a thread_pool there, or submit more tasks to the first pool");
        }
        if (method == start_method::spawn) return std::make_shared<fork_server>(spawned());
        if (method == start_method::forkserver) return get_shared();
        if (has_threads()) {
            throw invalid_state(
                "process_pool: start_method::fork copies this process, which has several threads, "
                "and their locks with it; use start_method::forkserver or spawn");
        }
        return std::make_shared<fork_server>();
    }

   private:
    static bool has_threads() { return thread_count() > 1 + (TANDEM_TSAN ? 1 : 0); }

    // The helper that there is, or a new one if the process has one thread.
    static std::shared_ptr<fork_server> get_shared() {
        auto& place = registered();
        std::lock_guard hold(place.mutex);
        bool was_killed = false;
        if (auto running = place.current.lock(); running && running->usable()) {
            if (running->alive()) return running;
            was_killed = true;
        }
        if (has_threads()) {
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

   public:
    // Starts the helper now and keeps it: what worker_main does.
    static void start_early() {
        auto started = get_shared();
        auto& place = registered();
        std::lock_guard hold(place.mutex);
        place.kept = std::move(started);
    }

    // What a program that was started afresh as a helper finds as its first argument.
    static constexpr const char* argument = "--tandem-helper=";

    // The name of the program; null until worker_main was called, which could serve as a helper.
    static std::atomic<const char*>& program() noexcept {
        static std::atomic<const char*> name{nullptr};
        return name;
    }
    // Becomes the helper if that is what this process was started for.
    static void serve_if_spawned(int argc, char** argv) noexcept {
        int control = -1;
        int owner = -1;
        if (argc != 2 || std::strncmp(argv[1], argument, std::strlen(argument)) != 0 ||
            std::sscanf(argv[1] + std::strlen(argument), "%d,%d", &control, &owner) != 2) {
            return;
        }
        helper(unique_fd(control), owner).serve();
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
    // Starts the program afresh as the helper. Throws: invalid_state, io_error.
    struct spawned {};
    explicit fork_server(spawned) {
        const char* const name = program().load(std::memory_order_acquire);
        if (!name) {
            throw invalid_state(
                "process_pool: start_method::spawn starts the program again, so that its main() "
                "must begin with the line `tandem::worker_main(argc, argv);`");
        }
        auto [ours, theirs] = make_socketpair(SOCK_SEQPACKET);
        const std::string what =
            argument + std::to_string(theirs.get()) + "," + std::to_string(owner_);
        char* const argv[] = {const_cast<char*>(name), const_cast<char*>(what.c_str()), nullptr};
        ::posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        // To its own number: it stays open there.
        ::posix_spawn_file_actions_adddup2(&actions, theirs.get(), theirs.get());
        const int error =
            ::posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr, argv, ::environ);
        ::posix_spawn_file_actions_destroy(&actions);
        if (error != 0) throw_io_error("cannot start the program as a helper", error);
        control_ = std::move(ours);
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
