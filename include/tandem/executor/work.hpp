// SPDX-License-Identifier: BSL-1.0
// tandem/executor/work.hpp: what executors run: a source of calls, whatever runs them.        level 2
#pragma once

#include <tandem/core/deadline.hpp>
#include <tandem/core/error.hpp>
#include <tandem/executor/job.hpp>
#include <tandem/executor/pool_stats.hpp>
#include <tandem/executor/running_calls.hpp>
#include <tandem/future/state.hpp>
#include <tandem/ipc/codec.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <utility>
#include <vector>

namespace tandem {

namespace detail {

// Some calls of one work, by their places: [first, first + count).
struct call_range {
    std::size_t first = 0;
    std::size_t count = 0;
};

// A source of calls that executors pull from: one for submit, many for map. A claimed call ends
// exactly once: by run(), by deliver() or fail(), or it goes back by give_back().
// It is part of a future_state, which owns it and is its result. In a thread pool's queue it is a
// place for one thread at it, and a reference.
class work : public job {
   public:
    explicit work(future_state& owner) noexcept : owner_(owner) {}
    work(const work&) = delete;
    work& operator=(const work&) = delete;

    void add_ref() const noexcept { owner_.add_ref(); }
    void drop_ref() const noexcept { owner_.drop_ref(); }
    future_state& owner() const noexcept { return owner_; }

    // Takes up to `most` calls that nobody has begun; an empty range when there are none.
    virtual call_range claim(std::size_t most) noexcept = 0;
    // How many calls could be claimed now; a hint.
    virtual std::size_t unclaimed() const noexcept = 0;
    // Makes the claimed calls, here; those that are not wanted any more are left out.
    virtual job::tally run(call_range calls) noexcept = 0;
    // Ends all calls that nobody has claimed with `why`, and asks those that run to stop.
    // Returns how many it ended.
    virtual std::size_t abandon(std::exception_ptr why) noexcept = 0;

    // How many calls one thread should take at once, of those that nobody has begun.
    virtual std::size_t fair_share() const noexcept { return 1; }

    // Whether a call that fails makes those behind it superfluous.
    virtual bool first_failure_counts() const noexcept { return false; }

    // The remote half, for executors that ship.

    // How many calls one message should hold: 0 if the executor decides.
    virtual std::size_t chunk_size() const noexcept { return 0; }
    // Writes what names the call. Throws: codec_error.
    virtual void encode_call(writer&) const {}
    // Writes the arguments of one claimed call. Throws what the user's encoder throws.
    virtual void encode_arguments(std::size_t, writer&) {}
    // Ends a claimed call with the result that these bytes hold, or with what is wrong with them.
    // Returns whether it holds a result.
    virtual bool deliver(std::size_t, reader&) noexcept { return false; }
    // Ends a claimed call with an exception.
    virtual void fail(std::size_t, std::exception_ptr) noexcept {}
    // Takes back claimed calls that were not begun.
    virtual void give_back(call_range) noexcept {}

    // What the calls took so far. Written by the executor that ships them; 0 if not measured.
    std::uint64_t mean_ns() const noexcept {
        const auto calls = timed_calls_.load(std::memory_order_relaxed);
        return calls ? timed_ns_.load(std::memory_order_relaxed) / calls : 0;
    }
    // How many calls that is known of.
    std::uint64_t timed_calls() const noexcept {
        return timed_calls_.load(std::memory_order_relaxed);
    }
    void add_time(std::uint64_t calls, std::uint64_t ns) noexcept {
        timed_ns_.fetch_add(ns, std::memory_order_relaxed);
        timed_calls_.fetch_add(calls, std::memory_order_relaxed);
    }

    // A place in a queue.

    tally execute(running_calls& here) noexcept override;
    std::size_t drop(const std::exception_ptr& why) noexcept override {
        const auto ended = abandon(why);
        drop_ref();
        return ended;
    }
    void let_go() noexcept override { drop_ref(); }
    std::size_t waiting() const noexcept override { return unclaimed(); }

   protected:
    ~work() = default;

   private:
    future_state& owner_;
    // Sums, for an estimate: relaxed, and read one after the other.
    std::atomic<std::uint64_t> timed_ns_{0};
    std::atomic<std::uint64_t> timed_calls_{0};
};

// Makes calls of a work until nobody has left one to begin, or until `until`. Chunks of a given
// size if the work says so; else they begin with one call and double while they take less than some
// microseconds, up to this thread's fair share of what is left: one look at the clock a chunk, and
// no slow call has many behind it. (Guided self-scheduling, Polychronopoulos and Kuck, 1987.)
inline job::tally pull(work& calls, deadline until) noexcept {
    using namespace std::chrono_literals;
    using clock = std::chrono::steady_clock;
    job::tally total;
    const std::size_t given = calls.chunk_size();
    std::size_t most = std::max<std::size_t>(given, 1);
    // Where few are left there is nothing to measure.
    bool measured = given == 0 && calls.fair_share() > 1;
    auto begun = measured ? clock::now() : clock::time_point();
    while (!until.expired()) {
        const auto claimed = calls.claim(measured ? std::min(most, calls.fair_share()) : most);
        if (claimed.count == 0) break;
        const auto made = calls.run(claimed);
        total.made += made.made;
        total.thrown += made.thrown;
        if (!measured) continue;
        const auto now = clock::now();
        const auto took = now - std::exchange(begun, now);
        if (took < 8us) {
            // What was less than asked for says nothing of more, and there may be much of it: a
            // doubling for each would come to nothing in the end, after 64.
            if (claimed.count == most) most *= 2;
        } else if (took > 32us) {
            most = std::max<std::size_t>(1, most / 2);
        }
        if (most == 1) measured = calls.fair_share() > 1;
    }
    return total;
}

// What calls end with that a terminated pool does not make; made once, as cancelled_pointer() is.
inline const std::exception_ptr& terminated_pointer() noexcept {
    static const auto shared = std::make_exception_ptr(cancelled_error("the pool was terminated"));
    return shared;
}

// Makes calls of a work where terminate() finds it; if that has been and gone, nobody would end the
// calls that are left but this thread.
template <class Make>
job::tally make_listed(running_calls& here, work& calls, Make make) noexcept {
    const running_calls::pulling listed(here, calls);
    if (listed.open()) return make();
    const auto ended = calls.abandon(terminated_pointer());
    return {ended, ended};
}
inline job::tally pull_listed(running_calls& here, work& calls, deadline until) noexcept {
    return make_listed(here, calls, [&] { return pull(calls, until); });
}

inline job::tally work::execute(running_calls& here) noexcept {
    const auto made = pull_listed(here, *this, deadline::never());
    drop_ref();
    return made;
}

// Where work comes from: the user (one submitted call, which counts against a bounded queue, or a
// map), or a lazy map that was begun before the pool was closed.
enum class admission { submitted, outside, continued };

// What the algorithms need of an executor. Outlives the executor while futures refer to it.
class executor_core : public executor_context {
   public:
    // Makes `calls` run: up to `most_threads` threads may pull from it, or as many processes as
    // there are. Throws: pool_closed, broken_pool.
    virtual void start(ref<work> calls, std::size_t most_threads,
                       admission from = admission::outside) = 0;
    // Throws what start() would, from outside.
    virtual void require_open() const = 0;
    // Whether calls go to other processes, as bytes.
    virtual bool ships() const noexcept { return false; }
    // Whether a thread that waits for a map should take part in it. If the wait is timed, nobody
    // ends the map in time while that thread is in one of its calls.
    virtual bool caller_takes_part(bool /*timed*/) const noexcept { return false; }
    // Makes the unbegun calls of a work in the calling thread, until there are none or `until`.
    virtual void take_part(work&, deadline /*until*/) noexcept {}
    // A submitted call was cancelled, or begun by who waits for it, where it waited.
    virtual void call_left() noexcept {}
    // Called by a thread that waits for a work: does the same if it is a worker of this executor.
    void help(work& calls) noexcept {
        if (on_own_thread()) take_part(calls, deadline::never());
    }
    // How many elements a lazy map reads ahead when nothing is known of its calls.
    virtual std::size_t least_window() const noexcept {
        return 2 * static_cast<std::size_t>(size());
    }
    // Ends with `why` the calls of a work that were handed out but not begun, and, where that can
    // be, kills those that run. Returns whether no call of it runs any more.
    virtual bool stop(work&, const std::exception_ptr& /*why*/, bool /*kill_running*/) noexcept {
        return false;
    }

    virtual int size() const noexcept = 0;
    virtual const char* kind() const noexcept = 0;
    virtual const char* state_name() const noexcept = 0;
    virtual pool_stats stats() const = 0;
    virtual void close() = 0;
    virtual void join() = 0;
    virtual void terminate() = 0;
};

// How the library gets at the core of an executor, which is private.
struct executor_access {
    template <class Executor>
    static auto core(const Executor& executor) noexcept -> decltype(executor.core()) {
        return executor.core();
    }
};

// Runs the calls of a map and waits for them. Threads never outlive what they were lent: after a
// time-out, this waits for the calls that run.
template <class Map>
void run_to_end(executor_core& core, Map& calls, deadline until) {
    if (calls.size() == 0) return calls.finish_if_empty();
    const bool own = core.on_own_thread();
    const bool part = own || core.caller_takes_part(!until.is_never());
    const auto most = std::min(calls.size(), static_cast<std::size_t>(core.size()));
    const auto others = part && !own ? most - 1 : most;
    if (others > 0) core.start(ref<work>::share(&calls), others);
    if (part) core.take_part(calls, until);
    if (calls.wait(until)) return;
    const auto why = std::make_exception_ptr(timeout_error("the map did not end in time"));
    calls.abandon(why);
    core.stop(calls, why, /*kill_running=*/true);
    calls.wait();
}

}  // namespace detail
}  // namespace tandem
