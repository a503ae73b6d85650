// SPDX-License-Identifier: BSL-1.0
// tandem/async/interrupt_guard.hpp: lets the first Ctrl-C end a loop's task instead of the program.        level 3
#pragma once

#include <tandem/async/mailbox.hpp>

#include <atomic>
#include <cerrno>
#include <utility>

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace tandem::detail {

// Handles the next SIGINT while it lives, on the main thread and if nobody else handles it. After
// that one it is the system's again, so the second Ctrl-C ends the program.
// Thread safety: belongs to the loop's thread; the handler may run on any.
class interrupt_guard {
   public:
    explicit interrupt_guard(const mailbox& to_wake) {
        if (::syscall(SYS_gettid) != ::getpid()) return;
        const mailbox* nobody = nullptr;
        if (!woken_.compare_exchange_strong(nobody, &to_wake)) return;
        came_.store(false);
        struct sigaction ours{};
        ours.sa_handler = &on_interrupt;
        ours.sa_flags = static_cast<int>(SA_RESETHAND);
        ::sigemptyset(&ours.sa_mask);
        active_ = ::sigaction(SIGINT, nullptr, &before_) == 0 && before_.sa_handler == SIG_DFL &&
                  ::sigaction(SIGINT, &ours, nullptr) == 0;
        if (!active_) woken_.store(nullptr);
    }
    interrupt_guard(const interrupt_guard&) = delete;
    interrupt_guard& operator=(const interrupt_guard&) = delete;
    ~interrupt_guard() {
        if (!active_) return;
        struct sigaction now{};
        if (::sigaction(SIGINT, nullptr, &now) == 0 && now.sa_handler == &on_interrupt) {
            ::sigaction(SIGINT, &before_, nullptr);
        }
        woken_.store(nullptr);
    }
    // Whether it came, the first time that it is asked.
    bool came() noexcept { return active_ && came_.load() && came_.exchange(false); }

   private:
    static void on_interrupt(int) noexcept {
        const int kept = errno;
        came_.store(true);
        if (const mailbox* const loop = woken_.load()) loop->wake();
        errno = kept;
    }

    // Set by the handler, taken by the loop. seq_cst: a handler has no order of its own.
    static inline std::atomic<bool> came_{false};
    // The mailbox of the loop that runs on the main thread; null, or it lives. As above.
    static inline std::atomic<const mailbox*> woken_{nullptr};
    bool active_ = false;
    struct sigaction before_{};
};

}  // namespace tandem::detail
