// SPDX-License-Identifier: BSL-1.0
// tandem/async/event_loop_options.hpp: what can be chosen about an event loop.        level 3
#pragma once

#include <tandem/async/loop_clock.hpp>
#include <tandem/core/callable.hpp>

#include <chrono>
#include <exception>
#include <string>

namespace tandem {

/// A coroutine or callback that held the event loop for too long, while nothing else could run.
/// Thread safety: a value.
struct slow_step {
    std::string what;               ///< the function and the line at which it went on
    std::chrono::nanoseconds held;  ///< up to now, or in all
    bool over;                      ///< whether it has let go
};

/// What can be chosen about an event loop. The order of the fields is part of the interface.
/// Thread safety: a value.
struct event_loop_options {
    /// Look for mistakes: steps that hold the loop too long, tasks that are never awaited.
    bool debug = false;
    /// How long a step may hold the loop before on_slow hears of it, with `debug`.
    std::chrono::nanoseconds slow_callback = std::chrono::milliseconds(100);
    /// Hears of a slow step twice: while it holds the loop, on another thread, and when it is over,
    /// on the loop's. Null: a line on stderr each.
    callable<void(const slow_step&)> on_slow = nullptr;
    /// Hears of exceptions that have nowhere else to go. Null: a line on stderr.
    callable<void(std::exception_ptr)> on_error = nullptr;
    /// The loop's time. Null: std::chrono::steady_clock.
    loop_clock* clock = nullptr;
};

}  // namespace tandem
