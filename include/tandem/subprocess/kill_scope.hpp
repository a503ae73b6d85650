// SPDX-License-Identifier: BSL-1.0
// tandem/subprocess/kill_scope.hpp: who is killed with a program: its group, or all that it started.        level 1
#pragma once

#include <tandem/core/config.hpp>
#include <tandem/core/deadline.hpp>
#include <tandem/core/unique_fd.hpp>
#include <tandem/subprocess/child_process.hpp>
#include <tandem/subprocess/poll.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <dirent.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace tandem {

/// Who gets the signals that are sent to a program, or kill it.
enum class kill_scope {
    child,  ///< the program itself (each stage of a pipeline)
    group,  ///< its process group, which is a new one then: what it started, unless that left
    tree    ///< its group, all its descendants, and their sessions
};

namespace detail {

// A line of the list of all processes.
struct listed_process {
    pid_t pid = 0, parent = 0, group = 0, session = 0;
    char state = 'X';
    unsigned long long started = 0;  // with the pid, this is nobody else
};

inline bool read_process(const char* pid, listed_process& into) {
    const std::string path = std::string("/proc/") + pid + "/stat";
    const unique_fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    char text[1024];
    const auto bytes = file ? read_some(file.get(), std::as_writable_bytes(std::span(text))) : -1;
    if (bytes <= 0) return false;
    const std::string_view line(text, static_cast<std::size_t>(bytes));
    const auto name_end = line.rfind(')');  // a name may hold anything
    if (name_end == line.npos) return false;
    into.pid = std::atoi(pid);
    return std::sscanf(std::string(line.substr(name_end + 1)).c_str(),
                       " %c %d %d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d "
                       "%llu",
                       &into.state, &into.parent, &into.group, &into.session, &into.started) == 5;
}

inline std::vector<listed_process> list_processes() {
    std::vector<listed_process> all;
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc"), &::closedir);
    while (const auto* entry = folder ? ::readdir(folder.get()) : nullptr) {
        listed_process one;
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
            read_process(entry->d_name, one)) {
            all.push_back(one);
        }
    }
    return all;
}

// What a child started, as far as its scope goes: found in the list of all processes, and held by
// pidfds, so that a signal hits nobody who got the number of one that ended.
class descendants {
   public:
    descendants(child_process& root, kill_scope scope) : root_(root), scope_(scope) {}

    // Looks for more of them. Returns: whether there were any.
    bool look() {
        const auto all = list_processes();
        const std::size_t before = found_.size();
        for (bool more = true; more;) {
            more = false;
            for (const auto& one : all) more = (belongs(one) && add(one)) || more;
        }
        return found_.size() != before;
    }
    void signal(int number) const {
        for (const auto& one : found_) {
            ::syscall(SYS_pidfd_send_signal, one.pidfd.get(), number, nullptr, 0);
        }
    }
    // Waits for their ends, which come soon after SIGKILL.
    void wait(deadline until) const {
        for (const auto& one : found_) {
            if (!poll_one(one.pidfd.get(), POLLIN, until)) return;
        }
    }

   private:
    struct found {
        listed_process what;
        unique_fd pidfd;
    };

    bool belongs(const listed_process& one) const {
        if (one.pid == root_.pid() || one.pid == ::getpid() || one.state == 'Z') return false;
        if (root_.leads_group() && one.group == root_.pid()) return true;
        if (scope_ != kill_scope::tree) return false;
        if (one.parent == root_.pid() || one.session == root_.pid()) return true;
        return std::any_of(found_.begin(), found_.end(), [&](const found& f) {
            const pid_t known = f.what.pid;
            return one.parent == known || one.group == known || one.session == known;
        });
    }
    bool add(const listed_process& one) {
        for (const auto& f : found_) {
            if (f.what.pid == one.pid && f.what.started == one.started) return false;
        }
        unique_fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, one.pid, 0)));
        listed_process now;
        // Still the same one, now that we hold it.
        if (!pidfd || !read_process(std::to_string(one.pid).c_str(), now) ||
            now.started != one.started) {
            return false;
        }
        found_.push_back({one, std::move(pidfd)});
        return true;
    }

    child_process& root_;
    const kill_scope scope_;
    std::vector<found> found_;
};

// Sends a signal to a child and to whom the scope says. Returns: whether anybody was there.
// After SIGKILL it waits, for a second at most, until those that are not our children are gone.
inline bool signal_scope(child_process& root, kill_scope scope, int number) {
    if (scope == kill_scope::child || root.is_reaped()) return root.signal(number);
    descendants others(root, scope);
    if (scope == kill_scope::tree && number == SIGKILL) {
        // Stopped, they start nobody who could be missed.
        root.signal(SIGSTOP);
        while (others.look()) others.signal(SIGSTOP);
    } else {
        others.look();
    }
    const bool group = root.signal_group(number);  // those too who were started just now
    const bool child = root.signal(number);
    if (scope == kill_scope::tree || !group) others.signal(number);
    if (number == SIGKILL) others.wait(std::chrono::seconds(1));
    return group || child;
}

}  // namespace detail
}  // namespace tandem
