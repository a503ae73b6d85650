// SPDX-License-Identifier: BSL-1.0
// tandem/pool/process_pool_core.hpp: who in a process_pool gets which call, and what became of it.        level 3
#pragma once

#include <tandem/core/fork_count.hpp>
#include <tandem/core/parker.hpp>
#include <tandem/executor/work.hpp>
#include <tandem/ipc/exception_codec.hpp>
#include <tandem/pool/callback_thread.hpp>
#include <tandem/pool/worker_set.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace tandem::detail {

// The pool's books: works with unclaimed calls in a queue, workers with the chunks they have. Users
// put works in and take calls back under the mutex; process_pool_manager's thread hands calls out
// and brings results home. No future is completed and no user's code runs under the mutex.
//
// Life: running -> closed (from outside nothing more) -> joining (workers leave when all is done);
// terminated and broken end every call that has not ended, at once.
class process_pool_core : public executor_core {
   public:
    explicit process_pool_core(process_pool_options options)
        : limits_(checked_limits(options)),
          on_progress_(std::move(options.on_progress)),
          on_error_(std::move(options.on_error)),
          size_(options.workers),
          cpu_seconds_(static_cast<std::uint32_t>(
              std::clamp<std::int64_t>(options.cpu_limit.count(), 0, 1'000'000'000))),
          stderr_(options.stderr_tail),
          wake_(make_eventfd()),
          workers_(start_of(options)) {}

    bool ships() const noexcept override { return true; }
    int size() const noexcept override { return size_; }
    const char* kind() const noexcept override { return "process_pool"; }
    const char* state_name() const noexcept override {
        std::lock_guard hold(mutex_);
        switch (phase_) {
            case phase::running:
                return "running";
            case phase::closed:
                return "closed";
            case phase::terminated:
                return "terminated";
            default:
                return "broken";
        }
    }

    void post(future_state& state, callback_list& list) noexcept override {
        callbacks_.post(state, list);
    }
    void report(std::exception_ptr error) noexcept override {
        if (!on_error_) return report_unheard(error);
        try {
            on_error_(std::move(error));
        } catch (...) {
            report_unheard(std::current_exception());
        }
    }

    void start(ref<work> calls, std::size_t, admission from) override {
        start_with(std::move(calls), limits_, from);
    }
    // The same with limits of its own.
    void start_with(ref<work> calls, const call_limits& limits, admission from) {
        check_process();
        {
            std::lock_guard hold(mutex_);
            require_admission(from);
            queue_.push_back({std::move(calls), limits});
            // A manager that has nobody to give it to finds it when somebody has room.
            const bool room = std::ranges::any_of(workers_.all(),
                                                  [](const auto& one) { return one->has_room(); });
            if (!room) return;
        }
        wake();
    }
    // Makes each call on a worker of its own: the i-th in the i-th slot, whoever is there by then.
    void start_on_each(std::vector<ref<work>> calls) {
        check_process();
        {
            std::lock_guard hold(mutex_);
            require_admission(admission::outside);
            int slot = 0;
            for (auto& one : calls) {
                one->claim(1);
                alone_.push_back({std::move(one), 0, limits_, {}, slot++});
            }
        }
        wake();
    }
    const call_limits& limits() const noexcept { return limits_; }
    void require_open() const override {
        check_process();
        std::lock_guard hold(mutex_);
        require_admission(admission::outside);
    }

    bool stop(work& calls, const std::exception_ptr& why, bool kill_running) noexcept override {
        if (forked()) return true;  // the workers and the claim words are the other process's
        std::vector<std::size_t> ended;
        std::vector<returned_call> back;  // other works' calls, on workers that are killed
        bool runs = false;
        for (bool done = false; !done;) {
            // Not while the manager reads the arguments: they may go when the call has ended.
            changed_.wait_until([&] {
                std::lock_guard hold(mutex_);
                return !encodes(calls);
            });
            std::lock_guard hold(mutex_);
            if (encodes(calls)) continue;
            done = true;
            append(ended, take_alone_of(calls));
            for (const auto& one : workers_.all()) {
                for (const auto& part : one->chunks) {
                    if (part->calls.get() == &calls) append(ended, one->recall(*part));
                }
                runs = stop_running(*one, calls, kill_running, ended, back) || runs;
            }
            failed_ += ended.size();
        }
        for (const auto place : ended) calls.fail(place, why);
        give_back(std::move(back));
        wake();
        return !runs;
    }

    pool_stats stats() const override {
        std::lock_guard hold(mutex_);
        pool_stats now;
        now.done = done_;
        now.failed = failed_;
        now.retried = retried_;
        now.replaced = workers_.replaced();
        now.reports_dropped = reports_dropped_;
        now.queued = alone_.size();
        std::vector<const work*> seen;
        for (const auto& [calls, limits] : queue_) {
            if (std::ranges::find(seen, calls.get()) != seen.end()) continue;
            seen.push_back(calls.get());
            now.queued += calls->unclaimed();
        }
        const auto time = std::chrono::steady_clock::now();
        for (const auto& one : workers_.all()) {
            for (const auto& part : one->chunks) {
                now.queued += one->unbegun(*part);
            }
            if (const auto* part = one->running_chunk(); part && part->left > 0) {
                now.running.push_back({one->pid, time - part->since});
            }
        }
        return now;
    }

    void close() override {
        if (forked()) return;
        std::lock_guard hold(mutex_);
        if (phase_ == phase::running) phase_ = phase::closed;
    }
    void terminate() override {
        if (forked()) return;
        end_all(phase::terminated,
                std::make_exception_ptr(cancelled_error("the pool was terminated")));
    }
    void require_joinable() const {
        std::lock_guard hold(mutex_);
        if (phase_ == phase::running) {
            throw invalid_state("join() needs close() or terminate() first");
        }
    }
    bool on_callback_thread() const noexcept { return callbacks_.on_it(); }
    bool forked() const noexcept { return forks_ != fork_count(); }

   protected:
    enum class phase { running, closed, terminated, broken };

    // Ends every call that has not ended with `why`, kills the workers, and takes no more work.
    void end_all(phase next, std::exception_ptr why) noexcept {
        std::vector<ref<work>> unfinished;
        std::deque<returned_call> retries;
        {
            std::lock_guard hold(mutex_);
            if (phase_ == phase::terminated || phase_ == phase::broken) return;
            phase_ = next;
            end_cause_ = why;
            for (auto& waiting : queue_) unfinished.push_back(std::move(waiting.calls));
            queue_.clear();
            retries.swap(alone_);
            failed_ += retries.size();
            for (const auto& one : workers_.all()) {
                for (const auto& part : one->chunks) unfinished.push_back(part->calls);
                one->kill();
            }
        }
        abandon(unfinished, why);
        for (const auto& one : retries) one.calls->fail(one.place, why);
        wake();
    }
    // Ends the unbegun calls of works.
    void abandon(const std::vector<ref<work>>& works, const std::exception_ptr& why) noexcept {
        std::size_t ended = 0;
        for (const auto& calls : works) ended += calls->abandon(why);
        std::lock_guard hold(mutex_);
        failed_ += ended;
    }

    // Calls of a work that nobody has claimed yet.
    struct waiting_work {
        ref<work> calls;
        call_limits limits;
    };
    // A call that was handed out and comes back unbegun. One that workers were lost over, or that
    // is for one worker only, goes alone.
    struct returned_call {
        ref<work> calls;
        std::size_t place = 0;
        call_limits limits = {};
        lost_workers lost = {};
        int slot = any_slot;
    };
    static returned_call returned(const chunk& from, std::size_t place) {
        return {from.calls, place, from.limits, from.lost, from.slot};
    }
    // Puts calls back where they came from, in front of the queue; ends them if the pool has ended
    // meanwhile.
    void give_back(std::vector<returned_call> back) noexcept {
        if (back.empty()) return;
        keep_alone(back);
        for (std::size_t i = 0; i < back.size();) {
            const auto& calls = *back[i].calls;
            call_range row{back[i].place, 1};
            while (i + row.count < back.size() && back[i + row.count].calls.get() == &calls &&
                   back[i + row.count].place == row.first + row.count) {
                ++row.count;
            }
            back[i].calls->give_back(row);
            i += row.count;
        }
        std::vector<ref<work>> spare;  // destroyed without the lock
        std::exception_ptr why;
        {
            std::lock_guard hold(mutex_);
            why = end_cause_;
            for (auto& one : back) {
                if (why || (!queue_.empty() && queue_.front().calls == one.calls)) {
                    spare.push_back(std::move(one.calls));
                } else {
                    queue_.push_front({std::move(one.calls), one.limits});
                }
            }
        }
        if (why) abandon(spare, why);
    }

    // Moves the calls that go alone from `back` to where those wait.
    void keep_alone(std::vector<returned_call>& back) noexcept {
        std::vector<returned_call> others;
        std::vector<returned_call> late;
        std::exception_ptr why;
        {
            std::lock_guard hold(mutex_);
            why = end_cause_;
            for (auto& one : back) {
                const bool alone = one.lost.all > 0 || one.slot != any_slot;
                if (!alone) {
                    others.push_back(std::move(one));
                } else if (why) {
                    late.push_back(std::move(one));
                } else {
                    alone_.push_back(std::move(one));
                }
            }
            failed_ += late.size();
        }
        back = std::move(others);
        for (const auto& one : late) one.calls->fail(one.place, why);
    }
    // The calls of a work that wait to go alone. Requires: the mutex.
    std::vector<std::size_t> take_alone_of(const work& calls) noexcept {
        std::vector<std::size_t> places;
        std::erase_if(alone_, [&](const returned_call& one) {
            if (one.calls.get() != &calls) return false;
            places.push_back(one.place);
            return true;
        });
        return places;
    }
    // Takes all that has not begun back from a worker, then has it end its running call. Nothing if
    // that is no longer the call of `wanted`. Requires: the mutex.
    bool end_running_call(worker_handle& one, const work& wanted, std::vector<std::size_t>& ended,
                          std::vector<returned_call>& back) noexcept {
        for (const auto& other : one.chunks) {
            if (other->calls.get() == &wanted || other->encoding) continue;
            for (const auto place : one.recall(*other)) back.push_back(returned(*other, place));
        }
        // Nothing of this worker can begin now; has it gone on meanwhile?
        auto* victim = one.running_chunk();
        if (!victim || victim->calls.get() != &wanted) return false;
        for (std::size_t i = 0; i < victim->places.size(); ++i) {
            if (victim->ended[i]) continue;
            victim->end(i);
            ended.push_back(victim->places[i]);
        }
        one.end_call(*victim, victim->limits.grace);
        return true;
    }

    void wake() noexcept {
        const std::uint64_t one = 1;
        static_cast<void>(!::write(wake_.get(), &one, sizeof one));
    }

    static void append(std::vector<std::size_t>& to, const std::vector<std::size_t>& more) {
        to.insert(to.end(), more.begin(), more.end());
    }

    const call_limits limits_;
    const std::function<void(progress_source, const progress_event&)> on_progress_;
    const std::function<void(std::exception_ptr)> on_error_;
    const int size_;
    const std::uint32_t cpu_seconds_;
    stderr_relay stderr_;  // the manager's
    const unsigned forks_ = fork_count();
    const unique_fd wake_;  // readable when the manager should look at the books

    mutable std::mutex mutex_;  // guards the fields down to reports_dropped_
    std::deque<waiting_work> queue_;
    std::deque<returned_call> alone_;  // claimed calls that go one a chunk
    worker_set workers_;
    phase phase_ = phase::running;
    std::exception_ptr
        end_cause_;  // set once the pool is terminated or broken: what calls end with
    bool joining_ = false;
    bool gone_ = false;  // the workers were let go: from nowhere anything more
    std::size_t done_ = 0;
    std::size_t failed_ = 0;
    std::size_t retried_ = 0;
    std::size_t reports_dropped_ = 0;

    wait_point changed_;                             // the end of an encoding
    callback_thread callbacks_{[this] { wake(); }};  // the manager may be waiting for the last

   private:
    void check_process() const {
        if (forked()) throw pool_closed("process_pool is of no use in a forked process");
    }
    void require_admission(admission from) const {
        if (phase_ == phase::running && !joining_) return;
        if (phase_ == phase::broken) std::rethrow_exception(end_cause_);
        const bool inside = from == admission::continued || callbacks_.on_it();
        if (phase_ == phase::closed && inside && !gone_) return;
        throw pool_closed(phase_ == phase::terminated
                              ? "process_pool takes no more work: it was terminated"
                              : "process_pool takes no more work: it was closed");
    }
    bool encodes(const work& calls) const noexcept {
        return std::ranges::any_of(workers_.all(), [&](const auto& one) {
            return std::ranges::any_of(one->chunks, [&](const auto& part) {
                return part->encoding && part->calls.get() == &calls;
            });
        });
    }
    // Kills the worker if it runs a call of this work, after everybody else's calls were taken back
    // from it. Returns whether it goes on running one.
    bool stop_running(worker_handle& one, const work& calls, bool kill,
                      std::vector<std::size_t>& ended, std::vector<returned_call>& back) noexcept {
        const auto* part = one.running_chunk();
        if (!part || part->calls.get() != &calls || part->left == 0) return false;
        if (!kill) return true;
        end_running_call(one, calls, ended, back);
        return false;
    }
};

}  // namespace tandem::detail
