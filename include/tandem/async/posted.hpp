// SPDX-License-Identifier: BSL-1.0
// tandem/async/posted.hpp: functions that an event loop calls in their turn, or at a time.        level 3
#pragma once

#include <tandem/async/loop_core.hpp>
#include <tandem/async/timer_heap.hpp>
#include <tandem/coroutine/frame_pool.hpp>

#include <cstddef>
#include <exception>
#include <functional>
#include <utility>

namespace tandem::detail {

template <class F>
void call_and_report(F& f, scheduler& loop) noexcept {
    try {
        std::invoke(f);
    } catch (...) {
        loop.report(std::current_exception());
    }
}

// A function that was posted from the loop's own thread.
template <class F>
class posted final : public runnable {
   public:
    static void* operator new(std::size_t size) { return frame_pool::allocate(size); }
    static void operator delete(void* memory, std::size_t size) noexcept {
        frame_pool::deallocate(memory, size);
    }
    explicit posted(F f) : f_(std::move(f)) {}

    void run() noexcept override {
        call_and_report(f_, loop_core::here());
        delete this;
    }
    void drop() noexcept override { delete this; }
    void describe(await_tree& tree) const override { tree.line("a posted function"); }

   private:
    F f_;
};

// One that was posted from elsewhere.
template <class F>
class posted_from_afar final : public mail, public runnable {
   public:
    explicit posted_from_afar(F f) : f_(std::move(f)) {}

    void deliver() noexcept override { loop_core::here().make_ready(*this); }
    void run() noexcept override {
        call_and_report(f_, loop_core::here());
        delete this;
    }
    void drop() noexcept override { delete this; }
    void describe(await_tree& tree) const override { tree.line("a posted function"); }

   private:
    F f_;
};

// A function that is called at a time, unless it is cancelled. Owned by the timer until then, and
// by its handle.
class timed_call : public timer {
   public:
    static void* operator new(std::size_t size) { return frame_pool::allocate(size); }
    static void operator delete(void* memory, std::size_t size) noexcept {
        frame_pool::deallocate(memory, size);
    }
    void add_owner() noexcept { ++owners_; }
    void drop_owner() noexcept {
        if (--owners_ == 0) delete this;
    }
    // Never calls it. Returns: false if it was called, or cancelled before.
    bool disarm(loop_core& loop) noexcept {
        if (!armed()) return false;
        loop.disarm(*this);
        drop_owner();
        return true;
    }

   protected:
    virtual ~timed_call() = default;

   private:
    virtual void call(loop_core& loop) noexcept = 0;
    void expire() noexcept override {
        call(loop_core::here());
        drop_owner();
    }
    void drop() noexcept override { drop_owner(); }
    int owners_ = 1;
};

template <class F>
class timed_call_of final : public timed_call {
   public:
    explicit timed_call_of(F f) : f_(std::move(f)) {}

   private:
    void call(loop_core& loop) noexcept override { call_and_report(f_, loop); }
    F f_;
};

}  // namespace tandem::detail
