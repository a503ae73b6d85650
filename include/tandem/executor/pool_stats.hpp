// SPDX-License-Identifier: BSL-1.0
// tandem/executor/pool_stats.hpp: what a pool has done and is doing, as numbers.        level 2
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

namespace tandem {

/// A process that runs a task of a pool, and for how long it has.
struct running_task {
    int pid = 0;
    std::chrono::nanoseconds elapsed{0};
};

/// What a pool has done and is doing. Python has nothing like it.
struct pool_stats {
    std::size_t queued = 0;             // submitted, not begun
    std::vector<running_task> running;  // one for each call being made
    std::size_t done = 0;               // ended with a value
    std::size_t failed = 0;             // ended with an exception, a cancel or a death
    std::size_t retried = 0;            // begun again after a death
    std::size_t replaced = 0;           // workers started in place of others
    std::size_t reports_dropped = 0;    // nobody took them in time
};

}  // namespace tandem
