// SPDX-License-Identifier: BSL-1.0
// tandem/testing/virtual_clock.hpp: a time that jumps, so that tests of tasks that sleep take no time.        level 4
#pragma once

#include <tandem/async/loop_clock.hpp>

#include <chrono>

namespace tandem::testing {

/// The time of an event loop in a test: `event_loop_options{.clock = &clock}`. While any task can
/// run it stands still; when all of them sleep it jumps to the first that wakes. It does not jump
/// while something from outside is awaited: a thread, a descriptor, a process. When nothing is left
/// to wait for, run() throws invalid_state, which names who waits for what: a deadlock. A queue
/// that only tasks of the loop use counts as inside. Trio: MockClock.
/// Thread safety: used by the loop's thread. Lifetime: must outlive the loop.
class virtual_clock final : public loop_clock {
   public:
    /// Begins at `start`, an hour after the epoch of steady_clock if none is given.
    explicit virtual_clock(time_point start = time_point(std::chrono::hours(1))) noexcept
        : start_(start), now_(start) {}

    time_point now() noexcept override { return now_; }
    void jump(time_point next) noexcept override {
        if (next > now_) now_ = next;
    }
    /// How much time has passed since the beginning.
    std::chrono::nanoseconds elapsed() const noexcept { return now_ - start_; }
    /// Lets time pass, as if a step of a task had taken so long.
    void advance(std::chrono::nanoseconds time) noexcept { now_ += time; }

   private:
    const time_point start_;
    time_point now_;
};

}  // namespace tandem::testing
