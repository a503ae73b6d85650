// SPDX-License-Identifier: BSL-1.0
// tandem/future/future_state.hpp: the life of a call, and who waits for its end.        level 1
#pragma once

#include <tandem/core/deadline.hpp>
#include <tandem/core/parker.hpp>
#include <tandem/core/ref.hpp>
#include <tandem/future/callback.hpp>
#include <tandem/future/context_ref.hpp>
#include <tandem/future/recycle.hpp>
#include <tandem/future/spinner.hpp>

#include <atomic>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <utility>

namespace tandem::detail {

// The life of a call: pending -> running -> done, or straight to done when it is cancelled or when
// a promise sets it. Whoever moves it to `running` (claim) or `setting` (begin_set) alone may
// complete it. What completes it may not touch the state after finish() unless it owns a reference.
class future_state : public waker, public recycled {
   public:
    explicit future_state(ref<executor_context> context = {}) noexcept
        : context_(context.release()) {}
    ~future_state() override {
        callback* head = callbacks_.load(std::memory_order_acquire);
        if (head != closed()) callback_list discard(head);
        context_ref::drop(context_);
    }

    bool ready() const noexcept { return phase() == done; }
    bool running() const noexcept { return phase() == running_; }
    // How it ended, once ready. Unlike error() these do not touch the result, which the owner of
    // the future may be taking.
    bool was_cancelled() const noexcept { return ended_with(cancelled_bit); }
    bool has_failed() const noexcept { return ended_with(failed_bit); }

    // The exception; null if there is none. Only once ready.
    virtual std::exception_ptr error() const noexcept = 0;

    // pending -> running. False: somebody else has it, or it was cancelled.
    bool claim() noexcept { return move(pending, running_); }
    // pending or running -> setting. False: it is set, or being set.
    bool begin_set() noexcept { return move(pending, setting) || move(running_, setting); }
    // running -> pending: the call goes back, unbegun.
    bool unclaim() noexcept { return move(running_, pending); }
    // Whether somebody claimed it, or it is done.
    bool begun() const noexcept { return phase() != pending; }
    // pending -> setting.
    bool begin_cancel() noexcept { return move(pending, setting); }

    // Asks that the call be not made. True: it never will be, or it was killed.
    virtual bool cancel() noexcept = 0;

    // Called by a thread that is about to wait for this state: it may run what it waits for, if
    // that has not started and belongs to an executor of which it is a worker. Nothing else: a
    // stranger's task might want a lock that the waiter holds.
    virtual void help() noexcept {}

    // Throws: invalid_state if the calling thread is the one that has to set it.
    virtual void check_may_wait() const {}
    bool wait_if_allowed(deadline until = deadline::never()) {
        if (!ready()) check_may_wait();
        return wait(until);
    }

    // The states that this one waits for: one, which may be another later, or many, which stay.
    // Chains may be a million long, so whoever follows them does so in a loop.
    virtual bool has_sources() const noexcept { return false; }
    virtual ref<future_state> source() const noexcept { return {}; }
    virtual future_state* source_at(std::size_t) const noexcept { return nullptr; }
    // Wakes `waiter`, which waits for what comes of this state, when the source is another than
    // `known`. Returns whether it still is `known`.
    virtual bool watch_source(const future_state* /*known*/, waker& /*waiter*/) noexcept {
        return true;
    }
    // Helps this state, or whatever it waits for, until it is ready or all of that runs elsewhere.
    // Wakes `waiter` when there may be more to help with.
    void help_all(waker& waiter) noexcept;
    // Somebody waits here and may have something new to help with.
    void wake() noexcept override { source_changed(); }

    // What may go through many states, one inside the other, without a stack for each.
    static void cancel_nested(ref<future_state> state) noexcept;
    static void drop_nested(ref<future_state> state) noexcept;

    // Returns whether the state is ready; false only when the time ran out.
    bool wait(deadline until = deadline::never()) noexcept {
        if (ready()) return true;
        // A timed wait helps nobody: the task could take longer than the caller wants to wait.
        const bool helps = until.is_never();
        auto helped = status_.load(std::memory_order_acquire) & source_mask;
        if (helps) help_all(*this);
        run_deferred();
        spin(until);
        for (;;) {
            auto seen = status_.load(std::memory_order_acquire);
            if ((seen & phase_mask) == done) return true;
            if (helps && (seen & source_mask) != helped) {
                helped = seen & source_mask;
                help_all(*this);
                continue;
            }
            if (!(seen & waited_for) &&
                !status_.compare_exchange_weak(seen, seen | waited_for, std::memory_order_acq_rel,
                                               std::memory_order_acquire)) {
                continue;
            }
            if (!park(status_, seen | waited_for, until)) return ready();
        }
    }

    // Calls `added` once the state is ready; at once if it is.
    void add_callback(std::unique_ptr<callback> added) noexcept {
        callback* head = callbacks_.load(std::memory_order_acquire);
        do {
            if (head == closed()) {
                added->next = nullptr;  // it may hold the head of an attempt that failed
                dispatch(callback_list(added.release()));
                return;
            }
            added->next = head;
        } while (!callbacks_.compare_exchange_weak(head, added.get(), std::memory_order_acq_rel,
                                                   std::memory_order_acquire));
        added.release();
    }

    // Frees the callbacks that nobody wants any more, so that waiting again and again with a
    // timeout does not pile them up.
    void prune_callbacks() noexcept {
        callback_list kept;
        callback* head = callbacks_.load(std::memory_order_acquire);
        for (;;) {
            if (head == closed()) return dispatch(std::move(kept));
            callback* put_back = nullptr;
            if (head == nullptr) {
                if (kept.empty()) return;
                put_back = in_order(kept.release(), /*drop=*/false).release();
            }
            if (callbacks_.compare_exchange_weak(head, put_back, std::memory_order_acq_rel,
                                                 std::memory_order_acquire)) {
                if (put_back) return;
                kept.append(in_order(head, /*drop=*/true));
                head = callbacks_.load(std::memory_order_acquire);
            } else if (put_back) {
                kept = in_order(put_back, /*drop=*/false);
            }
        }
    }

    // The user's callbacks that look at the result and have not ended: it may not be taken yet.
    void add_observer() noexcept { observers_.fetch_add(1, std::memory_order_relaxed); }
    void drop_observer() noexcept {
        // acq_rel: what the callback read comes before the result is taken.
        const auto before = observers_.fetch_sub(1, std::memory_order_acq_rel);
        if (before == (1 | someone_waits)) unpark(observers_, INT_MAX);
    }
    bool observed() const noexcept {
        return (observers_.load(std::memory_order_acquire) & ~someone_waits) != 0;
    }
    // Waits until there are no observers; not in one of them. Returns false when the time ran out.
    bool wait_unobserved(deadline until = deadline::never()) noexcept;

    executor_context* context() const noexcept { return context_; }
    void run_callbacks(callback_list list) noexcept;
    // Runs the callbacks that this thread put off because it was deep in others.
    static void run_deferred() noexcept;

   protected:
    // The source is another now.
    void source_changed() noexcept {
        const auto before = status_.fetch_add(one_source, std::memory_order_acq_rel);
        if (before & waited_for) unpark(status_, INT_MAX);
    }
    // Tells the executor, or stderr, of an exception that has nowhere else to go.
    void report(std::exception_ptr error) const noexcept {
        if (context_) {
            context_->report(std::move(error));
        } else {
            report_unheard(error);
        }
    }

    enum : std::uint32_t { succeeded = 0, failed_bit = 8, cancelled_bit = 16 };

    // Makes the state ready, wakes who waits and calls who asked for it. The result is in place.
    void finish(std::uint32_t how) noexcept {
        // acq_rel: the result comes before `done`; pairs with the acquire in ready() and wait().
        const auto before = status_.fetch_or(done | how, std::memory_order_acq_rel);
        if (before & waited_for) unpark(status_, INT_MAX);
        callback* head = callbacks_.exchange(closed(), std::memory_order_acq_rel);
        if (head) dispatch(in_order(head, /*drop=*/true));
    }

   private:
    enum : std::uint32_t {
        pending = 0,
        running_ = 1,
        setting = 2,
        done = 3,
        phase_mask = 3,
        waited_for = 4,
        one_source = 32,
        source_mask = ~std::uint32_t{31},
        someone_waits = 1U << 31,  // in observers_
    };

    // Waits without sleeping, for a few microseconds, if that promises anything.
    void spin(deadline until) const noexcept {
        static thread_local constinit spinner mine;
        if (!context_ || !until.is_never() || !context_->answers_soon()) return;
        mine.until([this] { return ready(); });
    }

    std::uint32_t phase() const noexcept {
        return status_.load(std::memory_order_acquire) & phase_mask;
    }

    bool ended_with(std::uint32_t how) const noexcept {
        const auto seen = status_.load(std::memory_order_acquire);
        return (seen & phase_mask) == done && (seen & how) != 0;
    }

    bool move(std::uint32_t from, std::uint32_t to) noexcept {
        auto seen = status_.load(std::memory_order_relaxed);
        while ((seen & phase_mask) == from) {
            if (status_.compare_exchange_weak(seen, to | (seen & ~std::uint32_t{phase_mask}),
                                              std::memory_order_acq_rel,
                                              std::memory_order_relaxed)) {
                return true;
            }
        }
        return false;
    }

    // The mark of a list that takes no more: the state is done.
    static callback* closed() noexcept {
        static char mark;
        return reinterpret_cast<callback*>(&mark);
    }

    // Turns the stack of callbacks, newest first, into a list, oldest first.
    static callback_list in_order(callback* newest, bool drop) noexcept {
        callback_list result;
        callback_list stack(newest);
        while (auto item = stack.pop()) {
            if (drop && item->is_dropped()) continue;
            result.push_front(std::move(item));
        }
        return result;
    }

    void call_all(callback_list list) noexcept;

    void dispatch(callback_list list) noexcept {
        callback_list internal;
        callback_list foreign;
        while (auto item = list.pop()) {
            (item->is_internal() ? internal : foreign).push_front(std::move(item));
        }
        if (!internal.empty()) run_callbacks(in_order(internal.release(), /*drop=*/false));
        if (foreign.empty()) return;
        foreign = in_order(foreign.release(), /*drop=*/false);
        if (context_) context_->post(*this, foreign);
        if (!foreign.empty()) run_callbacks(std::move(foreign));
    }

    // The phase, whether somebody may sleep on this word, how it ended, and above them how often
    // the source changed. Written by whoever claims, sets or cancels (phase, end), by waiters (the
    // flag) and by source_changed(). `done` is released with the result.
    std::atomic<std::uint32_t> status_{pending};
    // Null, a stack of callbacks (newest first), or closed(). Pushed by anybody, taken once by
    // finish(). acq_rel on both sides: a callback's contents are made before it is called.
    std::atomic<callback*> callbacks_{nullptr};
    // How many callbacks of the user have not ended, and whether somebody sleeps until they have.
    std::atomic<std::uint32_t> observers_{0};
    executor_context* const context_;  // a reference of ours; null if nobody completes it
};

// Callbacks that a thread runs while it runs callbacks: beyond a certain depth they are put off
// until the outermost is done, so that a chain of a million continuations needs no stack.
struct callback_depth {
    static constexpr int limit = 32;
    struct deferred {
        ref<future_state> state;
        callback_list list;
        std::unique_ptr<deferred> next;
    };
    // While this thread is in a callback that looks at a state's result.
    struct observing {
        explicit observing(const future_state& s) noexcept
            : state(&s), outer(std::exchange(here().innermost, this)) {}
        observing(const observing&) = delete;
        observing& operator=(const observing&) = delete;
        ~observing() { here().innermost = outer; }
        const future_state* state;
        const observing* outer;
    };
    bool is_observing(const future_state* state) const noexcept {
        const observing* at = innermost;
        while (at && at->state != state) at = at->outer;
        return at != nullptr;
    }

    int depth = 0;
    const observing* innermost = nullptr;
    std::unique_ptr<deferred> first;
    deferred* last = nullptr;

    // Returns false if there is no memory for it: both are then as they were.
    bool put_off(ref<future_state>& state, callback_list& list) noexcept {
        std::unique_ptr<deferred> item(new (std::nothrow) deferred);
        if (!item) return false;
        item->state = std::move(state);
        item->list = std::move(list);
        auto* const raw = item.get();
        (last ? last->next : first) = std::move(item);
        last = raw;
        return true;
    }
    // Does what may do the same for another state, and then what that put off.
    template <class Action>
    void nest(Action action) noexcept {
        ++depth;
        action();
        if (depth == 1) future_state::run_deferred();
        --depth;
    }
    std::unique_ptr<deferred> take() noexcept {
        auto item = std::move(first);
        if (item) first = std::move(item->next);
        if (!first) last = nullptr;
        return item;
    }
    static callback_depth& here() noexcept {
        static thread_local callback_depth instance;
        return instance;
    }
};

inline void future_state::call_all(callback_list list) noexcept {
    while (auto item = list.pop()) {
        try {
            item->call(*this);
        } catch (...) {
            report(std::current_exception());
        }
    }
}

inline bool future_state::wait_unobserved(deadline until) noexcept {
    if (!observed() || callback_depth::here().is_observing(this)) return true;
    run_deferred();
    if (context_) context_->run_posted(*this);
    for (;;) {
        auto seen = observers_.load(std::memory_order_acquire);
        if ((seen & ~someone_waits) == 0) return true;
        if (!(seen & someone_waits) && !observers_.compare_exchange_weak(
                                           seen, seen | someone_waits, std::memory_order_acq_rel)) {
            continue;
        }
        if (!park(observers_, seen | someone_waits, until)) return !observed();
    }
}

inline void future_state::run_callbacks(callback_list list) noexcept {
    auto& nesting = callback_depth::here();
    if (nesting.depth >= callback_depth::limit) {
        auto self = ref<future_state>::share(this);
        if (nesting.put_off(self, list)) return;
    }
    nesting.nest([&] { call_all(std::move(list)); });
}

inline void future_state::run_deferred() noexcept {
    auto& nesting = callback_depth::here();
    while (auto item = nesting.take()) item->state->call_all(std::move(item->list));
}

inline void future_state::drop_nested(ref<future_state> state) noexcept {
    auto& nesting = callback_depth::here();
    callback_list nothing;
    if (nesting.depth >= callback_depth::limit && nesting.put_off(state, nothing)) return;
    nesting.nest([&] { state = nullptr; });
}

}  // namespace tandem::detail
