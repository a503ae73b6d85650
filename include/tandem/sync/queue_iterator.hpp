// SPDX-License-Identifier: BSL-1.0
// tandem/sync/queue_iterator.hpp: a loop over a queue takes its items until it is closed and drained.        level 1
#pragma once

#include <tandem/core/error.hpp>

#include <cstddef>
#include <iterator>
#include <optional>
#include <utility>

namespace tandem::detail {

// Holds the item that the loop works on. Nothing is popped before it is asked for: by `*` or by the
// comparison with the end. Moving on, and the end of the iterator, mark that item done.
// Thread safety: an iterator belongs to one thread; any number of them may share a queue.
template <class Queue>
class queue_iterator {
   public:
    using value_type = Queue::value_type;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;

    explicit queue_iterator(Queue& queue) noexcept : queue_(&queue) {}
    queue_iterator(queue_iterator&& other)
        : queue_(other.queue_), item_(std::move(other.item_)), ended_(other.ended_) {
        other.item_.reset();
    }
    queue_iterator& operator=(queue_iterator&& other) {
        if (this != &other) {
            finish();
            queue_ = other.queue_;
            ended_ = other.ended_;
            if (other.item_) item_.emplace(std::move(*other.item_));
            other.item_.reset();
        }
        return *this;
    }
    ~queue_iterator() {
        try {
            finish();
        } catch (const invalid_state&) {
            // The loop called task_done() itself.
        }
    }

    value_type& operator*() const {
        fetch();
        return item_.value();
    }
    value_type* operator->() const { return &**this; }
    queue_iterator& operator++() {
        fetch();
        finish();
        return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const queue_iterator& at, std::default_sentinel_t) {
        at.fetch();
        return at.ended_;
    }

   private:
    void fetch() const {
        if (item_ || ended_) return;
        queue_->pop_into(item_);
        ended_ = !item_;
    }
    void finish() {
        if (!item_) return;
        item_.reset();
        queue_->task_done();
    }

    Queue* queue_;
    mutable std::optional<value_type> item_;
    mutable bool ended_ = false;
};

}  // namespace tandem::detail
