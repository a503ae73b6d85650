// SPDX-License-Identifier: BSL-1.0
// tandem/executor/thread_pool_core.hpp: the threads of a thread_pool and where they find work.        level 2
#pragma once

#include <tandem/core/fork_count.hpp>
#include <tandem/core/outcome.hpp>
#include <tandem/core/parker.hpp>
#include <tandem/executor/pool_errors.hpp>
#include <tandem/executor/pool_worker.hpp>
#include <tandem/executor/sleepers.hpp>
#include <tandem/executor/thread_pool_options.hpp>
#include <tandem/executor/work.hpp>
#include <tandem/executor/work_queue.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#if TANDEM_LINUX
#include <pthread.h>
#include <unistd.h>
#endif

namespace tandem::detail {

// Threads that each have a deque of jobs, and one queue for what comes from outside. A thread runs
// its newest own job first, else takes some from the queue, else steals another thread's oldest.
//
// Life: running -> closed (from outside nothing more) -> joining (threads leave when all is done);
// terminated is closed with everything abandoned. What the threads do is in thread_pool_run.hpp.
class thread_pool_core final : public executor_core {
   public:
    explicit thread_pool_core(thread_pool_options options)
        : initializer_(std::move(options.initializer)),
          errors_(std::move(options.on_error)),
          size_(options.workers),
          bounded_(options.queue_capacity != unbounded),
          queue_(options.queue_capacity),
          sleepers_(static_cast<std::size_t>(size_)) {
        for (int i = 0; i < size_; ++i) {
            workers_.push_back(std::make_unique<pool_worker>(*this, static_cast<std::uint32_t>(i)));
        }
    }

    // Starts the threads and waits until each is initialised. Throws: what an initializer threw,
    // std::system_error if a thread cannot be made; no thread is then left.
    void open(const std::string& name) {
        spinning_pays();      // asked before there are threads, so that no fork meets the question
        cancelled_pointer();  // made while there is memory
        terminated_pointer();
        try {
            threads_.reserve(workers_.size());
            for (const auto& worker : workers_) {
                threads_.emplace_back([self = ref<thread_pool_core>::share(this), &me = *worker] {
                    self->serve(me);
                });
                set_name(threads_.back(), name, std::to_string(threads_.size() - 1));
            }
        } catch (...) {
            stop_threads();
            throw;
        }
        if (!initializer_) return;
        changed_.wait_until([this] {
            std::lock_guard hold(mutex_);
            return initialised_ == threads_.size();
        });
        if (initializer_error_) {
            stop_threads();
            std::rethrow_exception(initializer_error_);
        }
    }

    // Whether the calling thread is in a call of this pool: one of its threads, or a guest.
    bool on_own_thread() const noexcept override { return own_worker() || guest::of(*this); }
    bool answers_soon() const noexcept override { return true; }
    // The worker that the calling thread is, if it is one of this pool.
    pool_worker* own_worker() const noexcept {
        auto* const me = pool_worker::current();
        return me && &me->pool == this ? me : nullptr;
    }
    void report(std::exception_ptr error) noexcept override { errors_.report(std::move(error)); }

    void start(ref<work> calls, std::size_t most_threads, admission from) override {
        const auto places = std::min(most_threads, workers_.size());
        for (std::size_t i = 1; i < places; ++i) calls->add_ref();
        put(calls.release(), places, from);
    }
    // Takes over a job that may be taken `places` times. Throws: pool_closed, std::bad_alloc; the
    // job is then let go.
    void put(job* item, std::size_t places, admission from) {
        admit(item, places, from, /*wait=*/true);
    }
    // Like start() of one call, but never waits for room. Returns false if there is none.
    bool try_start(ref<work> calls) {
        return admit(calls.release(), 1, admission::submitted, /*wait=*/false);
    }
    // A fork was pushed to a worker's deque.
    void fork_came() noexcept { sleepers_.work_came(); }

    void require_open() const override {
        check_process();
        {
            std::lock_guard hold(mutex_);
            if (admits(admission::outside)) return;
        }
        refuse();
    }
    void call_left() noexcept override {
        if (!bounded_) return;
        queue_.call_left();
        room_.notify_all();
    }
    bool caller_takes_part(bool timed) const noexcept override { return !initializer_ && !timed; }

    void take_part(work& calls, deadline until) noexcept override {
        const auto self = ref<work>::share(&calls);
        if (auto* const me = own_worker()) {
            if (until.is_never() && run_newest(*me, calls)) {
                // The other places at the same map, if no thread came for them.
                if (me->tasks.newest() == &calls) drop_empty_newest(*me);
                return;
            }
            me->running.begin();
            const auto made = pull_listed(me->running, calls, until);
            me->running.end();
            me->done.add(made.made - made.thrown);
            me->failed.add(made.thrown);
            drop_empty_newest(*me);
        } else {
            const guest here(*this);
            outside_begun_.fetch_add(1, std::memory_order_seq_cst);
            count_outside(pull_listed(outside_, calls, until));
            end_outside(1);
        }
    }

    bool wait_idle(deadline until) {
        check_process();
        if (on_own_thread()) throw invalid_state("wait_idle() in a task of the same pool");
        return changed_.wait_until([this] { return idle(); }, until);
    }

    int size() const noexcept override { return size_; }
    const char* kind() const noexcept override { return "thread_pool"; }
    const char* state_name() const noexcept override {
        static constexpr const char* names[] = {"running", "closed", "terminated"};
        return names[static_cast<int>(phase_.load(std::memory_order_acquire))];
    }
    pool_stats stats() const override {
        pool_stats now;
        if (forked()) return now;  // the locks may be held by threads that are not here
        now.done = outside_done_.load(std::memory_order_relaxed);
        now.failed = outside_failed_.load(std::memory_order_relaxed);
        for (const auto& worker : workers_) {
            now.done += worker->done.get();
            now.failed += worker->failed.get();
            now.queued += worker->tasks.size() + worker->inbox.size();
            worker->running.append_depths(pid(), now.running);
        }
        outside_.append_pulling(pid(), now.running);
        std::lock_guard hold(mutex_);
        now.queued += queue_.waiting();
        return now;
    }

    void close() override {
        if (forked()) return;
        {
            std::lock_guard hold(mutex_);
            if (phase_ == phase::running) phase_.store(phase::closed, std::memory_order_seq_cst);
        }
        room_.notify_all();
    }
    void terminate() override {
        if (!forked()) drop_all();
    }
    void join() override {
        if (forked()) return;
        if (phase_ == phase::running) {
            throw invalid_state("join() needs close() or terminate() first");
        }
        if (on_own_thread()) throw invalid_state("join() in a task of the same pool");
        stop_threads();
    }

    // The pool goes away in one of its own tasks: its threads end by themselves.
    void let_go() noexcept {
        std::lock_guard hold(mutex_);
        joining_.store(true, std::memory_order_seq_cst);
        for (auto& thread : threads_) thread.detach();
        threads_.clear();
    }
    // The pool is gone and so is what the user gave it, though some thread may keep a reference to
    // this: futures that are left tell stderr of what nobody catches.
    void forget_user() noexcept {
        errors_.forget();
        initializer_ = {};
    }
    bool forked() const noexcept { return forks_ != fork_count(); }

   private:
    enum class phase { running, closed, terminated };

    // While a thread that is none of the pool's makes calls of a map: these are calls of the pool
    // as any other. They may submit after close(), and help with what they wait for.
    class guest {
       public:
        explicit guest(const thread_pool_core& host) noexcept
            : host_(host), outer_(std::exchange(innermost(), this)) {
            ++pools_of_thread;
        }
        guest(const guest&) = delete;
        guest& operator=(const guest&) = delete;
        ~guest() {
            innermost() = outer_;
            --pools_of_thread;
        }
        static bool of(const thread_pool_core& pool) noexcept {
            const guest* at = innermost();
            while (at && &at->host_ != &pool) at = at->outer_;
            return at != nullptr;
        }

       private:
        static const guest*& innermost() noexcept {
            static thread_local constinit const guest* here = nullptr;
            return here;
        }
        const thread_pool_core& host_;
        const guest* outer_;
    };

    static int pid() noexcept {
#if TANDEM_LINUX
        return static_cast<int>(::getpid());
#else
        return 0;
#endif
    }
    static void set_name([[maybe_unused]] std::thread& thread,
                         [[maybe_unused]] const std::string& name,
                         [[maybe_unused]] const std::string& number) {
#if TANDEM_LINUX
        constexpr std::size_t longest = 15;
        const auto room = longest - std::min(longest, number.size() + 1);
        const auto full = name.substr(0, room) + "_" + number;
        ::pthread_setname_np(thread.native_handle(), full.c_str());
#endif
    }

    void check_process() const {
        if (forked()) throw pool_closed("thread_pool has no threads in a forked process");
    }
    // Whether work of that kind may come in. From outside, under mutex_.
    bool admits(admission from) const noexcept {
        const auto now = phase_.load(std::memory_order_acquire);
        if (now == phase::running) return !ended_;
        return now == phase::closed && !ended_ && (on_own_thread() || from == admission::continued);
    }
    [[noreturn]] void refuse() const {
        throw pool_closed(phase_ == phase::terminated
                              ? "thread_pool takes no more work: it was terminated"
                              : "thread_pool takes no more work: it was closed");
    }

    bool admit(job* item, std::size_t places, admission from, bool wait);
    void push_own(pool_worker& me, job* item, std::size_t places);
    void drop_all() noexcept;
    struct removed_jobs;

    void serve(pool_worker& me) noexcept;
    void initialise() noexcept;
    void run(pool_worker& me, job* item) noexcept;
    bool run_own(pool_worker& me) noexcept;
    job* take_from_queue(pool_worker& me) noexcept;
    job* take_from_another(pool_worker& me) noexcept;
    bool search(pool_worker& me) noexcept;
    bool steal(pool_worker& me) noexcept;
    bool run_newest(pool_worker& me, work& calls) noexcept;
    void drop_empty_newest(pool_worker& me) noexcept;

    bool has_work() const noexcept;
    bool idle() const noexcept;
    void ran_dry(pool_worker& me) noexcept;
    void count_outside(job::tally made) noexcept;
    void end_outside(std::size_t count) noexcept;
    void tell_if_idle() noexcept;
    void stop_threads() noexcept;

    bound_call initializer_;
    pool_errors errors_;
    const int size_;
    const bool bounded_;
    const unsigned forks_ = fork_count();
    std::vector<std::unique_ptr<pool_worker>> workers_;

    std::mutex join_mutex_;  // held while the threads are joined; guards nothing else

    mutable std::mutex mutex_;  // guards what follows, except atomics that say more
    work_queue queue_;
    std::size_t initialised_ = 0;
    std::exception_ptr initializer_error_;
    std::vector<std::thread> threads_;
    // Written under mutex_; read by workers without it before they submit and run (acquire).
    std::atomic<phase> phase_{phase::running};
    // false, then true: threads leave as soon as the pool is idle, and are leaving. Written under
    // mutex_. seq_cst: see tell_if_idle() and basic_sleepers.
    std::atomic<bool> joining_{false};
    std::atomic<bool> ended_{false};

    // What threads that are none of the pool's took part in, and jobs that terminate() dropped.
    // Raised by them; seq_cst with idle(), the last two for statistics.
    std::atomic<std::size_t> outside_begun_{0};
    std::atomic<std::size_t> outside_ended_{0};
    std::atomic<std::size_t> outside_done_{0};
    std::atomic<std::size_t> outside_failed_{0};
    running_calls outside_;

    sleepers sleepers_;   // the threads
    wait_point room_;     // submitters, for room in the queue
    wait_point changed_;  // wait_idle() and open()
};

}  // namespace tandem::detail
