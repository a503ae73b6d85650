// SPDX-License-Identifier: BSL-1.0
// tandem/coroutine/async_semaphore.hpp: lets so many tasks in at a time.        level 1
#pragma once

#include <tandem/coroutine/chain.hpp>
#include <tandem/coroutine/wait_list.hpp>

#include <coroutine>
#include <stdexcept>
#include <utility>

namespace tandem {

/// Gives permits to tasks, the first one first; who comes later does not overtake who waits.
/// `auto permit = co_await semaphore.acquire();` gives it back at the end of the scope, exactly
/// once. Python: asyncio.Semaphore and BoundedSemaphore.
/// Thread safety: belongs to the loop's thread. Lifetime: must outlive permits and those who wait.
class async_semaphore {
    class awaiter;
    class [[nodiscard]] request {
       public:
        explicit request(async_semaphore& from) noexcept : from_(from) {}
        awaiter operator co_await() && noexcept;

       private:
        async_semaphore& from_;
    };

   public:
    /// One of the permits, until it is destroyed.
    /// Thread safety: as the semaphore.
    class [[nodiscard]] permit {
       public:
        permit() noexcept = default;
        permit(permit&& other) noexcept : from_(std::exchange(other.from_, nullptr)) {}
        permit& operator=(permit&& other) noexcept {
            permit old(std::move(*this));
            from_ = std::exchange(other.from_, nullptr);
            return *this;
        }
        ~permit() { release(); }
        /// Whether it still is one.
        explicit operator bool() const noexcept { return from_ != nullptr; }
        /// Gives it back now.
        void release() noexcept {
            if (from_) std::exchange(from_, nullptr)->give_back();
        }

       private:
        friend async_semaphore;
        explicit permit(async_semaphore& from) noexcept : from_(&from) {}
        async_semaphore* from_ = nullptr;
    };

    /// Has `permits` to give. Throws: std::invalid_argument if that is negative.
    explicit async_semaphore(int permits) : free_(permits) {
        if (permits < 0) throw std::invalid_argument("a semaphore of fewer than 0 permits");
    }
    async_semaphore(const async_semaphore&) = delete;
    async_semaphore& operator=(const async_semaphore&) = delete;

    /// `co_await semaphore.acquire()`: gives a permit. Throws: cancelled_error.
    request acquire() noexcept { return request(*this); }
    /// A permit if one is free, else one that is none.
    permit try_acquire() noexcept {
        if (free_ == 0) return {};
        --free_;
        return permit(*this);
    }
    /// One permit more than there were. Throws: invalid_state on another thread than theirs who
    /// wait.
    void add_permit() {
        waiters_.check_thread("the semaphore");
        give_back();
    }
    /// How many are free.
    int available() const noexcept { return free_; }

   private:
    void give_back() noexcept {
        if (waiters_.empty()) {
            ++free_;
        } else {
            waiters_.release_first();  // it has the permit now
        }
    }

    int free_;  // 0 while somebody waits
    detail::wait_list waiters_;
};

class async_semaphore::awaiter final : public detail::list_waiter {
   public:
    explicit awaiter(async_semaphore& from) noexcept : from_(from) {}
    // A frame that is destroyed between being let go and going on gives its permit back.
    ~awaiter() {
        if (waiting() && !linked() && !resumed_) from_.give_back();
    }
    bool await_ready() {
        detail::check_cancelled();
        if (from_.free_ == 0) return false;
        --from_.free_;
        return true;
    }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> leaf) noexcept {
        suspend(leaf);
        from_.waiters_.add(*this);
    }
    permit await_resume() {
        resumed_ = true;
        throw_if_cancelled();
        return permit(from_);
    }
    void cancel() noexcept override {
        resumed_ = true;
        list_waiter::cancel();
    }
    void describe(detail::await_tree& tree) const override { tree.line("waits for a permit"); }

   private:
    async_semaphore& from_;
    bool resumed_ = false;
};

inline async_semaphore::awaiter async_semaphore::request::operator co_await() && noexcept {
    return awaiter(from_);
}

}  // namespace tandem
