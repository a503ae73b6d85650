// SPDX-License-Identifier: BSL-1.0
// tandem/subprocess/child_process.hpp: one child: its end, and signals that hit nobody else.        level 1
#pragma once

#include <tandem/core/config.hpp>
#include <tandem/core/deadline.hpp>
#include <tandem/core/unique_fd.hpp>
#include <tandem/subprocess/exit_status.hpp>
#include <tandem/subprocess/keeper.hpp>
#include <tandem/subprocess/poll.hpp>
#include <tandem/subprocess/spawn.hpp>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tandem {

/// What a program used up. Python: os.wait4.
struct resource_usage {
    std::chrono::microseconds user_time{0};
    std::chrono::microseconds system_time{0};
    std::size_t max_memory = 0;  // bytes that were resident at once

    /// For several programs: the times together, and the largest memory.
    resource_usage& operator+=(const resource_usage& other) noexcept {
        user_time += other.user_time;
        system_time += other.system_time;
        max_memory = max_memory > other.max_memory ? max_memory : other.max_memory;
        return *this;
    }
};

namespace detail {

// A child from its start to the moment it is reaped. It ends, is seen to have ended, and is reaped:
// until then its number is nobody else's, so a signal can hit only it.
// Thread safety: every member may be called concurrently.
class child_process {
   public:
    // Starts it. Throws: spawn_error, std::system_error.
    child_process(const command_parts& command, const child_streams& streams, bool own_group)
        : leads_group_(own_group || command.new_session || command.process_group == 0) {
        spawn_plan plan(command, streams, own_group);
        if (command.die_with_parent) {
            keeper_ = std::make_unique<keeper>([&] { started_ = spawn(plan); });
        } else {
            started_ = spawn(plan);
        }
        if (!started_.pidfd) watch();
    }
    child_process(const child_process&) = delete;
    child_process& operator=(const child_process&) = delete;
    // Requires: it was reaped, or is given to orphans. Throws nothing.
    ~child_process() = default;

    pid_t pid() const noexcept { return started_.pid; }
    int pidfd() const noexcept { return started_.pidfd.get(); }
    // Readable once the child has ended.
    int exit_fd() const noexcept { return started_.pidfd ? pidfd() : watcher_->fd(); }
    // Whether its group has its number.
    bool leads_group() const noexcept { return leads_group_; }

    // Whether it has ended. Leaves it unreaped, so that its group keeps its number.
    bool ended() {
        const std::lock_guard hold(mutex_);
        return look(WNOWAIT);
    }
    // How it ended, if it has; reaps it.
    std::optional<exit_status> poll() {
        const std::lock_guard hold(mutex_);
        if (!look(0)) return std::nullopt;
        return status_;
    }
    // The same, waiting for its end. Throws: io_error.
    std::optional<exit_status> wait(deadline until) {
        if (auto status = poll()) return status;
        if (!poll_one(exit_fd(), POLLIN, until)) return std::nullopt;
        return poll();
    }
    resource_usage usage() const {
        const std::lock_guard hold(mutex_);
        return usage_;
    }

    // Sends a signal. Returns: false if it has ended already, or may not be sent one.
    bool signal(int number) {
        const std::lock_guard hold(mutex_);
        if (look(WNOWAIT)) return false;
        if (started_.pidfd) {
            const long rc = ::syscall(SYS_pidfd_send_signal, pidfd(), number, nullptr, 0);
            if (rc == 0) return true;
            if (!is_refusal(errno)) return false;
        }
        return ::kill(pid(), number) == 0;
    }
    // Sends a signal to its group, which may have others in it when it has ended itself.
    bool signal_group(int number) {
        const std::lock_guard hold(mutex_);
        return !reaped_ && leads_group_ && pid() > 1 && ::kill(-pid(), number) == 0;
    }
    bool is_reaped() const {
        const std::lock_guard hold(mutex_);
        return reaped_;
    }

   private:
    // Says when it has ended where there are no pidfds: a thread that waits for it, and leaves the
    // reaping to us.
    class exit_watcher {
       public:
        explicit exit_watcher(pid_t pid)
            : fd_(make_eventfd()), thread_([this, pid] { watch(pid); }) {}
        exit_watcher(const exit_watcher&) = delete;
        exit_watcher& operator=(const exit_watcher&) = delete;
        ~exit_watcher() { thread_.join(); }
        int fd() const noexcept { return fd_.get(); }

       private:
        void watch(pid_t pid) noexcept {
            siginfo_t info;
            retry_interrupted([&]() noexcept {
                return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT);
            });
            ::eventfd_write(fd_.get(), 1);
        }
        unique_fd fd_;
        std::thread thread_;
    };

    void watch() {
        try {
            watcher_ = std::make_unique<exit_watcher>(pid());
        } catch (...) {
            ::kill(pid(), SIGKILL);
            siginfo_t info;
            retry_interrupted([&]() noexcept {
                return ::waitid(P_PID, static_cast<id_t>(pid()), &info, WEXITED);
            });
            throw;
        }
    }

    // Whether it has ended; reaps it unless told WNOWAIT. Requires: the mutex.
    bool look(int wnowait) noexcept {
        if (reaped_) return true;
        const int kept = errno;
        siginfo_t info{};
        rusage used{};
        const int flags = WEXITED | WNOHANG | wnowait;
        constexpr int by_pidfd = 3;  // P_PIDFD, which older headers lack
        const auto ask = [&](int by, int what) noexcept {
            return retry_interrupted(
                [&]() noexcept { return ::syscall(SYS_waitid, by, what, &info, flags, &used); });
        };
        // By its number only where there is nothing better: if somebody else has reaped it, that
        // may be another child's by now.
        long rc = started_.pidfd ? ask(by_pidfd, pidfd()) : ask(P_PID, pid());
        if (rc < 0 && started_.pidfd && is_refusal(errno)) rc = ask(P_PID, pid());
        errno = kept;
        if (rc == 0 && info.si_pid == 0) return false;
        if (rc == 0 && wnowait) return true;
        if (rc == 0) {
            status_ = status_from(info);
            usage_ = {in_microseconds(used.ru_utime), in_microseconds(used.ru_stime),
                      static_cast<std::size_t>(used.ru_maxrss) * 1024};
        }
        reaped_ = true;  // by us now; or by somebody else, and then the status is unknown
        keeper_.reset();
        return true;
    }
    static std::chrono::microseconds in_microseconds(const timeval& t) noexcept {
        return std::chrono::seconds(t.tv_sec) + std::chrono::microseconds(t.tv_usec);
    }

    const bool leads_group_;
    started_process started_;
    std::unique_ptr<keeper> keeper_;
    std::unique_ptr<exit_watcher> watcher_;
    mutable std::mutex mutex_;  // guards the rest
    bool reaped_ = false;
    exit_status status_;
    resource_usage usage_;
};

}  // namespace detail
}  // namespace tandem
