// SPDX-License-Identifier: BSL-1.0
// tandem/pool/process_pool_limits.hpp: when calls have had their time, workers their calls.        level 3
#pragma once

#include <tandem/pool/process_pool_delivery.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/socket.h>

namespace tandem::detail {

// The part of the manager that keeps to the limits: timeouts and what is left of a grace, the calls
// that one worker may make, the tries that a call may have.
class process_pool_limits : public process_pool_delivery {
   public:
    using process_pool_delivery::process_pool_delivery;

   protected:
    // How long a worker that was let go may take to leave.
    static constexpr auto leave_limit = std::chrono::seconds(5);
    // How long one that runs nothing may take to begin what it was given. It may have been stopped.
    static constexpr auto silence_limit = std::chrono::seconds(5);

    // Ends the calls that have had their time, and kills what does not end.
    void enforce_limits() {
        if (stderr_.stuck()) stderr_.write();
        for (std::size_t i = 0; i < workers_.all().size(); ++i) {
            auto& one = *workers_.all()[i];
            if (!is_overdue(one) && !is_silent(one)) continue;
            // What it wrote before its time was up counts.
            one.records.peek(one.memory());
            deliver(one);
            if (is_overdue(one)) time_out(one);
            if (is_silent(one)) drop_silent(one);
        }
    }
    // Ends the calls for one worker only that has gone and could not be replaced.
    void end_slotless() {
        std::deque<returned_call> lost;
        {
            std::lock_guard hold(mutex_);
            for (std::size_t left = alone_.size(); left > 0; --left) {
                auto call = std::move(alone_.front());
                alone_.pop_front();
                auto& next = has_slot(call.slot) ? alone_ : lost;
                next.push_back(std::move(call));
            }
            failed_ += lost.size();
        }
        for (const auto& call : lost) {
            call.calls->fail(call.place, std::make_exception_ptr(broken_pool(
                                             "process_pool: a worker could not be replaced")));
        }
    }
    // Lets go the workers that have made as many calls as they may, and starts others.
    void replace_worn_out() {
        for (std::size_t i = 0; i < workers_.all().size(); ++i) {
            auto& one = *workers_.all()[i];
            std::lock_guard hold(mutex_);
            if (phase_ == phase::terminated || phase_ == phase::broken || !one.worn_out()) continue;
            one.state = worker_handle::life::leaving;
            one.kill_at = leave_limit;
            ::shutdown(one.socket.get(), SHUT_WR);
            workers_.request_replacement(one.slot);
        }
    }
    // Whether a call whose worker died may be begun again; counts the loss.
    bool may_try_again(const worker_handle& died, returned_call& call) noexcept {
        ++call.lost.all;
        if (died.crashed()) ++call.lost.crashed;
        if (call.lost.all > call.limits.retries || call.lost.crashed > 1) return false;
        ++retried_;
        return true;
    }

   private:
    bool has_slot(int slot) const noexcept {
        return slot == any_slot || std::ranges::any_of(workers_.all(), [&](const auto& one) {
                   return one->slot == slot;
               });
    }
    // Whether a worker's running call has had its time; plans when to look again if not.
    bool is_overdue(worker_handle& one) {
        std::lock_guard hold(mutex_);
        if (one.kill_at.expired()) {
            one.kill_at = deadline::never();
            one.kill();
        }
        one.next_check = deadline::never();
        if (one.has_ended || one.killed) return false;
        const auto now = deadline::clock::now();
        const auto* running = one.running_chunk();
        for (const auto& part : one.chunks) {
            const auto timeout = part->limits.timeout;
            if (timeout == forever || part->encoding || part->left == 0) continue;
            const auto since = part.get() == running ? one.running_since(*part, now) : std::nullopt;
            const auto left = timeout - (now - since.value_or(now));
            if (left.count() <= 0) return true;
            one.next_check = std::min(one.next_check, deadline(left));
        }
        return false;
    }
    // Whether a worker has not begun what it has had for long; plans when to look again if not.
    bool is_silent(worker_handle& one) {
        std::lock_guard hold(mutex_);
        if (!one.usable() || one.chunks.empty() || one.unsent_from < one.unsent.size())
            return false;
        for (const auto& part : one.chunks) {
            if (part->encoding) return false;
        }
        if (one.has_running_call()) return false;
        const deadline until(std::max(one.chunks.back()->sent, one.last_heard) + silence_limit);
        if (until.expired()) return true;
        one.next_check = std::min(one.next_check, until);
        return false;
    }
    // Others make what it has not begun.
    void drop_silent(worker_handle& one) {
        std::vector<returned_call> back;
        {
            std::lock_guard hold(mutex_);
            for (const auto& part : one.chunks) {
                for (const auto place : one.recall(*part)) back.push_back(returned(*part, place));
            }
            if (!one.has_running_call()) one.kill();
        }
        give_back(std::move(back));
    }
    void time_out(worker_handle& one) {
        ref<work> calls;
        std::vector<std::size_t> ended;
        std::vector<returned_call> back;
        std::exception_ptr why;
        {
            std::lock_guard hold(mutex_);
            auto* part = one.running_chunk();
            if (!part) return;
            calls = part->calls;
            why = std::make_exception_ptr(timeout_error(
                "the task ran longer than its timeout of " +
                std::to_string(part->limits.timeout / std::chrono::milliseconds(1)) +
                " ms, and worker " + std::to_string(one.pid) + " was told to end it"));
            for (const auto& same : one.chunks) {
                if (same->calls != calls) continue;
                for (const auto place : one.recall(*same)) back.push_back(returned(*same, place));
            }
            end_running_call(one, *calls, ended, back);
            failed_ += ended.size();
        }
        for (const auto place : ended) calls->fail(place, why);
        if (!ended.empty()) take_back_superfluous(*calls);
        give_back(std::move(back));
    }
};

}  // namespace tandem::detail
