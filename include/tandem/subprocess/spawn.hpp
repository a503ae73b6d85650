// SPDX-License-Identifier: BSL-1.0
// tandem/subprocess/spawn.hpp: starts a program, or says which step failed.        level 1
#pragma once

#include <tandem/core/config.hpp>
#include <tandem/core/error.hpp>
#include <tandem/core/unique_fd.hpp>
#include <tandem/subprocess/spawn_child.hpp>
#include <tandem/subprocess/spawn_plan.hpp>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#if TANDEM_TSAN && defined(__GLIBC__)
// The same function as clone, under a name that ThreadSanitizer does not take over: its own one
// writes into memory that the child shares here.
extern "C" int __clone(int (*)(void*), void*, int, void*, ...);
#endif

namespace tandem::detail {

// A child of ours. Without a pidfd where the system has none.
struct started_process {
    pid_t pid = -1;
    unique_fd pidfd;
};

// What this system turned out to refuse: seccomp filters, old kernels, emulated ones. Bits are only
// ever added, by whoever is refused first; relaxed, because not knowing costs one more try.
inline std::atomic<unsigned> spawn_refused{0};
inline constexpr unsigned shared_memory_refused = 2;  // the first bit is spawn_child's
inline constexpr unsigned clone_pidfd_refused = 4;
inline constexpr unsigned pidfd_open_refused = 8;

// A refusal of the call itself. Filters say EPERM where they should say ENOSYS.
inline bool is_refusal(int err) noexcept {
    return err == ENOSYS || err == EPERM || err == EINVAL || err == EACCES;
}

// Moves a descriptor of ours out of the places of the standard streams, which may be free in this
// process: there it would be taken for one. Throws: spawn_error.
inline unique_fd above_std(unique_fd fd, const std::string& program) {
    if (!fd || fd.get() > 2) return fd;
    unique_fd lifted(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3));
    if (!lifted) throw_spawn_error(errno, "dup", program);
    return lifted;
}

// The same for a pidfd, when there is no going back: where it cannot be moved, it stays.
inline unique_fd lifted_if_possible(unique_fd fd) noexcept {
    if (!fd || fd.get() > 2) return fd;
    const int lifted = ::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3);
    if (lifted >= 0) fd.reset(lifted);
    return fd;
}

// A pipe, closed on exec: {the end to read from, the end to write to}. Throws: spawn_error.
inline std::pair<unique_fd, unique_fd> make_pipe(const std::string& program) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw_spawn_error(errno, "pipe", program);
    unique_fd in(ends[0]);
    unique_fd out(ends[1]);
    return {above_std(std::move(in), program), above_std(std::move(out), program)};
}

// All signals, with the two that the C library keeps for itself and will not let one block.
class signals_blocked {
   public:
    signals_blocked() noexcept {
        const std::uint64_t all[2] = {~std::uint64_t{0}, ~std::uint64_t{0}};
        ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, all, before_, bytes);
    }
    signals_blocked(const signals_blocked&) = delete;
    signals_blocked& operator=(const signals_blocked&) = delete;
    ~signals_blocked() {
        const int kept = errno;
        ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, before_, nullptr, bytes);
        errno = kept;
    }

   private:
    static constexpr std::size_t bytes = (_NSIG - 1) / 8;
    std::uint64_t before_[2] = {0, 0};
};

// A stack with a page below it that cannot be written to. Each thread that starts programs keeps
// one: mapping it takes a tenth of what a start takes.
class child_stack {
   public:
    static child_stack& of_this_thread(const std::string& program) {
        thread_local child_stack stack(program);
        return stack;
    }
    explicit child_stack(const std::string& program) {
        memory_ = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
        if (memory_ == MAP_FAILED) throw_spawn_error(errno, "mmap", program);
        ::mprotect(memory_, guard, PROT_NONE);
    }
    child_stack(const child_stack&) = delete;
    child_stack& operator=(const child_stack&) = delete;
    ~child_stack() { ::munmap(memory_, size); }
    void* top() const noexcept { return static_cast<char*>(memory_) + size; }

   private:
    static constexpr std::size_t size = 128 * 1024;
    static constexpr std::size_t guard = 64 * 1024;  // a page, whatever its size
    void* memory_;
};

// The child in our memory. This thread goes on when it has ended or executes its program, which
// takes the same time however much memory we have.
struct shared_spawn {
    child_orders& orders;
    spawn_report& report;
    unsigned refused;

    TANDEM_UNINSTRUMENTED static int child(void* self) {
        const auto* work = static_cast<shared_spawn*>(self);
        spawn_child::run(work->orders, work->report, work->refused);
        ::syscall(SYS_exit_group, 127);
        return 127;
    }
    int start(const child_stack& stack, int flags, int& pidfd) {
        flags |= CLONE_VM | CLONE_VFORK | SIGCHLD;
#if TANDEM_TSAN && defined(__GLIBC__)
        return ::__clone(&child, stack.top(), flags, this, &pidfd);
#else
        return ::clone(&child, stack.top(), flags, this, &pidfd);
#endif
    }
};

// The child in a copy of our memory. It says through a pipe what failed; the exec closes that.
struct copied_spawn {
    child_orders& orders;
    spawn_report& report;
    unsigned refused;

    int start(const std::string& program, int flags, int& pidfd) {
        auto [in, out] = make_pipe(program);
        unique_fd tell(::fcntl(out.get(), F_DUPFD_CLOEXEC, orders.above));  // in nobody's way
        if (!tell) throw_spawn_error(errno, "dup", program);
        out.reset();
        const long pid = ::syscall(SYS_clone, flags | SIGCHLD, nullptr, &pidfd, nullptr, nullptr);
        if (pid == 0) child(tell.get());
        if (pid < 0) return -1;
        tell.reset();
        spawn_report said;
        const auto bytes = read_some(in.get(), std::as_writable_bytes(std::span(&said, 1)));
        if (bytes == static_cast<::ssize_t>(sizeof said)) report = said;
        return static_cast<int>(pid);
    }
    [[noreturn]] TANDEM_UNINSTRUMENTED void child(int tell) {
        spawn_child::run(orders, report, refused);
        ::syscall(SYS_write, tell, &report, sizeof report);
        while (true) ::syscall(SYS_exit_group, 127);
    }
};

// One try. Returns: the child, or pid -1 and errno. Throws: spawn_error.
inline started_process try_spawn(spawn_plan& plan, spawn_report& report, unsigned refused) {
    started_process made;
    int pidfd = -1;
    const int flags = (refused & clone_pidfd_refused) ? 0 : CLONE_PIDFD;
    if (plan.changes_user() || (refused & shared_memory_refused)) {
        copied_spawn work{plan.orders(), report, refused};
        const signals_blocked hold;
        made.pid = work.start(plan.program(), flags, pidfd);
    } else {
        shared_spawn work{plan.orders(), report, refused};
        const child_stack& stack = child_stack::of_this_thread(plan.program());
        const signals_blocked hold;
        const int kept = errno;
        made.pid = work.start(stack, flags, pidfd);
        if (made.pid >= 0) errno = kept;  // the child's went there too
    }
    if (made.pid >= 0 && pidfd < 0 && !(refused & pidfd_open_refused)) {
        pidfd = static_cast<int>(::syscall(SYS_pidfd_open, made.pid, 0));
        if (pidfd < 0 && is_refusal(errno)) {
            spawn_refused.fetch_or(pidfd_open_refused, std::memory_order_relaxed);
        }
    }
    made.pidfd.reset(pidfd);
    return made;
}

// Starts a program. Throws: spawn_error with the step that failed; nothing is left behind then.
// Blocks: until the new process executes its program.
inline started_process spawn(spawn_plan& plan) {
    if (!plan.can_be_found()) throw_spawn_error(ENOENT, "exec", plan.program());
    const unsigned known = spawn_refused.load(std::memory_order_relaxed);
    // Without more and more of what some systems refuse.
    constexpr unsigned all = shared_memory_refused | clone_pidfd_refused;
    for (const unsigned more : {0U, shared_memory_refused, clone_pidfd_refused, all}) {
        spawn_report report;
        started_process child = try_spawn(plan, report, known | more);
        if (child.pid < 0 && is_refusal(errno) && more != all) continue;
        if (child.pid < 0) throw_spawn_error(errno, "clone", plan.program());
        if (more != 0) spawn_refused.fetch_or(more, std::memory_order_relaxed);
        if (report.step == spawn_step::none) {
            child.pidfd = lifted_if_possible(std::move(child.pidfd));
            return child;
        }
        siginfo_t info;
        retry_interrupted([&]() noexcept {
            return ::waitid(P_PID, static_cast<id_t>(child.pid), &info, WEXITED);
        });
        plan.throw_report(report);
    }
    throw_spawn_error(ENOSYS, "clone", plan.program());
}

}  // namespace tandem::detail
