// SPDX-License-Identifier: BSL-1.0
// tandem/core/resume.hpp: where a coroutine that was suspended on this thread is resumed.        level 0
#pragma once

#include <tandem/core/ref.hpp>

#include <atomic>
#include <coroutine>
#include <utility>

namespace tandem {
namespace detail {

// A suspended coroutine, until somebody takes it: whoever resumes it, or the awaiter that is
// destroyed with its frame. Whoever completes what is awaited holds the ticket, not the coroutine,
// whose frame may be gone by then.
// Thread safety: every member may be called concurrently.
class resume_ticket : public ref_counted {
   public:
    explicit resume_ticket(std::coroutine_handle<> waiting) noexcept
        : waiting_(waiting.address()) {}

    // What was awaited is there: arranges for the coroutine to be resumed, unless it was taken.
    virtual void redeem() noexcept {
        if (const auto coroutine = take()) coroutine.resume();
    }
    // Null if it was taken before.
    std::coroutine_handle<> take() noexcept {
        return std::coroutine_handle<>::from_address(
            waiting_.exchange(nullptr, std::memory_order_acq_rel));
    }
    bool taken() const noexcept { return waiting_.load(std::memory_order_relaxed) == nullptr; }

   private:
    // The coroutine's address, then null. acq_rel: one side takes it, the other sees that.
    std::atomic<void*> waiting_;
};

}  // namespace detail

/// Resumes coroutines where they belong: an event loop is one. Whatever suspends a coroutine asks
/// for current() then, and hands the coroutine to it later, from any thread. This keeps futures
/// and queues independent of the loop.
/// Thread safety: resume() may be called from any thread.
/// Lifetime: must outlive every coroutine suspended under it; a loop that ends cancels those first.
class resumer {
   public:
    /// Arranges for `coroutine` to be resumed, now or soon.
    virtual void resume(std::coroutine_handle<> coroutine) noexcept = 0;

    /// What to redeem, from any thread and instead of calling resume(), when the coroutine may be
    /// destroyed while it waits.
    virtual detail::ref<detail::resume_ticket> ticket(std::coroutine_handle<> coroutine) {
        return detail::make_ref<plain_ticket>(coroutine, *this);
    }

    /// The resumer of the calling thread, null where none is set.
    static resumer* current() noexcept { return current_; }

   protected:
    resumer() noexcept = default;
    resumer(const resumer&) noexcept = default;
    resumer& operator=(const resumer&) noexcept = default;
    ~resumer() = default;

   private:
    class plain_ticket final : public detail::resume_ticket {
       public:
        plain_ticket(std::coroutine_handle<> coroutine, resumer& where) noexcept
            : resume_ticket(coroutine), where_(where) {}
        void redeem() noexcept override {
            if (const auto coroutine = take()) where_.resume(coroutine);
        }

       private:
        resumer& where_;
    };

    friend class resume_scope;
    static inline thread_local resumer* current_ = nullptr;
};

/// Makes a resumer the calling thread's own while the scope lives.
/// Thread safety: belongs to one thread.
class resume_scope {
   public:
    explicit resume_scope(resumer& here) noexcept
        : before_(std::exchange(resumer::current_, &here)) {}
    resume_scope(const resume_scope&) = delete;
    resume_scope& operator=(const resume_scope&) = delete;
    ~resume_scope() { resumer::current_ = before_; }

   private:
    resumer* before_;
};

}  // namespace tandem
