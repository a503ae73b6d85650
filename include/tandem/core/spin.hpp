// SPDX-License-Identifier: BSL-1.0
// tandem/core/spin.hpp: whether and how to wait for a moment without giving up the CPU.        level 0
#pragma once

#include <tandem/core/cpus.hpp>

namespace tandem::detail {

// Tells the CPU that this is a wait: 10 to 50 ns in which a sibling may run.
inline void relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

inline void relax(int times) noexcept {
    while (times-- > 0) relax();
}

// Whether what a thread waits for can happen while it spins: not with one CPU. Asked once.
inline bool spinning_pays() noexcept {
    static const bool pays = []() noexcept {
        try {
            return available_cpus() > 1;
        } catch (...) {
            return false;
        }
    }();
    return pays;
}

}  // namespace tandem::detail
