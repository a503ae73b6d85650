// SPDX-License-Identifier: BSL-1.0
// tandem/pool/process_pool_options.hpp: how a process_pool is made, and what its tasks may take.        level 3
#pragma once

#include <tandem/core/config.hpp>
#include <tandem/core/deadline.hpp>
#include <tandem/core/error.hpp>
#include <tandem/pool/report.hpp>
#include <tandem/pool/shipped_call.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <stdexcept>
#include <utility>

namespace tandem {

/// Where workers come from.
enum class start_method {
    /// The helper that worker_main, or the first pool, has forked while the process had one thread.
    forkserver,
    /// A copy of this process as it is when the pool is made, with all its memory. Only a process
    /// with one thread may do this.
    fork,
    /// The program started afresh: only what it does before worker_main has happened there.
    spawn,
};

/// How a process_pool is made. The order of the fields is part of the interface.
struct process_pool_options {
    /// How many processes; 0: available_cpus().
    int workers = 0;
    /// Where they come from.
    start_method start = start_method::forkserver;
    /// Made once in each worker before its first task. What it throws in several fresh workers in a
    /// row breaks the pool.
    shipped_call initializer = {};
    /// A worker is replaced after so many tasks (elements, for a map); 0: never.
    int max_tasks_per_worker = 0;
    /// How long a task may run; past it, it ends with timeout_error and its worker is killed.
    std::chrono::nanoseconds timeout = forever;
    /// How long a task that timed out or was cancelled may go on, with its stop_token set, before
    /// its worker is killed.
    std::chrono::nanoseconds grace{0};
    /// How many bytes a worker may map beyond what it starts with, then std::bad_alloc; 0: any.
    std::size_t memory_limit = 0;
    /// How much CPU time a task may take before its worker is killed by SIGXCPU; 0: any.
    std::chrono::seconds cpu_limit{0};
    /// How often a task may be begun again after its worker died. One that crashed two workers is
    /// not tried again; a SIGKILL from outside is no crash.
    int retries = 0;
    /// How many of the last bytes of a worker's stderr a worker_died shows; 0: stderr is not looked
    /// at, workers write to that of the program.
    std::size_t stderr_tail = 4096;
    /// Hears what tasks report, in the thread of the callbacks.
    std::function<void(progress_source, const progress_event&)> on_progress = {};
    /// Hears of exceptions of callbacks; by default they go to stderr.
    std::function<void(std::exception_ptr)> on_error = {};
};

/// What `pool.with({...})` changes for the calls made through it. The order of the fields is part
/// of the interface.
struct task_options {
    /// As in process_pool_options; the pool's own if it is not given.
    std::optional<std::chrono::nanoseconds> timeout = {};
    std::optional<std::chrono::nanoseconds> grace = {};
    std::optional<int> retries = {};
};

namespace detail {

// What a call of a work may take.
struct call_limits {
    std::chrono::nanoseconds timeout = forever;
    std::chrono::nanoseconds grace{0};
    int retries = 0;

    // Throws: std::invalid_argument.
    void check() const {
        using std::chrono::nanoseconds;
        if (timeout <= nanoseconds(0)) throw std::invalid_argument("a timeout must be positive");
        if (grace < nanoseconds(0)) throw std::invalid_argument("grace must not be negative");
        if (retries < 0) throw std::invalid_argument("retries must not be negative");
    }
    call_limits with(const task_options& changes) const {
        const call_limits changed{changes.timeout.value_or(timeout), changes.grace.value_or(grace),
                                  changes.retries.value_or(retries)};
        changed.check();
        return changed;
    }
};

// The workers that a call has lost.
struct lost_workers {
    int all = 0;
    int crashed = 0;  // those that nobody killed from outside
};

// Throws: std::invalid_argument.
inline call_limits checked_limits(const process_pool_options& options) {
    if (options.workers < 0) throw std::invalid_argument("process_pool needs a worker");
    if (options.max_tasks_per_worker < 0) {
        throw std::invalid_argument("max_tasks_per_worker must not be negative");
    }
    if (options.cpu_limit.count() < 0) {
        throw std::invalid_argument("cpu_limit must not be negative");
    }
    const call_limits limits{options.timeout, options.grace, options.retries};
    limits.check();
    return limits;
}

}  // namespace detail
}  // namespace tandem
