// SPDX-License-Identifier: BSL-1.0
// tandem/sync/queue_producer.hpp: the producers' end of a queue, whose last owner closes it.        level 1
#pragma once

#include <tandem/core/error.hpp>
#include <tandem/sync/queue_core.hpp>

#include <utility>

namespace tandem {

/// One owner of the producers' end of a queue: `p->push(x)`. When the last copy goes, the queue
/// closes. Python: none; the sender of a trio memory channel.
/// Thread safety: distinct handles are independent, also those of one queue.
/// Lifetime: the queue must outlive it.
template <class Queue>
class queue_producer {
   public:
    /// Owns nothing.
    queue_producer() noexcept = default;
    queue_producer(const queue_producer& other) noexcept : queue_producer(other.queue_) {}
    queue_producer(queue_producer&& other) noexcept
        : queue_(std::exchange(other.queue_, nullptr)) {}
    queue_producer& operator=(queue_producer other) noexcept {
        std::swap(queue_, other.queue_);
        return *this;
    }
    ~queue_producer() { reset(); }

    /// The queue. Throws: invalid_state if the handle owns nothing.
    Queue& operator*() const {
        if (!queue_) throw invalid_state("a producer handle that was moved from or reset");
        return *queue_;
    }
    Queue* operator->() const { return &**this; }
    /// Whether it owns a share of a queue's producers' end.
    explicit operator bool() const noexcept { return queue_ != nullptr; }
    /// Gives the share up now.
    void reset() noexcept {
        if (auto* const queue = std::exchange(queue_, nullptr))
            detail::queue_access::core(*queue).drop_owner();
    }

   private:
    friend Queue;
    explicit queue_producer(Queue* queue) noexcept : queue_(queue) {
        if (queue_) detail::queue_access::core(*queue_).add_owner();
    }

    Queue* queue_ = nullptr;
};

}  // namespace tandem
