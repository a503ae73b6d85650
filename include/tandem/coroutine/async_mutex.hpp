// SPDX-License-Identifier: BSL-1.0
// tandem/coroutine/async_mutex.hpp: keeps tasks out of what another one is in the middle of.        level 1
#pragma once

#include <tandem/coroutine/async_semaphore.hpp>

#include <utility>

namespace tandem {

/// Only one task at a time has it, also while that one waits for something else. The first who asks
/// gets it first. Tasks that do not wait in between need none: nothing else runs meanwhile.
/// `auto lock = co_await mutex.lock();` unlocks at the end of the scope. Python: asyncio.Lock.
/// Thread safety: belongs to the loop's thread. Lifetime: must outlive its locks and who waits.
class async_mutex {
   public:
    /// That a task has the mutex, until it is destroyed or released.
    using lock_type = async_semaphore::permit;

    /// `co_await mutex.lock()`: gives a lock. Throws: cancelled_error.
    auto lock() noexcept { return one_.acquire(); }
    /// A lock if the mutex is free, else one that is none.
    lock_type try_lock() noexcept { return one_.try_acquire(); }
    bool is_locked() const noexcept { return one_.available() == 0; }

   private:
    async_semaphore one_{1};
};

}  // namespace tandem
