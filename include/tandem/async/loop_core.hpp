// SPDX-License-Identifier: BSL-1.0
// tandem/async/loop_core.hpp: the turns of an event loop.        level 3
#pragma once

#include <tandem/async/descriptor_table.hpp>
#include <tandem/async/elastic_threads.hpp>
#include <tandem/async/event_loop_options.hpp>
#include <tandem/async/mailbox.hpp>
#include <tandem/async/reactor.hpp>
#include <tandem/async/slow_watch.hpp>
#include <tandem/async/timer_heap.hpp>
#include <tandem/core/error.hpp>
#include <tandem/core/ref.hpp>
#include <tandem/core/resume.hpp>
#include <tandem/coroutine/promise_base.hpp>
#include <tandem/future/callback.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <climits>
#include <coroutine>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include <sys/timerfd.h>
#include <time.h>

namespace tandem::detail {

// A turn asks the system about descriptors, and sleeps there if nothing is ready; delivers the
// letters, lets timers expire, and runs what is ready, up to a number of steps. The number adapts
// to how long steps take, so that busy tasks hold timers and descriptors up by a fraction of a
// millisecond, and yet a step seldom pays for a system call.
// Thread safety: as scheduler.
class loop_core : public scheduler {
   public:
    explicit loop_core(event_loop_options&& options)
        : clock_(options.clock),
          on_error_(std::move(options.on_error)),
          mail_(make_ref<mailbox>()) {
        debugging_ = options.debug;
        if (debugging_) slow_.emplace(options.slow_callback, std::move(options.on_slow));
        reactor_.add(mail_->fd(), mail_watch_);
    }
    // The loop that runs on this thread. Requires: one does.
    static loop_core& here() noexcept { return static_cast<loop_core&>(*scheduler::current()); }
    static loop_core& of(const chain& some) noexcept {
        return static_cast<loop_core&>(*some.home());
    }

    timer_heap::time_point now() const noexcept {
        return clock_ ? clock_->now() : deadline::clock::now();
    }
    void arm(timer& added, timer_heap::time_point at) { timers_.add(added, at); }
    void disarm(timer& armed) noexcept { timers_.remove(armed); }
    reactor& descriptors() noexcept { return reactor_; }
    // Threads for calls that block; made when they are first asked for.
    elastic_threads& blocking_threads() {
        if (!threads_) threads_.emplace();
        return *threads_;
    }
    descriptor_table& waits_for_descriptors() noexcept { return descriptor_table_; }
    const ref<mailbox>& mail() const noexcept { return mail_; }

    // resumer. A coroutine that is not ours runs by itself.
    void resume(std::coroutine_handle<> coroutine) noexcept override;
    ref<resume_ticket> ticket(std::coroutine_handle<> coroutine) override;

    void report(std::exception_ptr error) noexcept override {
        if (!on_error_) return report_unheard(error);
        try {
            on_error_(std::move(error));
        } catch (...) {
            std::fprintf(stderr, "tandem: on_error threw\n");
        }
    }
    void on_step(const promise_base& now) noexcept override { slow_->at(now.where()); }
    void on_never_awaited(const promise_base& dropped) noexcept override {
        try {
            throw invalid_state("never awaited: " + name_of(dropped.where()));
        } catch (...) {
            report(std::current_exception());
        }
    }

    // Which turn this is: what was done before in the same one need not be done again.
    std::uint64_t turn_number() const noexcept { return turns_; }

    // The chains that nobody awaits.
    void add_live(int count) noexcept { live_ += count; }
    int live() const noexcept { return live_; }

   protected:
    // Makes this loop the thread's own.
    class running {
       public:
        explicit running(loop_core& loop) : scope_(loop) {
            if (driver::here.home) throw invalid_state("a loop runs on this thread already");
            driver::here.home = &loop;
            loop.belong_to_this_thread();
        }
        running(const running&) = delete;
        running& operator=(const running&) = delete;
        ~running() { driver::here.home = nullptr; }

       private:
        resume_scope scope_;
    };

    ~loop_core() = default;

    // Throws: io_error; invalid_state if the clock is not the system's and nothing can happen.
    void turn(bool may_sleep, int most_steps = INT_MAX) {
        ++turns_;
        reactor_.poll(may_sleep && ready_.empty() ? time_to_sleep() : std::chrono::nanoseconds(0));
        mail_->open();
        if (!timers_.empty()) timers_.expire(now());
        if (debugging_) {
            run_watched(std::min(most_steps, 16));
        } else if (most_steps < most_steps_) {
            run(most_steps);
        } else {
            run_ready();
        }
    }
    // Whether a turn would do something now.
    bool has_work() const noexcept { return !ready_is_empty() || mail_->has_mail(); }

    void stop_all() noexcept {
        each([](runnable& one) { one.stop(); });
    }
    // Lets go of everything, whatever it waits for.
    void drop_all() noexcept {
        mail_->close();
        while (!ready_.empty() || !parked_.empty()) {
            (ready_.empty() ? parked_ : ready_).pop_front().drop();
        }
        timers_.drop_all();
    }
    template <class F>
    void each(F f) {
        for (auto* list : {&parked_, &ready_}) {
            for (runnable* one = list->first(); one;) {
                runnable* const next = list->after(*one);
                f(*one);
                one = next;
            }
        }
    }

    timer_heap timers_;
    std::atomic<bool> stop_{false};  // set by any thread, seen between turns

   private:
    class foreign_step;
    class loop_ticket;

    struct watches_mail final : descriptor_watch {
        void on_ready(std::uint32_t) noexcept override {}
    };

    bool ready_is_empty() const noexcept {
        return const_cast<linked_list<runnable>&>(ready_).empty();
    }

    // Letters are delivered between two steps, at the price of a look. Returns: how many steps.
    int run(int most_steps) noexcept {
        int steps = 0;
        while (steps < most_steps && !ready_.empty()) {
            ready_.pop_front().run();
            mail_->open();
            ++steps;
        }
        return steps;
    }
    void run_ready() noexcept {
        if (ready_.empty()) return;
        const auto began = deadline::clock::now();
        if (run(most_steps_) != most_steps_) return;
        const bool too_long = deadline::clock::now() - began > long_turn;
        most_steps_ = too_long ? std::max(1, most_steps_ / 2) : std::min(256, most_steps_ * 2);
    }
    void run_watched(int most_steps) noexcept {
        for (int steps = 0; steps < most_steps && !ready_.empty(); ++steps) {
            slow_->begin();
            ready_.pop_front().run();
            slow_->end();
        }
    }

    std::chrono::nanoseconds time_to_sleep() {
        using std::chrono::nanoseconds;
        if (stop_.load(std::memory_order_relaxed)) return nanoseconds(0);
        if (!mail_->fall_asleep()) return nanoseconds(0);
        const auto next = timers_.next();
        if (clock_ && outside() == 0) {
            if (next == next.max()) {
                throw invalid_state("a deadlock: nothing is left to wait for\n" + tree());
            }
            clock_->jump(next);
            return nanoseconds(0);
        }
        if (slow_) slow_->rest();
        if (next == next.max() || clock_) return forever;
        return std::max(nanoseconds(next - now()), nanoseconds(0));
    }

   protected:
    // For poll_once(): the reactor's descriptor tells of timers too, and of what is ready.
    void prepare_outside() {
        if (outside_timer_) return;
        outside_timer_.reset(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
        if (!outside_timer_) {
            const int err = errno;
            throw_io_error("cannot make a timer descriptor", err);
        }
        reactor_.add(outside_timer_.get(), mail_watch_);
        arm_outside();
    }
    void arm_outside() noexcept {
        if (!outside_timer_) return;
        if (!ready_.empty() || !mail_->fall_asleep()) return mail_->wake();
        ::itimerspec when{};
        if (const auto next = timers_.next(); next != next.max()) {
            const auto ns = std::max<std::int64_t>(next.time_since_epoch().count(), 1);
            when.it_value = {static_cast<time_t>(ns / 1'000'000'000),
                             static_cast<long>(ns % 1'000'000'000)};
        }
        ::timerfd_settime(outside_timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
    }
    std::string tree() {
        await_tree text;
        each([&](runnable& one) { one.describe(text); });
        return text.text();
    }

   private:
    static constexpr auto long_turn = std::chrono::microseconds(200);

    loop_clock* const clock_;
    callable<void(std::exception_ptr)> on_error_;
    reactor reactor_;
    descriptor_table descriptor_table_{reactor_};
    watches_mail mail_watch_;
    const ref<mailbox> mail_;
    unique_fd outside_timer_;  // once somebody asked for the descriptor
    std::optional<slow_watch> slow_;
    int most_steps_ = 64;
    int live_ = 0;
    std::uint64_t turns_ = 0;
    std::optional<elastic_threads> threads_;  // last: what they run may post to the mailbox
};

// A coroutine that is not ours, to be resumed on the loop's thread.
class loop_core::foreign_step final : public mail, public runnable {
   public:
    explicit foreign_step(std::coroutine_handle<> coroutine) noexcept : coroutine_(coroutine) {}
    void deliver() noexcept override { here().make_ready(*this); }
    void drop() noexcept override { delete this; }
    void run() noexcept override {
        const auto coroutine = coroutine_;
        delete this;
        coroutine.resume();
    }

   private:
    std::coroutine_handle<> coroutine_;
};

inline void loop_core::resume(std::coroutine_handle<> coroutine) noexcept {
    auto* const step = new foreign_step(coroutine);
    if (scheduler::current() == this) {
        make_ready(*step);
    } else if (!mail_->post(*step)) {
        step->drop();
    }
}

// Tells the running loop, or stderr, of an exception that has nowhere else to go.
inline void report_here(std::exception_ptr error) noexcept {
    if (auto* const loop = scheduler::current()) {
        loop->report(std::move(error));
    } else {
        report_unheard(error);
    }
}

// What completes elsewhere holds this, and the mailbox, but neither the coroutine nor the loop.
class loop_core::loop_ticket final : public resume_ticket, public mail {
   public:
    loop_ticket(std::coroutine_handle<> waiting, chain* of, ref<mailbox> to) noexcept
        : resume_ticket(waiting), chain_(of), mail_(std::move(to)) {}
    void redeem() noexcept override {
        add_ref();
        if (!mail_->post(*this)) drop_ref();
    }
    void deliver() noexcept override {
        if (const auto coroutine = take()) {
            if (chain_) {
                chain_->wake();
            } else {
                coroutine.resume();
            }
        }
        drop_ref();
    }
    void drop() noexcept override { drop_ref(); }

   private:
    chain* const chain_;  // lives while the ticket is not taken; null: not one of ours
    const ref<mailbox> mail_;
};

inline ref<resume_ticket> loop_core::ticket(std::coroutine_handle<> coroutine) {
    return make_ref<loop_ticket>(coroutine, chain::current(), mail_);
}

}  // namespace tandem::detail
