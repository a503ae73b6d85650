// SPDX-License-Identifier: BSL-1.0
// tandem/executor/thread_pool_run.hpp: how work comes to the threads of a pool and what they do.        level 2
#pragma once

#include <tandem/executor/thread_pool_core.hpp>

#include <algorithm>
#include <iterator>

namespace tandem::detail {

// Work comes in

// Jobs without calls, cancelled or made by those that waited for them, are let go when the mutex
// is free.
struct thread_pool_core::removed_jobs {
    ~removed_jobs() {
        if (items.empty()) return;
        for (job* const item : items) item->let_go();
        pool.end_outside(items.size());
    }
    thread_pool_core& pool;
    work_queue::removed items;
};

// Returns whether it did; false only if there is no room and the caller does not want to wait.
inline bool thread_pool_core::admit(job* item, std::size_t places, admission from, bool wait) {
    // What does not come in is let go, as often as it would have been taken.
    struct guard {
        ~guard() {
            while (left-- != 0) item->let_go();
        }
        job* item;
        std::size_t left;
    } refused{item, places};
    check_process();
    auto* const me = own_worker();
    if (me && !bounded_) {
        if (!admits(from)) refuse();
        refused.left = 0;
        push_own(*me, item, places);
        return true;
    }
    bool open = true;
    const auto push_or_refuse = [&] {
        removed_jobs empty{*this, {}};
        std::lock_guard hold(mutex_);
        open = admits(from);
        return !open || queue_.push(item, places, from == admission::submitted, empty.items);
    };
    bool pushed = push_or_refuse();
    const bool inside = on_own_thread();
    if (!pushed && wait && !inside) pushed = room_.wait_until(push_or_refuse);
    if (!open) refuse();
    if (!pushed && !wait) return false;
    refused.left = 0;
    if (pushed) {
        sleepers_.work_came();
    } else if (me) {
        // A worker that waited for room might wait for itself.
        me->submitted.add(1);
        run(*me, item);
    } else {
        count_outside(item->execute(outside_));  // a guest might, too
    }
    return true;
}

// Pushes a worker's own job, which waits in no queue but its own.
inline void thread_pool_core::push_own(pool_worker& me, job* item, std::size_t places) {
    // Counted before it can be finished.
    me.submitted.add(places);
    std::size_t pushed = 0;
    try {
        for (; pushed < places; ++pushed) me.tasks.push(item);
    } catch (...) {
        me.finished.add(places - pushed);
        for (auto left = places - pushed; left != 0; --left) item->let_go();
        if (pushed == 0) throw;  // else fewer threads will do
    }
    sleepers_.work_came();
}

// What a thread does

inline void thread_pool_core::serve(pool_worker& me) noexcept {
    pool_worker::current() = &me;
    pools_of_thread = 1;
    // From now on this thread keeps references to this pool for its calls.
    context_ref::drop(context_ref::take<executor_context>(*this).release());
    initialise();
    while (run_own(me) || search(me)) {
    }
    pools_of_thread = 0;
    pool_worker::current() = nullptr;
}

inline void thread_pool_core::initialise() noexcept {
    if (!initializer_) return;
    outcome<void> made;
    made.capture(initializer_);
    auto error = made.error();
    {
        std::lock_guard hold(mutex_);
        ++initialised_;
        if (!initializer_error_) std::swap(initializer_error_, error);
    }
    if (error) report(std::move(error));  // one is thrown, no other is lost
    changed_.notify_all();
}

inline void thread_pool_core::run(pool_worker& me, job* item) noexcept {
    job::tally made;
    if (phase_.load(std::memory_order_acquire) != phase::terminated) {
        me.running.begin();
        made = item->execute(me.running);
        me.running.end();
    } else {
        made.thrown = made.made = item->drop(terminated_pointer());
    }
    if (made.made != made.thrown) me.done.add(made.made - made.thrown);
    if (made.thrown) me.failed.add(made.thrown);
    me.finished.add(1);
}

// Runs a job of this thread's own, or takes one from the queue. Returns whether there was one.
inline bool thread_pool_core::run_own(pool_worker& me) noexcept {
    // Tasks that submit tasks for ever are the newest for ever. So now and then something else is
    // first: what came from outside, this thread's oldest, or the oldest of one that is long busy.
    const auto turn = ++me.turn % 192;
    job* item = nullptr;
    if (turn == 64) item = me.tasks.steal();
    if (turn == 128) item = take_from_another(me);
    if (!item && turn != 0) item = me.tasks.pop();
    if (!item) item = me.inbox.pop();
    if (!item) item = take_from_queue(me);
    if (!item && turn == 0) item = me.tasks.pop();
    if (!item) return false;
    run(me, item);
    return true;
}

// Takes the oldest job, and more for this thread's inbox where many wait: they are run in the order
// in which they came. Null if there is none. Requires: the inbox is empty.
inline job* thread_pool_core::take_from_queue(pool_worker& me) noexcept {
    constexpr std::size_t most = 64;
    if (queue_.empty()) return nullptr;
    job* taken[most];
    std::size_t count = 0;
    {
        std::unique_lock hold(mutex_, std::try_to_lock);
        // Submitters hold it for a moment; whoever sleeps for it costs both much more.
        for (int i = 0; i < 64 && !hold && spinning_pays(); ++i) {
            relax();
            hold.try_lock();
        }
        if (!hold) hold.lock();
        const auto share = queue_.size() / (2 * workers_.size()) + 1;
        count = queue_.take(taken, bounded_ ? 1 : std::min(share, most));
    }
    if (count == 0) return nullptr;
    if (bounded_) room_.notify_all();
    for (auto i = count - 1; i > 0; --i) me.inbox.push(taken[i]);  // empty, so it need not grow
    if (count > 1) sleepers_.work_came();
    return taken[0];
}

// Another thread's oldest job, if the one that is asked has any.
inline job* thread_pool_core::take_from_another(pool_worker& me) noexcept {
    const auto others = workers_.size() - 1;
    if (others == 0) return nullptr;
    auto& other = *workers_[(me.number + 1 + me.next_random() % others) % workers_.size()];
    job* const item = other.tasks.steal();
    return item ? item : other.inbox.steal();
}

// Looks everywhere, sleeps and looks again, until it has run something. Returns false when the
// thread shall leave.
inline bool thread_pool_core::search(pool_worker& me) noexcept {
    ran_dry(me);
    const bool alone = sleepers_.begin_search();
    const auto look = [this] { return has_work() || ended_.load(std::memory_order_seq_cst); };
    for (;;) {
        if (alone) me.search.until(look);  // one that spins is enough
        if (steal(me)) return true;
        if (ended_.load(std::memory_order_seq_cst)) break;
        if (!has_work()) sleepers_.sleep(me.number, look);
    }
    sleepers_.end_search();
    return false;
}

// Runs a job or a fork from the queue or of another thread, if there is one. A searching thread
// counts itself out first.
inline bool thread_pool_core::steal(pool_worker& me) noexcept {
    job* item = take_from_queue(me);
    fork* forked = nullptr;
    const auto first = me.next_random() % workers_.size();
    for (std::size_t i = 0; i < workers_.size() && !item && !forked; ++i) {
        auto& other = *workers_[(first + i) % workers_.size()];
        forked = other.forks.steal();
        if (!forked) item = other.tasks.steal();
        if (!forked && !item) item = other.inbox.steal();
    }
    if (!item && !forked) return false;
    if (sleepers_.end_search() && has_work()) sleepers_.work_came();
    if (forked) {
        forked->run_stolen();
    } else {
        run(me, item);
    }
    return true;
}

// A worker that waits for a work: runs it if it is what the worker submitted last.
inline bool thread_pool_core::run_newest(pool_worker& me, work& calls) noexcept {
    job* const newest = me.tasks.pop();
    if (newest == &calls) {
        run(me, newest);
        return true;
    }
    if (newest) {
        me.tasks.push(newest);  // where it was: no growth
        sleepers_.work_came();  // it was out of sight
    }
    return false;
}

// What a long task submits and waits for leaves jobs without calls: they do not pile up.
inline void thread_pool_core::drop_empty_newest(pool_worker& me) noexcept {
    while (job* const newest = me.tasks.pop()) {
        if (newest->waiting() != 0) {
            me.tasks.push(newest);  // as above
            sleepers_.work_came();
            return;
        }
        newest->let_go();
        me.finished.add(1);
    }
}

// Idle, or at the end

inline bool thread_pool_core::has_work() const noexcept {
    if (!queue_.empty()) return true;
    for (const auto& worker : workers_) {
        if (worker->forks.size() + worker->tasks.size() + worker->inbox.size() != 0) return true;
    }
    return false;
}

// Whether all that ever came is done with. What is done is added up first: each of it came before,
// and so did what it submitted itself. If what came, added up later, is no more, then it is the
// same: nothing is left.
inline bool thread_pool_core::idle() const noexcept {
    std::size_t done = outside_ended_.load(std::memory_order_seq_cst);
    for (const auto& worker : workers_) done += worker->finished.get();
    std::size_t came = outside_begun_.load(std::memory_order_seq_cst) + queue_.pushed();
    for (const auto& worker : workers_) came += worker->submitted.get();
    return done == came;
}

inline void thread_pool_core::ran_dry(pool_worker& me) noexcept {
    me.finished.publish();
    tell_if_idle();
}
inline void thread_pool_core::count_outside(job::tally made) noexcept {
    outside_done_.fetch_add(made.made - made.thrown, std::memory_order_relaxed);
    outside_failed_.fetch_add(made.thrown, std::memory_order_relaxed);
}
inline void thread_pool_core::end_outside(std::size_t count) noexcept {
    outside_ended_.fetch_add(count, std::memory_order_seq_cst);
    tell_if_idle();
}

// After counting up what is done, by a seq_cst operation: either this sees who waits for that, or
// they see the count.
inline void thread_pool_core::tell_if_idle() noexcept {
    changed_.notify_all();
    if (!joining_.load(std::memory_order_seq_cst)) return;
    {
        std::lock_guard hold(mutex_);  // from outside nothing comes in meanwhile
        if (!idle()) return;
        ended_.store(true, std::memory_order_seq_cst);
    }
    sleepers_.wake_all();
}

inline void thread_pool_core::stop_threads() noexcept {
    std::lock_guard alone(join_mutex_);  // no join() returns before the threads are gone
    std::vector<std::thread> leaving;
    {
        std::lock_guard hold(mutex_);
        joining_.store(true, std::memory_order_seq_cst);
        leaving.swap(threads_);
    }
    tell_if_idle();
    for (auto& thread : leaving) thread.join();
}

// Takes no memory: there may be none.
inline void thread_pool_core::drop_all() noexcept {
    {
        std::lock_guard hold(mutex_);
        phase_.store(phase::terminated, std::memory_order_seq_cst);
    }
    room_.notify_all();
    const auto& why = terminated_pointer();
    std::size_t dropped = 0;
    std::size_t ended = 0;
    const auto drop = [&](job* item) {
        ended += item->drop(why);
        ++dropped;
    };
    for (;;) {
        job* some[64];
        std::size_t count = 0;
        {
            std::lock_guard hold(mutex_);
            count = queue_.take(some, std::size(some));
        }
        if (count == 0) break;
        std::for_each_n(some, count, drop);
    }
    for (const auto& worker : workers_) {
        for (auto* const jobs : {&worker->inbox, &worker->tasks}) {
            while (job* const item = jobs->steal()) drop(item);
        }
    }
    const auto ask = [&](running_calls& list) {
        ref<work> asked;
        while (list.close([&](work& calls) { asked = ref<work>::share(&calls); })) {
            ended += asked->abandon(why);
            asked = nullptr;
        }
    };
    for (const auto& worker : workers_) ask(worker->running);
    ask(outside_);
    outside_failed_.fetch_add(ended, std::memory_order_relaxed);
    end_outside(dropped);
}

}  // namespace tandem::detail
