// SPDX-License-Identifier: BSL-1.0
// tandem/async/queue_await.hpp: tasks push to and pop from a queue that threads use too.        level 3
#pragma once

#include <tandem/async/loop_core.hpp>
#include <tandem/async/mailbox.hpp>
#include <tandem/core/error.hpp>
#include <tandem/core/ref.hpp>
#include <tandem/sync/queue.hpp>
#include <tandem/sync/queue_core.hpp>
#include <tandem/sync/wait_side.hpp>

#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace tandem {
namespace detail {

// Looks at a queue again when that has changed.
class queue_looker {
   public:
    virtual void look() noexcept = 0;

   protected:
    ~queue_looker() = default;
};

// What a queue tells of a change, under its mutex and on any thread: a letter to the loop of the
// task that waits. Outlives the task's frame if it is under way.
class queue_signal final : public ref_counted, public wait_observer, public mail {
   public:
    queue_signal(queue_looker& who, ref<mailbox> to) noexcept : who_(&who), to_(std::move(to)) {}
    // Nobody looks any more; on the loop's thread.
    void leave() noexcept { who_ = nullptr; }
    void deliver() noexcept override {
        const auto keep = ref<queue_signal>::adopt(this);
        if (who_) who_->look();
    }
    void drop() noexcept override { drop_ref(); }

   private:
    void notify() noexcept override {
        add_ref();
        if (!to_->post(*this)) drop_ref();
    }
    queue_looker* who_;
    const ref<mailbox> to_;
};

// All who wait are told of a change, look, and wait again if others were faster: so one that is
// cancelled has nothing to pass on.
template <class Queue>
class queue_operation : public operation, public queue_looker {
   public:
    bool await_ready() {
        check_cancelled();
        return try_now();
    }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> leaf) {
        signal_ = make_ref<queue_signal>(*this, loop_core::here().mail());
        while (!observe()) {
            if (try_now()) return false;
        }
        suspend(leaf);
        return true;
    }
    void cancel() noexcept final {
        leave();
        cancelled_ = true;
        wake();
    }

   protected:
    queue_operation(Queue& queue, bool pops) noexcept : queue_(queue), pops_(pops) {}
    ~queue_operation() { leave(); }

    // Does it if that needs no waiting. Returns: whether it did, or never will.
    virtual bool attempt() = 0;

    void throw_failure() const {
        if (cancelled_) throw cancelled_error();
        if (failure_) std::rethrow_exception(failure_);
    }
    Queue& queue_;

   private:
    bool try_now() noexcept {
        try {
            return attempt();
        } catch (...) {
            failure_ = std::current_exception();
            return true;
        }
    }
    bool observe() noexcept {
        auto& core = queue_access::core(queue_);
        return pops_ ? core.observe_items(*signal_) : core.observe_room(*signal_);
    }
    void look() noexcept final {
        while (!try_now()) {
            if (observe()) return;
        }
        leave();
        wake();
    }
    void leave() noexcept {
        if (!signal_) return;
        queue_access::core(queue_).forget(*signal_);
        signal_->leave();
        signal_ = nullptr;
    }

    const bool pops_;
    bool cancelled_ = false;
    ref<queue_signal> signal_;
    std::exception_ptr failure_;
};

template <class Queue>
class pop_awaiter final : public queue_operation<Queue> {
    using item = typename Queue::value_type;

   public:
    explicit pop_awaiter(Queue& queue) noexcept : queue_operation<Queue>(queue, true) {}
    std::optional<item> await_resume() {
        this->throw_failure();
        return std::move(got_);
    }
    void describe(await_tree& tree) const override { tree.line("waits for an item of a queue"); }

   private:
    bool attempt() override {
        auto next = this->queue_.try_pop();
        if (next) {
            got_.emplace(std::move(*next));
            return true;
        }
        if (next.error() != conqueue_status::closed) return false;
        got_ = this->queue_.pop();  // does not wait, but throws the reason
        return true;
    }
    std::optional<item> got_;
};

template <class Queue>
class push_awaiter final : public queue_operation<Queue> {
    using item = typename Queue::value_type;

   public:
    push_awaiter(Queue& queue, item&& pushed)
        : queue_operation<Queue>(queue, false), pushed_(std::move(pushed)) {}
    bool await_resume() {
        this->throw_failure();
        return is_in_;
    }
    void describe(await_tree& tree) const override { tree.line("waits for room in a queue"); }

   private:
    bool attempt() override {
        const auto status = this->queue_.try_push(std::move(pushed_));
        is_in_ = status == conqueue_status::success;
        return status != conqueue_status::full;
    }
    item pushed_;
    bool is_in_ = false;
};

template <class Queue>
class [[nodiscard]] pop_request {
   public:
    explicit pop_request(Queue& queue) noexcept : queue_(queue) {}
    pop_awaiter<Queue> operator co_await() && noexcept { return pop_awaiter<Queue>(queue_); }

   private:
    Queue& queue_;
};

template <class Queue>
class [[nodiscard]] push_request {
   public:
    push_request(Queue& queue, typename Queue::value_type pushed)
        : queue_(queue), pushed_(std::move(pushed)) {}
    push_awaiter<Queue> operator co_await() && {
        return push_awaiter<Queue>(queue_, std::move(pushed_));
    }

   private:
    Queue& queue_;
    typename Queue::value_type pushed_;
};

}  // namespace detail

/// `std::optional<T> x = co_await async_pop(q)`: as q.pop(), but it is the task that waits. Threads
/// and tasks, of one loop or several, may use the queue together. Python: asyncio.Queue.get.
/// Throws: cancelled_error, then nothing was taken; as pop.
/// Cancellation: an item that was taken is given, the next await throws.
template <class T, class Order, class Allocator>
auto async_pop(queue<T, Order, Allocator>& from) {
    return detail::pop_request<queue<T, Order, Allocator>>(from);
}
/// `bool is_in = co_await async_push(q, x)`: as q.push(x), but it is the task that waits while the
/// queue is full. Python: asyncio.Queue.put.
/// Throws: cancelled_error, then x was not pushed; as push.
template <class T, class Order, class Allocator>
auto async_push(queue<T, Order, Allocator>& to, std::type_identity_t<T> item) {
    return detail::push_request<queue<T, Order, Allocator>>(to, std::move(item));
}

}  // namespace tandem
