// SPDX-License-Identifier: BSL-1.0
// tandem/executor/thread_pool_core.hpp: the threads of a thread_pool and the queue they pull from.        level 2
#pragma once

#include <tandem/core/fork_count.hpp>
#include <tandem/core/outcome.hpp>
#include <tandem/core/parker.hpp>
#include <tandem/executor/thread_pool_options.hpp>
#include <tandem/executor/work.hpp>
#include <tandem/executor/work_queue.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
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

// One queue of works for all threads. A thread takes a place at the front work and pulls calls from
// it until there are none; a work stays in front until it has as many threads as it can use.
//
// Life: running -> closed (from outside nothing more) -> joining (threads leave when there is
// nothing left); terminated is closed with everything abandoned.
class thread_pool_core final : public executor_core {
   public:
    explicit thread_pool_core(thread_pool_options options)
        : initializer_(std::move(options.initializer)),
          on_error_(std::move(options.on_error)),
          size_(options.workers),
          queue_(options.queue_capacity) {}

    // Starts the threads and waits until each is initialised. Throws: what an initializer threw,
    // std::system_error if a thread cannot be made; no thread is then left.
    void open(const std::string& name) {
        try {
            threads_.reserve(static_cast<std::size_t>(size_));
            for (int i = 0; i < size_; ++i) {
                threads_.emplace_back([self = ref<thread_pool_core>::share(this)] {
                    current() = self.get();
                    self->serve();
                    current() = nullptr;
                });
                set_name(threads_.back(), name, std::to_string(i));
            }
        } catch (...) {
            {
                std::lock_guard hold(mutex_);
                serving_ = threads_.size();
            }
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

    bool on_own_thread() const noexcept override { return current() == this; }
    void report(std::exception_ptr error) noexcept override {
        if (!on_error_) return report_unheard(error);
        try {
            on_error_(std::move(error));
        } catch (...) {
            report_unheard(std::current_exception());
        }
    }

    void start(ref<work> calls, std::size_t most_threads, admission from) override {
        admit(std::move(calls), most_threads, from, /*wait=*/true);
    }
    // Like start() of one call, but never waits for room. Returns false if there is none.
    bool try_start(ref<work> calls) {
        return admit(std::move(calls), 1, admission::submitted, /*wait=*/false);
    }

    void require_open() const override {
        check_process();
        {
            std::lock_guard hold(mutex_);
            if (admits(admission::outside)) return;
        }
        refuse();
    }
    bool caller_takes_part(bool timed) const noexcept override { return !initializer_ && !timed; }

    void take_part(work& calls, deadline until) noexcept override {
        const auto self = ref<work>::share(&calls);
        {
            std::lock_guard hold(mutex_);
            active_.push_back({self, std::chrono::steady_clock::now()});
        }
        pull(calls, until);
        end(self);
    }

    bool wait_idle(deadline until) {
        check_process();
        if (on_own_thread()) throw invalid_state("wait_idle() in a task of the same pool");
        return changed_.wait_until(
            [this] {
                drop_finished();
                std::lock_guard hold(mutex_);
                return queue_.empty() && active_.empty() && ending_ == 0;
            },
            until);
    }

    int size() const noexcept override { return size_; }
    const char* kind() const noexcept override { return "thread_pool"; }
    const char* state_name() const noexcept override {
        static constexpr const char* names[] = {"running", "closed", "terminated"};
        std::lock_guard hold(mutex_);
        return names[static_cast<int>(phase_)];
    }
    pool_stats stats() const override {
        std::lock_guard hold(mutex_);
        pool_stats now;
        now.done = done_;
        now.failed = failed_;
        const auto time = std::chrono::steady_clock::now();
        for (const auto& one : active_) now.running.push_back({pid(), time - one.since});
        now.queued = queue_.unclaimed();
        return now;
    }

    void close() override {
        if (forked()) return;
        std::lock_guard hold(mutex_);
        if (phase_ == phase::running) phase_ = phase::closed;
    }
    void terminate() override {
        if (forked()) return;
        work_queue::removed waiting;
        std::vector<active> running;
        {
            std::lock_guard hold(mutex_);
            phase_ = phase::terminated;
            waiting = queue_.clear();
            running = active_;
        }
        room_.notify_all();
        changed_.notify_all();
        const auto why = std::make_exception_ptr(cancelled_error("the pool was terminated"));
        std::size_t ended = 0;
        for (const auto& calls : waiting) ended += calls->abandon(why);
        for (const auto& one : running) ended += one.calls->abandon(why);
        std::lock_guard hold(mutex_);
        failed_ += ended;
    }
    void join() override {
        if (forked()) return;
        {
            std::lock_guard hold(mutex_);
            if (phase_ == phase::running) {
                throw invalid_state("join() needs close() or terminate() first");
            }
        }
        if (on_own_thread()) throw invalid_state("join() in a task of the same pool");
        stop_threads();
    }

    // The pool goes away in one of its own tasks: its threads end by themselves.
    void let_go() noexcept {
        std::lock_guard hold(mutex_);
        joining_ = true;
        for (auto& thread : threads_) thread.detach();
        threads_.clear();
        ready_.notify_all();
    }
    bool forked() const noexcept { return forks_ != fork_count(); }

   private:
    enum class phase { running, closed, terminated };
    struct active {
        ref<work> calls;
        std::chrono::steady_clock::time_point since;
    };

    // Which pool the calling thread belongs to.
    static thread_pool_core*& current() noexcept {
        static thread_local thread_pool_core* pool = nullptr;
        return pool;
    }
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
    // Whether work of that kind may come in. Under mutex_.
    bool admits(admission from) const noexcept {
        if (phase_ == phase::running) return !joining_;
        return phase_ == phase::closed && serving_ != 0 &&
               (on_own_thread() || from == admission::continued);
    }
    [[noreturn]] void refuse() const {
        std::lock_guard hold(mutex_);
        throw pool_closed(phase_ == phase::terminated
                              ? "thread_pool takes no more work: it was terminated"
                              : "thread_pool takes no more work: it was closed");
    }

    bool admit(ref<work> calls, std::size_t most_threads, admission from, bool wait) {
        check_process();
        work_queue::removed finished;
        bool pushed = false;
        const auto push_or_refuse = [&] {
            std::lock_guard hold(mutex_);
            if (!admits(from)) return true;
            pushed = queue_.push(calls, most_threads, from == admission::submitted, finished);
            return pushed;
        };
        if (!push_or_refuse()) {
            if (!wait) return false;
            if (on_own_thread()) {
                // A worker that waited for room might wait for itself.
                take_part(*calls, deadline::never());
                return true;
            }
            room_.wait_until(push_or_refuse);
        }
        if (!pushed) refuse();
        if (!finished.empty()) room_.notify_all();
        const auto wanted = std::min(most_threads, static_cast<std::size_t>(size_));
        for (std::size_t i = 0; i < wanted; ++i) ready_.notify_one();
        return true;
    }

    void serve() noexcept {
        initialise();
        while (auto calls = next()) {
            pull(*calls, deadline::never());
            end(std::move(calls));
        }
    }

    void initialise() noexcept {
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

    // The next work to pull from, null when the thread shall leave.
    ref<work> next() noexcept {
        for (;;) {
            const auto ticket = ready_.prepare();
            bool leave = false;
            auto calls = try_next(leave);
            if (calls || leave) {
                ready_.cancel();
                return calls;
            }
            ready_.wait(ticket);
        }
    }
    ref<work> try_next(bool& leave) noexcept {
        work_queue::removed finished;
        ref<work> found;
        {
            std::lock_guard hold(mutex_);
            found = queue_.take(finished);
            if (found) {
                active_.push_back({found, std::chrono::steady_clock::now()});
            } else {
                leave = joining_ && active_.empty();
                if (leave) --serving_;
            }
        }
        if (!finished.empty()) {
            room_.notify_all();
            changed_.notify_all();
        }
        return found;
    }
    void drop_finished() noexcept {
        work_queue::removed finished;
        {
            std::lock_guard hold(mutex_);
            queue_.drop_empty_at_front(finished);
        }
        if (!finished.empty()) room_.notify_all();
    }

    void pull(work& calls, deadline until) noexcept {
        std::size_t made = 0;
        std::size_t thrown = 0;
        const auto most = std::max<std::size_t>(1, calls.chunk_size());
        while (!until.expired()) {
            const auto claimed = calls.claim(most);
            if (claimed.count == 0) break;
            made += claimed.count;
            thrown += calls.run(claimed);
        }
        std::lock_guard hold(mutex_);
        done_ += made - thrown;
        failed_ += thrown;
    }
    // The calling thread pulls no more. The work goes before the pool counts as idle.
    void end(ref<work> calls) noexcept {
        bool idle = false;
        ref<work> last;
        {
            std::lock_guard hold(mutex_);
            const auto it = std::ranges::find_if(
                active_, [&](const active& one) { return one.calls == calls; });
            std::swap(*it, active_.back());
            last = std::move(active_.back().calls);
            active_.pop_back();
            ++ending_;
        }
        calls = {};
        last = {};
        {
            std::lock_guard hold(mutex_);
            --ending_;
            idle = active_.empty() && ending_ == 0;
        }
        if (!idle) return;
        changed_.notify_all();
        ready_.notify_all();  // who may leave now
    }

    void stop_threads() noexcept {
        std::lock_guard alone(join_mutex_);  // no join() returns before the threads are gone
        std::vector<std::thread> leaving;
        {
            std::lock_guard hold(mutex_);
            joining_ = true;
            leaving.swap(threads_);
        }
        ready_.notify_all();
        for (auto& thread : leaving) thread.join();
    }

    const bound_call initializer_;
    const std::function<void(std::exception_ptr)> on_error_;
    const int size_;
    const unsigned forks_ = fork_count();

    std::mutex join_mutex_;  // held while the threads are joined; guards nothing else

    mutable std::mutex mutex_;  // guards the fields down to threads_
    work_queue queue_;
    std::vector<active> active_;
    std::size_t ending_ = 0;  // threads that let a work go
    phase phase_ = phase::running;
    bool joining_ = false;
    std::size_t serving_ = static_cast<std::size_t>(size_);  // threads that have not left
    std::size_t done_ = 0;
    std::size_t failed_ = 0;
    std::size_t initialised_ = 0;
    std::exception_ptr initializer_error_;
    std::vector<std::thread> threads_;

    wait_point ready_;    // threads, for a work or for leave to go
    wait_point room_;     // submitters, for room in the queue
    wait_point changed_;  // wait_idle() and open()
};

}  // namespace tandem::detail
