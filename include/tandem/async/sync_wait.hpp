// SPDX-License-Identifier: BSL-1.0
// tandem/async/sync_wait.hpp: runs a task to its end on the calling thread.        level 3
#pragma once

#include <tandem/async/event_loop.hpp>
#include <tandem/coroutine/task.hpp>

#include <utility>

namespace tandem {

/// Runs a task, and whatever it spawns, in an event loop of its own. Returns: its result.
/// Throws: as event_loop::run. Blocks: until all have ended. Python: asyncio.run.
/// Thread safety: each call has its own loop.
template <class T>
T sync_wait(task<T> main, event_loop_options options = {}) {
    event_loop loop(std::move(options));
    return loop.run(std::move(main));
}

}  // namespace tandem
