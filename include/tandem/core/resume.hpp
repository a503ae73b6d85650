// SPDX-License-Identifier: BSL-1.0
// tandem/core/resume.hpp: where a coroutine that was suspended on this thread is resumed.        level 0
#pragma once

#include <coroutine>
#include <utility>

namespace tandem {

/// Resumes coroutines where they belong: an event loop is one. Whatever suspends a coroutine asks
/// for current() then, and hands the coroutine to it later, from any thread. This keeps futures
/// and queues independent of the loop.
/// Thread safety: resume() may be called from any thread.
/// Lifetime: must outlive every coroutine suspended under it; a loop that ends cancels those first.
class resumer {
   public:
    /// Arranges for `coroutine` to be resumed, now or soon.
    virtual void resume(std::coroutine_handle<> coroutine) noexcept = 0;

    /// The resumer of the calling thread, null where none is set.
    static resumer* current() noexcept { return current_; }

   protected:
    resumer() noexcept = default;
    resumer(const resumer&) noexcept = default;
    resumer& operator=(const resumer&) noexcept = default;
    ~resumer() = default;

   private:
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
