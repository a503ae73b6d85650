// SPDX-License-Identifier: BSL-1.0
// tandem/subprocess/spawn_child.hpp: what a new process does until its exec.        level 1
#pragma once

#include <tandem/core/config.hpp>
#include <tandem/subprocess/spawn_plan.hpp>

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstddef>
#include <cstdint>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace tandem::detail {

// Run in a new process that may share our memory, while the thread that made it waits and all
// signals are blocked. So nothing here allocates, takes a lock, throws, or calls anything of the C
// library but syscall(): its other functions may be a sanitizer's. errno is that of the waiting
// thread, which puts it back.
class spawn_child {
   public:
    // Does not return if the exec succeeds; else the report tells what did not.
    TANDEM_UNINSTRUMENTED static void run(child_orders& orders, spawn_report& report,
                                          unsigned refused) {
        if (!reset_signals(report) || !place(orders, report) || !limit(orders, report) ||
            !become(orders, report) || !tie_to_parent(orders, report) ||
            !move_fds(orders, report) || !close_others(orders, report, refused)) {
            return;
        }
        const std::uint64_t none[2] = {0, 0};  // of signals; some systems have 128
        ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, none, nullptr, signal_bytes);
        execute(orders, report);
    }

    // For tests: what the system is taken to refuse, which then is done in another way.
    static constexpr unsigned close_range_refused = 1;

   private:
    static constexpr std::size_t signal_bytes = (_NSIG - 1) / 8;

    TANDEM_UNINSTRUMENTED static bool failed(spawn_report& report, spawn_step step) {
        report.step = step;
        report.error = errno;
        return false;
    }

    // Before the signals are unblocked, none may have a handler: it would run here. An exec resets
    // them too, but that is too late. What is ignored stays ignored, but for SIGPIPE.
    TANDEM_UNINSTRUMENTED static bool reset_signals(spawn_report& report) {
        for (int signal = 1; signal < _NSIG; ++signal) {
            // The kernel's struct sigaction. Its handler stands first, but on MIPS.
            unsigned long action[8] = {};
            if (::syscall(SYS_rt_sigaction, signal, nullptr, action, signal_bytes) != 0) continue;
#if defined(__mips__)
            const unsigned long handler = action[1];
#else
            const unsigned long handler = action[0];
#endif
            const bool ignored = handler == 1;
            if (handler == 0 || (ignored && signal != SIGPIPE)) continue;
            for (auto& word : action) word = 0;
            if (::syscall(SYS_rt_sigaction, signal, action, nullptr, signal_bytes) != 0) {
                return failed(report, spawn_step::signals);
            }
        }
        return true;
    }

    TANDEM_UNINSTRUMENTED static bool place(const child_orders& orders, spawn_report& report) {
        if (orders.new_session && ::syscall(SYS_setsid) < 0) {
            return failed(report, spawn_step::setsid);
        }
        if (orders.set_group && ::syscall(SYS_setpgid, 0L, static_cast<long>(orders.group)) != 0) {
            return failed(report, spawn_step::setpgid);
        }
        return true;
    }

    TANDEM_UNINSTRUMENTED static bool limit(const child_orders& orders, spawn_report& report) {
        for (std::size_t i = 0; i < orders.limit_count; ++i) {
            const std::uint64_t both[2] = {orders.limits[i].soft, orders.limits[i].hard};
            if (::syscall(SYS_prlimit64, 0L, orders.limits[i].resource, both, nullptr) != 0) {
                return failed(report, spawn_step::setrlimit);
            }
        }
        if (orders.umask) ::syscall(SYS_umask, *orders.umask);
        return true;
    }

    // The folder while we may still enter it, groups while we may still change them.
    TANDEM_UNINSTRUMENTED static bool become(const child_orders& orders, spawn_report& report) {
        if (orders.cwd && ::syscall(SYS_chdir, orders.cwd) != 0) {
            return failed(report, spawn_step::chdir);
        }
        if (orders.groups && ::syscall(SYS_setgroups, orders.group_count, orders.groups) != 0) {
            return failed(report, spawn_step::setgroups);
        }
        const gid_t* group = orders.group_id;
        if (group && ::syscall(SYS_setresgid, *group, *group, *group) != 0) {
            return failed(report, spawn_step::setgid);
        }
        const uid_t* user = orders.user;
        if (user && ::syscall(SYS_setresuid, *user, *user, *user) != 0) {
            return failed(report, spawn_step::setuid);
        }
        return true;
    }

    // Behind a change of user, which would undo it. The parent may have ended meanwhile.
    TANDEM_UNINSTRUMENTED static bool tie_to_parent(const child_orders& orders,
                                                    spawn_report& report) {
        if (!orders.die_with_parent) return true;
        if (::syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0L, 0L, 0L) != 0) {
            return failed(report, spawn_step::prctl);
        }
        if (::syscall(SYS_getppid) != orders.parent) {
            errno = ESRCH;
            return failed(report, spawn_step::prctl);
        }
        return true;
    }

    TANDEM_UNINSTRUMENTED static bool move_fds(child_orders& orders, spawn_report& report) {
        fd_move* moves = orders.moves;
        const std::size_t count = orders.move_count;
        for (std::size_t i = 0; i < count; ++i) {
            if (!moves[i].lift) continue;
            const long lifted = ::syscall(SYS_fcntl, moves[i].from, F_DUPFD_CLOEXEC, orders.above);
            if (lifted < 0) return failed(report, spawn_step::dup);
            moves[i].from = static_cast<int>(lifted);
        }
        for (std::size_t i = 0; i < count; ++i) {
            const long done = moves[i].from == moves[i].to
                                  ? ::syscall(SYS_fcntl, moves[i].from, F_SETFD, 0L)
                                  : ::syscall(SYS_dup3, moves[i].from, moves[i].to, 0L);
            if (done < 0) return failed(report, spawn_step::dup);
        }
        return true;
    }

    // All but the standard streams and those that are passed will be closed by the exec.
    TANDEM_UNINSTRUMENTED static bool close_others(const child_orders& orders, spawn_report& report,
                                                   unsigned refused) {
        constexpr unsigned cloexec = 1U << 2;  // CLOSE_RANGE_CLOEXEC, which older headers lack
        const int* kept = orders.kept;
        const std::size_t count = orders.kept_count;
        unsigned from = 3;
        for (std::size_t i = 0; i <= count; ++i) {
            const unsigned to = i < count ? static_cast<unsigned>(kept[i]) - 1 : UINT_MAX;
            const bool refuse = (refused & close_range_refused) != 0;
            if (refuse || (from <= to && ::syscall(SYS_close_range, from, to, cloexec) != 0)) {
                return close_by_list(orders, report);
            }
            from = to + 2;
        }
        return true;
    }

    TANDEM_UNINSTRUMENTED static bool is_kept(const child_orders& orders, int fd) {
        for (std::size_t i = 0; i < orders.kept_count; ++i) {
            if (orders.kept[i] == fd) return true;
        }
        return fd <= 2;
    }

    // Where close_range is not allowed or not there: by what /proc lists, or else one by one.
    TANDEM_UNINSTRUMENTED static bool close_by_list(const child_orders& orders,
                                                    spawn_report& report) {
        const long list = ::syscall(SYS_openat, AT_FDCWD, "/proc/self/fd",
                                    O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0L);
        if (list < 0) return close_one_by_one(orders);
        alignas(std::uint64_t) unsigned char entries[4096];
        while (true) {
            const long bytes = ::syscall(SYS_getdents64, list, entries, sizeof entries);
            if (bytes < 0) return failed(report, spawn_step::close_range);
            if (bytes == 0) break;
            // struct linux_dirent64: two words, the length in two bytes, the type, the name.
            for (long at = 0; at < bytes; at += entries[at + 16] + 256 * entries[at + 17]) {
                const unsigned char* name = entries + at + 19;
                int fd = 0;
                for (; *name >= '0' && *name <= '9'; ++name) fd = fd * 10 + (*name - '0');
                if (*name == 0 && !is_kept(orders, fd)) {
                    ::syscall(SYS_fcntl, fd, F_SETFD, FD_CLOEXEC);
                }
            }
        }
        ::syscall(SYS_close, list);
        return true;
    }
    // A limit may be a thousand million: nobody has so many, and trying them takes minutes.
    TANDEM_UNINSTRUMENTED static bool close_one_by_one(const child_orders& orders) {
        std::uint64_t both[2] = {0, 0};
        ::syscall(SYS_prlimit64, 0L, RLIMIT_NOFILE, nullptr, both);
        constexpr std::uint64_t most = 1 << 20;
        const int end = static_cast<int>(both[0] < most ? both[0] : most);
        for (int fd = 3; fd < end; ++fd) {
            if (!is_kept(orders, fd)) ::syscall(SYS_fcntl, fd, F_SETFD, FD_CLOEXEC);
        }
        return true;
    }

    // The error that counts is the first that does not just say "not here". A file that is no
    // program is not given to a shell.
    TANDEM_UNINSTRUMENTED static void execute(const child_orders& orders, spawn_report& report) {
        int error = ENOENT;
        std::size_t which = 0;
        const char* const* files = orders.candidates;
        for (std::size_t i = 0; files[i]; ++i) {
            ::syscall(SYS_execve, files[i], orders.argv, orders.envp);
            const int now = errno;
            if (error != ENOENT && error != ENOTDIR) continue;
            if (now == ENOENT || now == ENOTDIR) continue;
            error = now;
            which = i;
        }
        report.step = spawn_step::exec;
        report.error = error;
        report.candidate = which;
    }
};

}  // namespace tandem::detail
