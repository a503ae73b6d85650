// SPDX-License-Identifier: BSL-1.0
// tandem/executor/thread_pool_options.hpp: how a thread_pool is made.        level 2
#pragma once

#include <tandem/core/config.hpp>
#include <tandem/executor/call.hpp>

#include <cstddef>
#include <exception>
#include <functional>
#include <string>

namespace tandem {

/// How a thread_pool is made. The order of the fields is part of the interface.
struct thread_pool_options {
    /// How many threads; 0: available_cpus().
    int workers = 0;
    /// What the system calls the threads: name_0, name_1, ... (15 characters at most).
    std::string name = "tandem";
    /// Made once in each thread before its first task; what it throws, the constructor throws.
    bound_call initializer = {};
    /// How many submitted calls may wait; submit then blocks. `map` and `imap` do not count.
    std::size_t queue_capacity = unbounded;
    /// Hears of exceptions of detached tasks and of callbacks; by default they go to stderr.
    std::function<void(std::exception_ptr)> on_error = {};
};

}  // namespace tandem
