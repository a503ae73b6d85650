// SPDX-License-Identifier: BSL-1.0
// tandem/pool/process_pool_delivery.hpp: what workers sent: records come in, calls are completed.        level 3
#pragma once

#include <tandem/pool/process_pool_dispatch.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace tandem::detail {

// The half of the manager that brings results home: over the sockets, and out of the outboxes of
// workers that are busy or dead.
class process_pool_delivery : public process_pool_dispatch {
   public:
    using process_pool_dispatch::process_pool_dispatch;

   protected:
    int failed_starts_ = 0;  // the manager's own: initializers that threw, in a row

    // Completes the calls whose records came over the socket.
    void receive(worker_handle& one) {
        if (!one.records.receive(one.socket.get())) {
            std::lock_guard hold(mutex_);
            one.stream_ended = true;
        }
        deliver(one);
    }
    void deliver(worker_handle& one) {
        while (deliver_some(one)) {
        }
    }
    // Looks into the outboxes of workers that should have been heard of: results must not wait
    // there for a call that takes longer than those before it.
    void look() {
        const auto now = deadline::clock::now();
        for (const auto& one : workers_.all()) {
            {
                std::lock_guard hold(mutex_);
                if (one->next_look().time() > now) continue;
                one->look_after(now, 2 * one->look_interval);
            }
            one->records.peek(one->memory());
            deliver(*one);
        }
    }

   private:
    struct delivery {
        work* calls;  // kept by its chunk
        std::size_t place;
        record_receiver::record record;
    };

    // Completes the calls of some records. False: there were none.
    bool deliver_some(worker_handle& one) {
        std::vector<std::unique_ptr<chunk>> ended;  // keeps what the deliveries refer to
        {
            std::lock_guard hold(mutex_);
            take_records(one);
            ended = one.remove_ended_chunks();
        }
        if (deliveries_.empty()) return false;
        std::size_t bad = 0;  // values that are none
        for (const auto& each : deliveries_) {
            reader in(each.record.bytes);
            if (each.record.head.kind == record_kind::report) {
                pass_on({one.pid, each.place}, each.record.bytes);
                continue;
            }
            if (each.record.head.kind == record_kind::exception) {
                each.calls->fail(each.place, exception_in(in, one.pid));
            } else if (each.calls->deliver(each.place, in)) {
                continue;
            } else {
                ++bad;
            }
            take_back_superfluous(*each.calls);
        }
        std::lock_guard hold(mutex_);
        done_ -= bad;
        failed_ += bad;
        deliveries_.clear();
        return true;
    }
    // Has the callback thread tell what a task reported; drops it if too much waits there.
    void pass_on(progress_source source, std::span<const std::byte> bytes) {
        constexpr std::size_t most = 1024;
        if (!on_progress_) return;
        const bool taken = callbacks_.post(
            [this, source, event = progress_event({bytes.begin(), bytes.end()})]() noexcept {
                try {
                    on_progress_(source, event);
                } catch (...) {
                    report(std::current_exception());
                }
            },
            most);
        if (taken) return;
        std::lock_guard hold(mutex_);
        ++reports_dropped_;
    }
    // The end of what a worker does first. Without success it is of no use, and ends.
    void take_preparation(worker_handle& one, const record_receiver::record& record) {
        if (one.ready || record.head.kind == record_kind::report) return;
        reader in(record.bytes);
        if (record.head.kind == record_kind::value) {
            one.ready = true;
            failed_starts_ = 0;
        } else {
            one.initializer_error = exception_in(in, one.pid);
        }
    }
    // The exception in a record, or what is wrong with it.
    static std::exception_ptr exception_in(reader& in, int pid) noexcept {
        try {
            if (auto thrown = decode_exception(in, pid)) return thrown;
            throw codec_error("a worker sent an exception that is none");
        } catch (...) {
            return std::current_exception();
        }
    }
    // Marks the calls of some records that have come, and lists them: few enough to stay in cache.
    void take_records(worker_handle& one) {
        constexpr std::size_t some = 128;
        const auto now = deadline::clock::now();
        while (!one.damaged && deliveries_.size() < some) {
            if (one.records.damaged()) {
                one.kill_as_damaged();
                break;
            }
            const auto record = one.records.next();
            if (!record) break;
            if (record->head.chunk == first_chunk) {
                take_preparation(one, *record);
                continue;
            }
            note_stop(one, record->head);
            auto* part = one.find_chunk(record->head.chunk);
            if (!one.may_have_made(part, record->head)) {
                one.kill_as_damaged();
                break;
            }
            // None: the last of its calls was cancelled in the meantime.
            if (!part || record->head.index >= part->ended.size()) continue;
            if (part->ended[record->head.index]) continue;
            if (record->head.kind == record_kind::report) {
                deliveries_.push_back(
                    {part->calls.get(), part->places[record->head.index], *record});
                continue;
            }
            // Counted before anybody can have the result.
            ++(record->head.kind == record_kind::value ? done_ : failed_);
            part->end(record->head.index);
            part->time += record->head.nanoseconds;
            ++part->timed;
            deliveries_.push_back({part->calls.get(), part->places[record->head.index], *record});
        }
        if (deliveries_.empty()) {
            if (one.claims_damaged()) one.kill_as_damaged();
            return;
        }
        for (const auto& part : one.chunks) {
            if (part->timed == 0) continue;
            part->since = now;
            part->report_time();
        }
        one.began_anything = true;
        one.last_heard = now;
        one.look_after(now, first_look);
    }

    // The call that should end has ended: the worker is as good as before.
    static void note_stop(worker_handle& one, const record_head& head) noexcept {
        if (one.kill_at.is_never() || head.kind == record_kind::report) return;
        if (call_name(head.chunk, head.index) == one.stopped_call) one.kill_at = deadline::never();
    }

    std::vector<delivery> deliveries_;  // the manager's own
};

}  // namespace tandem::detail
