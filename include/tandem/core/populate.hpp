// SPDX-License-Identifier: BSL-1.0
// tandem/core/populate.hpp: gets the memory of a large block all at once.        level 0
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace tandem::detail {

// Has the system find memory for a block that is about to be filled: one call, where each page
// would cost a fault of its own otherwise, which is more than the filling. Only a hint: does
// nothing for small blocks, nor where the system does not know how (Linux does since 5.14).
inline void populate([[maybe_unused]] void* block, [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(__linux__)
    constexpr std::size_t worth_a_call = 256 * 1024;
    constexpr int populate_write = 23;  // MADV_POPULATE_WRITE, which older libraries do not name
    if (bytes < worth_a_call) return;
    static const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    const auto begin = reinterpret_cast<std::uintptr_t>(block);
    const auto first = (begin + page - 1) / page * page;
    const auto end = (begin + bytes) / page * page;
    unsigned char resident = 0;  // what was used before is there already, and costs more to go over
    ::mincore(reinterpret_cast<void*>(end - page), page, &resident);
    if ((resident & 1U) != 0) return;
    ::madvise(reinterpret_cast<void*>(first), end - first, populate_write);
#endif
}

}  // namespace tandem::detail
