// SPDX-License-Identifier: BSL-1.0
// tandem/coroutine/chain.hpp: a task with the tasks it awaits, as one thing that runs, waits and is cancelled.        level 1
#pragma once

#include <tandem/core/error.hpp>
#include <tandem/core/resume.hpp>
#include <tandem/coroutine/await_tree.hpp>
#include <tandem/coroutine/linked_list.hpp>

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <string>
#include <thread>
#include <utility>

// A task that awaits a task, that awaits a task, ... is a chain: only the innermost of them, the
// leaf, runs or is suspended. A loop runs chains, an operation (a sleep, a lock, ...) suspends one,
// and a cancel meets one. when_all, spawn, with_timeout, ... make a chain of each task they run.
//
// Cancelling is level-triggered: from then on every operation of the chain throws cancelled_error
// when it is awaited; the one at which the chain is suspended is asked to end. So a cancel that
// lands between two awaits is not lost. What is done already is not thrown away: an operation that
// has its result gives it, and the next one throws.

namespace tandem::detail {

class chain;
class promise_base;
class scheduler;

// Something that a scheduler runs in turn.
class runnable : public list_link {
   public:
    // It is in no list when it is called.
    virtual void run() noexcept = 0;
    // The scheduler ends, and lets it go; it is in no list.
    virtual void drop() noexcept {}
    // It is parked, and the loop wants it to end.
    virtual void stop() noexcept {}
    virtual void describe(await_tree&) const {}

   protected:
    ~runnable() = default;
};

// What a thread runs now: a loop, in it a chain. `next` is the coroutine of the chain that goes on
// when the running one is suspended: a loop around the two is what keeps the native stack flat,
// for g++ has no tail calls below -O2 or with a sanitizer. Up to so many nested starts it does
// without that loop, which is faster.
struct driver {
    static constexpr int most_nested = 24;

    scheduler* home;
    chain* current;
    promise_base* next;
    int nested;

    static thread_local constinit driver here;
};

inline thread_local constinit driver driver::here{nullptr, nullptr, nullptr, 0};

// What a chain is suspended at. Lives in the frame of the leaf.
class operation {
   public:
    using tandem_native = void;
    operation() noexcept = default;
    operation(const operation&) = delete;
    operation& operator=(const operation&) = delete;

    // The chain was cancelled, for the first time: the operation ends soon, and wakes the chain,
    // either with its result or to throw cancelled_error.
    virtual void cancel() noexcept = 0;
    virtual void describe(await_tree& tree) const = 0;

   protected:
    ~operation() = default;

    // The running chain is suspended, here, in `leaf`.
    template <class Promise>
    void suspend(std::coroutine_handle<Promise> leaf) noexcept;
    void suspend_in(promise_base& leaf) noexcept;
    // The chain goes on at once: it was not suspended after all.
    void go_on() noexcept;
    // The chain goes on, in its turn.
    void wake() noexcept;
    // Where the chain is suspended here; null before suspend().
    chain* waiting() const noexcept { return chain_; }

   private:
    chain* chain_ = nullptr;
};

// What runs the chains of one thread. The event loop is one.
// Thread safety: belongs to its thread, but for what resumer promises.
class scheduler : public resumer {
   public:
    scheduler() noexcept = default;
    scheduler(const scheduler&) = delete;
    scheduler& operator=(const scheduler&) = delete;

    // The one that runs on this thread now, or null.
    static scheduler* current() noexcept { return driver::here.home; }
    // Whether the calling thread is the one that runs it, or ran it last.
    bool is_own_thread() const noexcept {
        return driver::here.home == this ||
               thread_.load(std::memory_order_relaxed) == std::this_thread::get_id();
    }

    void make_ready(runnable& next) noexcept { ready_.push_back(next); }
    // A chain that nobody awaits is suspended: it is listed, to be seen by dump() and at the end.
    void park(runnable& suspended) noexcept { parked_.push_back(suspended); }

    // Hears of exceptions that have nowhere else to go.
    virtual void report(std::exception_ptr error) noexcept = 0;
    // Whether it looks for mistakes. If so it hears of each step, and of tasks dropped unstarted.
    bool debugging() const noexcept { return debugging_; }
    void stepping(const promise_base& now) noexcept {
        if (debugging_) [[unlikely]]
            on_step(now);
    }
    virtual void on_step(const promise_base&) noexcept {}
    virtual void on_never_awaited(const promise_base&) noexcept {}
    // Counts what the chains wait for that comes from elsewhere.
    void add_outside(int count) noexcept { outside_ += count; }
    int outside() const noexcept { return outside_; }

   protected:
    ~scheduler() = default;

    void belong_to_this_thread() noexcept {
        thread_.store(std::this_thread::get_id(), std::memory_order_relaxed);
    }

    linked_list<runnable> ready_;
    linked_list<runnable> parked_;
    bool debugging_ = false;

   private:
    // The thread that it belongs to. Written there; relaxed: only compared.
    std::atomic<std::thread::id> thread_{std::this_thread::get_id()};
    int outside_ = 0;
};

// Throws invalid_state unless `home` runs on this thread.
inline void check_thread(const scheduler* home, const char* what) {
    if (home && home->is_own_thread()) return;
    throw invalid_state(std::string(what) + " belongs to another thread's event loop");
}

class chain : public runnable {
   public:
    explicit chain(scheduler& home) noexcept : home_(&home) {}
    chain(const chain&) = delete;
    chain& operator=(const chain&) = delete;

    // The chain that runs on this thread now.
    static chain* current() noexcept { return driver::here.current; }

    // Takes over the root's frame; runs in its turn.
    void start(promise_base& root) noexcept {
        root_ = leaf_ = &root;
        home_->make_ready(*this);
    }
    // Runs until the leaf is suspended at an operation, or the root has ended.
    void run() noexcept final;

    // Has an effect once. Requires: not ended. It may end before this returns, but does not run.
    void cancel() noexcept {
        if (cancelled_) return;
        cancelled_ = true;
        if (waiting_at_ && shields_ == 0) waiting_at_->cancel();
    }
    bool was_cancelled() const noexcept { return cancelled_; }
    // Whether operations throw.
    bool stops() const noexcept { return cancelled_ && shields_ == 0; }
    // While it is shielded, a cancel waits.
    void add_shield() noexcept { ++shields_; }
    void drop_shield() noexcept { --shields_; }

    void suspended_at(operation& where, promise_base& leaf) noexcept {
        waiting_at_ = &where;
        leaf_ = &leaf;
    }
    void go_on() noexcept { waiting_at_ = nullptr; }
    void wake() noexcept {
        go_on();
        if (linked()) unlink();
        home_->make_ready(*this);
    }

    scheduler* home() const noexcept { return home_; }
    promise_base* root() const noexcept { return root_; }
    bool has_ended() const noexcept { return ended_; }

    // Destroys all its frames, the innermost first, wherever it is suspended. Requires: it does not
    // run now.
    void destroy_frames() noexcept;

    void describe(await_tree& tree) const override;

   protected:
    ~chain() = default;

    // The root is done. The chain may be destroyed in here.
    virtual void on_end() noexcept = 0;
    // The root's frame is the caller's.
    promise_base* release_root() noexcept { return std::exchange(root_, nullptr); }
    void forget_home() noexcept { home_ = nullptr; }

    void end() noexcept { ended_ = true; }

    // Of those chains that nobody awaits: how many own it, whether it is parked when suspended.
    std::uint32_t owners_ = 0;
    bool is_listed_ : 1 = false;
    bool is_seen_ : 1 = false;  // whether its error has been told of

   private:
    bool cancelled_ : 1 = false;
    bool started_ : 1 = false;
    bool ended_ : 1 = false;
    std::uint16_t shields_ = 0;
    scheduler* home_;
    promise_base* root_ = nullptr;
    promise_base* leaf_ = nullptr;     // where it is suspended
    operation* waiting_at_ = nullptr;  // null while it is ready or runs
};

inline void operation::suspend_in(promise_base& leaf) noexcept {
    chain_ = driver::here.current;
    chain_->suspended_at(*this, leaf);
}
inline void operation::go_on() noexcept { chain_->go_on(); }
inline void operation::wake() noexcept { chain_->wake(); }

// That a chain waits for something that comes from outside of its loop.
class outside_wait {
   public:
    outside_wait() noexcept = default;
    outside_wait(const outside_wait&) = delete;
    outside_wait& operator=(const outside_wait&) = delete;
    ~outside_wait() { end(); }
    void begin(scheduler& loop) noexcept {
        loop_ = &loop;
        loop.add_outside(1);
    }
    void end() noexcept {
        if (loop_) std::exchange(loop_, nullptr)->add_outside(-1);
    }

   private:
    scheduler* loop_ = nullptr;
};

// Operations begin with it. Throws: cancelled_error if the running chain is cancelled.
inline void check_cancelled() {
    if (driver::here.current->stops()) [[unlikely]]
        throw cancelled_error();
}

}  // namespace tandem::detail
