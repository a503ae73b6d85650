// SPDX-License-Identifier: BSL-1.0
// tandem/async/event_loop.hpp: runs tasks on one thread, and waits for what they wait for.        level 3
// Read examples/effective_python/60_async_io.cpp first.
#pragma once

#include <tandem/async/event_loop_options.hpp>
#include <tandem/async/interrupt_guard.hpp>
#include <tandem/async/loop_core.hpp>
#include <tandem/async/posted.hpp>
#include <tandem/async/spawn.hpp>
#include <tandem/async/spawned.hpp>
#include <tandem/async/submitted.hpp>
#include <tandem/core/deadline.hpp>
#include <tandem/core/error.hpp>
#include <tandem/coroutine/task.hpp>
#include <tandem/future/future.hpp>

#include <concepts>
#include <exception>
#include <string>
#include <type_traits>
#include <utility>

namespace tandem {

/// A call that post_at() arranged for.
/// Thread safety: belongs to the thread of its loop. Lifetime: not to be used after the loop.
class timed_handle {
   public:
    /// A handle of nothing.
    timed_handle() noexcept = default;
    timed_handle(timed_handle&& other) noexcept
        : loop_(other.loop_), call_(std::exchange(other.call_, nullptr)) {}
    timed_handle& operator=(timed_handle&& other) noexcept {
        std::swap(loop_, other.loop_);
        std::swap(call_, other.call_);
        return *this;
    }
    /// The call is made all the same.
    ~timed_handle() {
        if (call_) call_->drop_owner();
    }
    /// Returns: true if the call will not be made; false if it was, or was cancelled before.
    bool cancel() noexcept { return call_ && call_->disarm(*loop_); }

   private:
    friend class event_loop;
    timed_handle(detail::loop_core& loop, detail::timed_call& call) noexcept
        : loop_(&loop), call_(&call) {
        call.add_owner();
    }
    detail::loop_core* loop_ = nullptr;
    detail::timed_call* call_ = nullptr;
};

/// Runs tasks, one at a time, on the thread that calls run(). Where one waits, another goes
/// on; when all wait, the thread sleeps. sync_wait() makes one for a single task. Python: an
/// asyncio loop.
///
/// When run() ends, the tasks that were spawned and have not ended are cancelled and awaited; an
/// error of one of them goes to on_error. The first Ctrl-C cancels the task that run() was given,
/// once, if nobody else handles SIGINT; the next one ends the program.
/// Thread safety: submit(), post() and stop() may be called from any thread, the rest belongs to
/// the thread that runs it. Ordering: what was done before a submit or post comes before its run.
/// Lifetime: what is left when it is destroyed is destroyed too, wherever it waits.
class event_loop : private detail::loop_core {
   public:
    /// Throws: io_error; std::system_error with `debug`, which has a thread.
    explicit event_loop(event_loop_options options = {}) : loop_core(std::move(options)) {}
    ~event_loop() {
        const away_from_others aside;
        const running scope(*this);
        drop_all();
    }

    /// The loop that runs on this thread now, or null.
    static event_loop* current() noexcept {
        return static_cast<event_loop*>(detail::scheduler::current());
    }

    /// Runs a task to its end, and whatever it spawns meanwhile. Returns: its result. Throws: what
    /// the task throws; cancelled_error if stop() or Ctrl-C came first; invalid_state if a loop
    /// runs on this thread already, or if the clock is virtual and nothing can ever happen.
    /// Blocks: until then, and until all other tasks have ended. Python: run_until_complete.
    template <class T>
    T run(task<T> main) {
        const running scope(*this);
        const auto root = detail::spawned::make(*this, std::move(main));
        {
            detail::interrupt_guard interrupts(*mail());
            run_until([&] {
                if (interrupts.came() && !root->has_ended()) root->cancel();
                return root->has_ended();
            });
        }
        return root->template take<T>();
    }
    /// Runs what is submitted, posted and spawned, until stop(). Python: run_forever.
    void run() {
        const running scope(*this);
        run_until([] { return false; });
    }
    /// Makes run() end after this turn, or the next one if none runs now.
    void stop() noexcept {
        stop_.store(true, std::memory_order_release);
        mail()->wake();
    }

    /// Runs a task here, for whoever waits for the future elsewhere. To cancel the future cancels
    /// the task. It ends with pool_closed if the loop is destroyed first. The loop's own thread
    /// cannot wait for it: invalid_state. Python: run_coroutine_threadsafe.
    template <class T>
    future<T> submit(task<T> work) {
        return detail::submit_to(*mail(), std::move(work));
    }
    /// Starts a task here, before run() or in it. As tandem::spawn.
    template <class T>
    task_handle<T> spawn(task<T> work, spawn_options options = {}) {
        return detail::spawn_on(*this, std::move(work), options);
    }

    /// Calls f() in its turn. What it throws goes to on_error. Python: call_soon, also
    /// call_soon_threadsafe.
    template <std::invocable F>
    void post(F f) {
        if (current() == this) return make_ready(*new detail::posted<F>(std::move(f)));
        auto* const letter = new detail::posted_from_afar<F>(std::move(f));
        if (!mail()->post(*letter)) letter->drop();
    }
    /// Calls f() when the time has come; those of equal time in the order of the calls to post_at.
    /// Only on the loop's thread, or before it runs. Python: call_at, call_later.
    template <std::invocable F>
    timed_handle post_at(deadline moment, F f) {
        auto* const call = new detail::timed_call_of<F>(std::move(f));
        timed_handle handle(*this, *call);
        arm(*call, moment.time());
        return handle;
    }

    /// A descriptor that is readable when poll_once() has something to do: for another loop.
    int fd() {
        prepare_outside();
        return descriptors().fd();
    }
    /// Runs one turn without waiting, of at most so many steps: a step is a task from one wait to
    /// the next, or a posted function. Returns: whether there is more to do at once.
    bool poll_once(int most_steps = 256) {
        const running scope(*this);
        turn(false, most_steps);
        const bool more = has_work();
        arm_outside();
        return more;
    }

    /// The loop's time.
    deadline::clock::time_point time() const noexcept { return now(); }
    /// Who awaits whom, a task a line, indented; for people. Only on the loop's thread.
    std::string dump() { return tree(); }

   private:
    // A loop that ends while another one runs on this thread, as a variable of one of its tasks.
    struct away_from_others {
        away_from_others() noexcept : before_(std::exchange(detail::driver::here, {})) {}
        ~away_from_others() { detail::driver::here = before_; }
        detail::driver before_;
    };

    template <class Ended>
    void run_until(Ended ended) {
        std::exception_ptr failure;
        try {
            while (!ended() && !stop_.load(std::memory_order_acquire)) turn(true);
        } catch (...) {
            failure = std::current_exception();
        }
        stop_.store(false, std::memory_order_relaxed);
        finish_all(failure != nullptr);
        if (failure) std::rethrow_exception(failure);
    }
    // Cancels what is left, and waits for it. A loop that failed does not wait a second time.
    void finish_all(bool failed) {
        stop_all();
        while (live() != 0) {
            if (failed && !has_work()) return;
            turn(!failed);
        }
    }
};

}  // namespace tandem
