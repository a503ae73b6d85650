// SPDX-License-Identifier: BSL-1.0
// tandem/pool/process_pool_manager.hpp: the thread that hands calls to workers and brings results home.        level 3
#pragma once

#include <tandem/pool/process_pool_limits.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

namespace tandem::detail {

// One thread per pool, asleep in poll() until there is something to do. It alone talks to workers
// and to the helper; what it must tell the users' side is in the books of process_pool_core.
class process_pool_manager final : public process_pool_limits {
    static constexpr auto start_limit = std::chrono::seconds(10);
    static constexpr auto helper_limit = std::chrono::seconds(2);
    static constexpr int most_failed_starts = 3;
    static constexpr const char* crashed_again = ", and another worker before it";

   public:
    using process_pool_limits::process_pool_limits;

    // Starts the workers and the manager. Throws: what keeps them from starting; nothing is left.
    void open() {
        workers_.connect();
        for (int i = 0; i < size_; ++i) {
            workers_.request(i);
            // Neither side may wait for the other to read.
            while (workers_.take_message(MSG_DONTWAIT)) {
            }
        }
        const deadline until = start_limit;
        while (workers_.has_starting()) {
            pollfd helper{workers_.session(), POLLIN, 0};
            const int ready = ::poll(&helper, 1, milliseconds(until));
            if (ready < 0 && errno == EINTR) continue;
            if (ready == 0) throw broken_pool("process_pool: the helper process does not answer");
            workers_.take_message(MSG_DONTWAIT);
        }
        // Signals are for the program's own threads.
        sigset_t all;
        sigset_t before;
        sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before);
        try {
            thread_ = std::thread([this] { manage(); });
        } catch (...) {
            ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
            throw;
        }
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }

    void join() override {
        if (forked()) return;
        require_joinable();
        if (on_callback_thread()) throw invalid_state("join() in a callback of the same pool");
        leave(true);
    }
    // Waits until all work is done and the workers are gone; also for callbacks, if asked to.
    void leave(bool with_callbacks) noexcept {
        {
            std::lock_guard hold(mutex_);
            joining_ = true;
            wait_for_callbacks_ = with_callbacks;
        }
        wake();
        std::lock_guard one_at_a_time(join_mutex_);
        if (thread_.joinable()) thread_.join();
        if (with_callbacks) callbacks_.stop();
    }

   private:
    void manage() noexcept {
        for (;;) {
            try {
                while (turn()) {
                }
                break;
            } catch (const broken_pool&) {
                end_all(phase::broken, std::current_exception());
            } catch (const std::exception& e) {
                end_all(phase::broken,
                        std::make_exception_ptr(broken_pool(
                            std::string("process_pool: the manager failed: ") + e.what())));
            }
        }
    }

    // Does what there is to do, then waits for more. False: the pool is done with.
    bool turn() {
        enforce_limits();
        replace_worn_out();
        end_slotless();
        hand_out();
        if (!may_wait()) return false;
        wait();
        if (events_[0].revents) {
            char discard[8];
            static_cast<void>(!::read(wake_.get(), discard, sizeof discard));
        }
        if (events_[1].revents) hear_helper();
        for (std::size_t i = 0; i < workers_.all().size(); ++i) serve(*workers_.all()[i]);
        look();
        bury();
        return true;
    }

    // Waiting.

    // Whether there is anything to wait for; lets the workers go once all is done.
    bool may_wait() {
        const bool callbacks_idle = callbacks_.idle();
        std::lock_guard hold(mutex_);
        if (workers_.all().empty() && (joining_ || phase_ == phase::broken) && queue_.empty() &&
            alone_.empty()) {
            gone_ = joining_ && (callbacks_idle || !wait_for_callbacks_);
            return !gone_;
        }
        const bool working = !queue_.empty() || !alone_.empty() ||
                             std::ranges::any_of(workers_.all(), [](const auto& one) {
                                 return !one->chunks.empty();
                             });
        if (!joining_ || working || (wait_for_callbacks_ && !callbacks_idle)) return true;
        gone_ = true;
        for (const auto& one : workers_.all()) {
            if (one->state == worker_handle::life::leaving) continue;
            if (leave_until_.is_never()) leave_until_ = leave_limit;
            if (one->state == worker_handle::life::starting) continue;
            one->state = worker_handle::life::leaving;
            ::shutdown(one->socket.get(), SHUT_WR);
        }
        return true;
    }
    void wait() {
        events_.assign({{wake_.get(), POLLIN, 0}, {workers_.session(), POLLIN, 0}});
        for (const auto& one : workers_.all()) {
            const bool unsent = one->unsent_from < one->unsent.size();
            const auto interest = static_cast<short>(POLLIN | (unsent ? POLLOUT : 0));
            events_.push_back({one->stream_ended ? -1 : one->socket.get(), interest, 0});
            events_.push_back({one->has_ended ? -1 : one->pidfd.get(), POLLIN, 0});
            if (stderr_.on()) {
                events_.push_back({stderr_.stuck() ? -1 : one->err.pipe.get(), POLLIN, 0});
            }
        }
        if (stderr_.stuck()) events_.push_back({STDERR_FILENO, POLLOUT, 0});
        if (session_gone_) events_[1].fd = -1;
        auto until = leave_until_;
        {
            std::lock_guard hold(mutex_);
            for (const auto& one : workers_.all()) {
                until = std::min(
                    {until, one->next_look(), one->news_limit, one->kill_at, one->next_check});
            }
        }
        if (::poll(events_.data(), events_.size(), milliseconds(until)) < 0) {
            const int error = errno;
            for (auto& event : events_) event.revents = 0;
            if (error != EINTR) return give_up(error);
        }
        if (!leave_until_.expired()) return;
        std::lock_guard hold(mutex_);
        for (const auto& one : workers_.all()) {
            one->kill();
            if (one->state == worker_handle::life::starting) one->note_end(std::chrono::seconds(0));
        }
        leave_until_ = deadline::never();
    }
    // Nothing can be waited for any more: the workers are let go at once.
    void give_up(int error) {
        end_all(phase::broken, std::make_exception_ptr(broken_pool(
                                   std::string("process_pool: cannot wait for workers: ") +
                                   std::strerror(error))));
        std::lock_guard hold(mutex_);
        session_gone_ = true;
        for (const auto& one : workers_.all()) one->has_ended = true;
    }
    static int milliseconds(deadline until) noexcept {
        if (until.is_never()) return -1;
        return static_cast<int>(
            std::chrono::ceil<std::chrono::milliseconds>(until.remaining()).count());
    }

    // News.

    void hear_helper() {
        if (session_gone_) return;
        std::unique_lock hold(mutex_);
        try {
            while (workers_.take_message(MSG_DONTWAIT)) {
            }
        } catch (...) {
            session_gone_ = true;
            workers_.give_up_starting();
            hold.unlock();
            throw;
        }
    }
    // Looks at what poll said about a worker.
    void serve(worker_handle& one) {
        for (const auto& event : events_) {
            if (event.fd < 0 || !event.revents) continue;
            if (event.fd == one.pidfd.get()) {
                std::lock_guard hold(mutex_);
                one.note_end(helper_limit);
            } else if (event.fd == one.err.pipe.get()) {
                stderr_.read(one.err);
            } else if (event.fd == one.socket.get()) {
                if (event.revents & POLLOUT) {
                    send_rest(one);
                    one.last_heard = deadline::clock::now();
                }
                if (event.revents & ~POLLOUT) receive(one);
            }
        }
    }
    // Removes the workers that have ended, settles what they had, and replaces them.
    void bury() {
        for (std::size_t i = 0; i < workers_.all().size();) {
            auto& one = *workers_.all()[i];
            if (one.has_ended && (one.wait_status || session_gone_ || not_heard_of(one))) {
                bury(one);
                hear_helper();  // neither side may wait for the other to read
                i = 0;
            } else {
                ++i;
            }
        }
    }
    // Whether the helper has had its time to say how the worker ended. It may have been stopped: it
    // is told to go on, once.
    bool not_heard_of(worker_handle& one) {
        if (!one.news_limit.expired()) return false;
        if (!one.asked_for) {
            one.asked_for = true;
            one.news_limit = helper_limit;
            workers_.nudge_helper();
            return false;
        }
        return true;
    }
    void bury(worker_handle& one) {
        // Its last records are in the socket, then in the outbox. Whoever it forked may hold the
        // socket open, so this does not wait for the end of the stream.
        while (!one.stream_ended && one.records.receive(one.socket.get()) &&
               one.records.got_something()) {
        }
        one.records.peek(one.memory());
        deliver(one);
        if (stderr_.on()) stderr_.read(one.err);
        std::vector<returned_call> lost;
        std::vector<returned_call> back;
        std::exception_ptr cause;
        bool replace;
        std::unique_ptr<worker_handle> gone;
        {
            std::lock_guard hold(mutex_);
            const bool over = phase_ == phase::terminated || phase_ == phase::broken;
            cause = over ? end_cause_ : one.cause_of_death();
            if (!over && one.initializer_error) cause = one.initializer_error;
            for (const auto& part : one.chunks) {
                const auto begun = one.begun(*part);
                one.began_anything = one.began_anything || begun > 0;
                for (std::size_t i = 0; i < part->places.size(); ++i) {
                    if (part->ended[i]) continue;
                    auto call = returned(*part, part->places[i]);
                    const bool again = !over && i < begun && may_try_again(one, call);
                    (over || (i < begun && !again) ? lost : back).push_back(std::move(call));
                }
            }
            failed_ += lost.size();
            replace = !over && one.state != worker_handle::life::leaving;
            const bool useful = one.began_anything || (one.ready && one.killed_while_idle()) ||
                                one.state == worker_handle::life::leaving;
            useless_ = useful ? 0 : useless_ + 1;
            if (one.initializer_error) ++failed_starts_;
            gone = workers_.remove(one);
        }
        changed_.notify_all();
        for (const auto& call : lost) {
            const bool poison = call.lost.crashed > 1;
            call.calls->fail(call.place, poison ? gone->cause_of_death(crashed_again) : cause);
            take_back_superfluous(*call.calls);
        }
        give_back(std::move(back));
        if (!replace) return;
        if (failed_starts_ >= most_failed_starts) {
            throw broken_pool("process_pool: the initializer fails in every fresh worker: " +
                              describe(cause));
        }
        if (useless_ > 3 * size_) {
            throw broken_pool("process_pool: fresh workers die before they do anything: " +
                              describe(cause));
        }
        std::lock_guard hold(mutex_);
        workers_.request_replacement(gone->slot);
    }
    static std::string describe(const std::exception_ptr& error) {
        try {
            std::rethrow_exception(error);
        } catch (const std::exception& e) {
            return e.what();
        } catch (...) {
            return "an exception of a type that is not std::exception";
        }
    }

    std::mutex join_mutex_;  // guards thread_, and makes others wait for the one that joins it
    std::thread thread_;
    bool wait_for_callbacks_ = true;  // guarded by mutex_

    // The manager's own.
    std::vector<pollfd> events_;
    bool session_gone_ = false;
    int useless_ = 0;  // how many workers in a row ended before they began anything
    deadline leave_until_;
};

}  // namespace tandem::detail
