// SPDX-License-Identifier: BSL-1.0
// tandem/coroutine/as_completed_tasks.hpp: runs several tasks at once, and gives each as it ends.        level 1
#pragma once

#include <tandem/core/outcome.hpp>
#include <tandem/coroutine/child_chain.hpp>
#include <tandem/coroutine/gather.hpp>
#include <tandem/coroutine/task.hpp>

#include <coroutine>
#include <cstddef>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

namespace tandem {

/// A task that has ended: which one, and what it came to.
/// Thread safety: a value.
template <class T>
struct completed_task {
    std::size_t index;
    outcome<T> result;
    /// What it gave. Throws: what it threw.
    T get() { return std::move(result).value(); }
};

/// What as_completed(tasks) returns: `while (auto done = co_await each.next()) use(done->get());`.
/// Thread safety: belongs to the loop's thread. Lifetime: the tasks begin with the first next();
/// those that have not ended when it is destroyed are destroyed at once, wherever they wait.
template <class T>
class completed_tasks {
    class awaiter;
    class [[nodiscard]] request {
       public:
        explicit request(completed_tasks& from) noexcept : from_(from) {}
        awaiter operator co_await() && noexcept { return awaiter(from_); }

       private:
        completed_tasks& from_;
    };

   public:
    explicit completed_tasks(std::vector<task<T>> tasks) : tasks_(std::move(tasks)) {}
    completed_tasks(const completed_tasks&) = delete;
    completed_tasks& operator=(const completed_tasks&) = delete;

    /// Waits for the next task that ends. Gives: std::optional<completed_task<T>>, nothing when all
    /// were given. Throws: cancelled_error. Cancellation: cancels the tasks that are left.
    request next() noexcept { return request(*this); }

   private:
    class awaiter final : public detail::operation {
       public:
        explicit awaiter(completed_tasks& from) noexcept : from_(from) {}
        ~awaiter() { from_.waits_ = nullptr; }
        bool await_ready() {
            detail::check_cancelled();
            from_.begin();
            return from_.can_go_on();
        }
        template <class Promise>
        void await_suspend(std::coroutine_handle<Promise> leaf) noexcept {
            this->suspend(leaf);
            from_.waits_ = this;
        }
        std::optional<completed_task<T>> await_resume() {
            if (cancelled_) throw cancelled_error();
            return from_.take();
        }
        // They are given the chance to end in order.
        void cancel() noexcept override {
            cancelled_ = true;
            for (auto& one : from_.members_) {
                if (!one.child.has_ended()) one.child.cancel();
            }
        }
        void describe(detail::await_tree& tree) const override {
            tree.line("waits for the next of");
            tree.deeper();
            for (auto& one : from_.members_) {
                if (!one.child.has_ended()) one.child.describe(tree);
            }
            tree.back();
        }
        bool goes_on() const noexcept {
            return cancelled_ ? from_.running_ == 0 : from_.can_go_on();
        }
        using operation::wake;

       private:
        completed_tasks& from_;
        bool cancelled_ = false;
    };

    struct member final : detail::chain_owner {
        member(completed_tasks& of, std::size_t i, detail::scheduler& home, task<T>& work)
            : group(of), index(i), child(detail::child_seed<T>{home, *this, work}) {}
        void on_child_end(detail::chain&) noexcept override { group.on_end_of(*this); }
        completed_tasks& group;
        std::size_t index;
        detail::child_chain<T> child;
    };

    void begin() {
        if (tasks_.empty()) return;
        auto& home = *detail::scheduler::current();
        for (auto& one : tasks_) {
            members_.emplace_back(*this, members_.size(), home, one);
        }
        tasks_.clear();
        running_ = members_.size();
        for (auto& one : members_) one.child.begin();
    }
    bool can_go_on() const noexcept { return !ended_.empty() || running_ == 0; }
    std::optional<completed_task<T>> take() {
        if (ended_.empty()) return {};
        member& first = *ended_.front();
        ended_.pop_front();
        return completed_task<T>{first.index, detail::take_outcome(first.child)};
    }
    void on_end_of(member& ended) noexcept {
        --running_;
        ended_.push_back(&ended);
        if (waits_ && waits_->goes_on()) std::exchange(waits_, nullptr)->wake();
    }

    std::vector<task<T>> tasks_;
    std::deque<member> members_;
    std::deque<member*> ended_;
    std::size_t running_ = 0;
    awaiter* waits_ = nullptr;
};

/// Runs tasks at once, to get each result as soon as it is there; for futures there is as_completed
/// of a range of them. Python: asyncio.as_completed.
template <class T>
completed_tasks<T> as_completed(std::vector<task<T>> tasks) {
    return completed_tasks<T>(std::move(tasks));
}

}  // namespace tandem
