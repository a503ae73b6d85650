// SPDX-License-Identifier: BSL-1.0
// tandem/core/fork_count.hpp: notice that this process is a fork of the one it used to be.        level 0
#pragma once

#include <tandem/core/config.hpp>

#include <atomic>

#if TANDEM_LINUX
#include <pthread.h>
#endif

namespace tandem::detail {

// How many forks lie between this process and the program's start; an object that remembers it
// knows later whether its threads are still there. Costs one load, where getpid() is a system call.
inline unsigned fork_count() noexcept {
    // Written by the fork handler, in a child that has one thread; read by anybody.
    static std::atomic<unsigned> count{0};
#if TANDEM_LINUX
    static const int registered =
        ::pthread_atfork(nullptr, nullptr, [] { count.fetch_add(1, std::memory_order_relaxed); });
    static_cast<void>(registered);
#endif
    return count.load(std::memory_order_relaxed);
}

}  // namespace tandem::detail
