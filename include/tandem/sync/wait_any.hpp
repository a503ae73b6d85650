// SPDX-License-Identifier: BSL-1.0
// tandem/sync/wait_any.hpp: waits for the first of several queues that has something to give.        level 1
#pragma once

#include <tandem/core/deadline.hpp>
#include <tandem/core/parker.hpp>
#include <tandem/sync/queue_core.hpp>
#include <tandem/sync/wait_side.hpp>

#include <array>
#include <atomic>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace tandem::detail {

// The thread that waits, seen by one of the queues.
class wait_any_observer final : public wait_observer {
   public:
    void watch_for(std::atomic<std::uint32_t>& told) noexcept { told_ = &told; }

   private:
    // Under the queue's mutex, so that forget() makes sure that it is over.
    void notify() noexcept override {
        told_->store(1, std::memory_order_release);
        unpark(*told_, INT_MAX);
    }
    std::atomic<std::uint32_t>* told_ = nullptr;
};

// The first queue that has an item or has ended; nullopt if the time is over before.
template <std::size_t Count>
std::optional<std::size_t> wait_any_of(deadline until,
                                       const std::array<queue_core*, Count>& cores) {
    for (bool in_time = true;;) {
        // 0, then 1 by whoever makes a queue ready (release, with the acquire below).
        std::atomic<std::uint32_t> told{0};
        std::array<wait_any_observer, Count> observers;
        std::optional<std::size_t> found;
        std::size_t watched = 0;
        for (; watched != Count && !found; ++watched) {
            observers[watched].watch_for(told);
            if (!cores[watched]->observe_items(observers[watched])) found = watched;
        }
        while (!found && in_time && told.load(std::memory_order_acquire) == 0) {
            in_time = park(told, 0, until);
        }
        while (watched != 0) {
            --watched;
            cores[watched]->forget(observers[watched]);
        }
        if (found || (!in_time && told.load(std::memory_order_relaxed) == 0)) return found;
    }
}

}  // namespace tandem::detail
