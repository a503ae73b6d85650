// SPDX-License-Identifier: BSL-1.0
// tandem/subprocess/orphans.hpp: children whose owner did not wait for their end.        level 1
#pragma once

#include <tandem/core/config.hpp>
#include <tandem/subprocess/child_process.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace tandem::detail {

// Children that were detached, or that the kernel does not let die yet. They are reaped whenever
// another child is started or let go of, so that they do not pile up as zombies.
// Thread safety: every member may be called concurrently.
class orphans {
   public:
    static orphans& all() {
        static auto* const one = new orphans;  // to the end of the process, and its threads
        return *one;
    }

    // Takes a child over. If there is no memory for that, it stays unreaped.
    void adopt(std::unique_ptr<child_process> child) noexcept {
        const std::lock_guard hold(mutex_);
        try {
            children_.push_back(std::move(child));
            count_.store(children_.size(), std::memory_order_relaxed);
        } catch (...) {
            static_cast<void>(child.release());
        }
    }
    // Reaps those that have ended.
    void reap() noexcept {
        if (count_.load(std::memory_order_relaxed) == 0) return;
        const std::lock_guard hold(mutex_);
        std::erase_if(children_, [](auto& child) { return child->poll().has_value(); });
        count_.store(children_.size(), std::memory_order_relaxed);
    }

   private:
    std::mutex mutex_;  // guards the children
    std::vector<std::unique_ptr<child_process>> children_;
    // How many there are, to look without the mutex: relaxed, being late is no harm.
    std::atomic<std::size_t> count_{0};
};

}  // namespace tandem::detail
