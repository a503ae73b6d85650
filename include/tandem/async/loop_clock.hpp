// SPDX-License-Identifier: BSL-1.0
// tandem/async/loop_clock.hpp: the time of an event loop, where it is not the system's.        level 3
#pragma once

#include <tandem/core/deadline.hpp>

namespace tandem {

/// A time of its own for an event loop: event_loop_options{.clock}. testing::virtual_clock is one.
/// Thread safety: used by the loop's thread.
/// Lifetime: must outlive the loop.
class loop_clock {
   public:
    using time_point = deadline::clock::time_point;

    /// The time. Never goes back.
    virtual time_point now() noexcept = 0;
    /// The loop has nothing to do before `next`, and nothing can come from outside: it is `next`.
    virtual void jump(time_point next) noexcept = 0;

   protected:
    loop_clock() noexcept = default;
    loop_clock(const loop_clock&) = default;
    loop_clock& operator=(const loop_clock&) = default;
    ~loop_clock() = default;
};

}  // namespace tandem
