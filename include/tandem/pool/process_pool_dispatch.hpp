// SPDX-License-Identifier: BSL-1.0
// tandem/pool/process_pool_dispatch.hpp: which worker gets which calls next.        level 3
#pragma once

#include <tandem/ipc/passed_descriptors.hpp>
#include <tandem/pool/process_pool_core.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include <sys/socket.h>

namespace tandem::detail {

// The half of the manager that gives work away: claims calls from the queue, sizes chunks by the
// measured time of a call, encodes and sends them, and takes unbegun calls back from a busy worker
// when another has nothing to do.
class process_pool_dispatch : public process_pool_core {
    // How long the calls of one automatic chunk should take together: long next to the cost of a
    // message, short next to a person's patience; unbegun calls are taken back anyway.
    static constexpr std::uint64_t chunk_ns = 4'000'000;
    // Less than this is not worth a message of its own.
    static constexpr std::uint64_t least_ns = 50'000;
    static constexpr std::size_t chunk_calls = 16 * 1024;
    static constexpr std::size_t chunk_bytes = 256 * 1024;

   public:
    using process_pool_core::process_pool_core;

   protected:
    // When to look into a worker's outbox that was not heard of; then after twice that, and so on.
    static constexpr auto first_look = std::chrono::milliseconds(6);

    // Gives every worker that has room something to do, as long as there is something.
    void hand_out() {
        for (const auto& one : plan()) send_chunk(*one.worker, *one.part);
    }
    // Sends what a worker has not got yet, as much as the socket takes.
    static void send_rest(worker_handle& one) noexcept {
        while (one.unsent_from < one.unsent.size()) {
            const auto at =
                one.unsent_fds.empty() ? one.unsent.size() : one.unsent_fds.front().place;
            if (at > one.unsent_from) {
                const auto part =
                    std::span(one.unsent).subspan(one.unsent_from, at - one.unsent_from);
                const auto sent = send_now(one, part);
                one.unsent_from += sent;
                if (sent < part.size()) return;
            } else {
                const auto n = send_with(one.socket.get(), std::span(one.unsent).subspan(at, 1),
                                         one.unsent_fds.front().fds, MSG_DONTWAIT);
                if (n <= 0) return;
                one.unsent_fds.pop_front();
                ++one.unsent_from;
            }
        }
    }

    // After a call of a map has failed: takes its unbegun calls back from the workers. The map ends
    // those behind the failed one, and wants the others again.
    void take_back_superfluous(const work& calls) noexcept {
        if (!calls.first_failure_counts()) return;
        std::vector<returned_call> back;
        {
            std::lock_guard hold(mutex_);
            for (const auto& one : workers_.all()) {
                for (const auto& part : one->chunks) {
                    if (part->calls.get() != &calls || part->encoding) continue;
                    for (const auto place : one->recall(*part)) {
                        back.push_back(returned(*part, place));
                    }
                }
            }
        }
        give_back(std::move(back));
    }

   private:
    struct order {
        worker_handle* worker;
        chunk* part;
    };
    // Claims calls for every worker that has room, those with nothing to do first.
    std::vector<order> plan() {
        std::vector<order> orders;
        // Their destructors are the user's: not under the lock.
        std::vector<ref<work>> finished;
        std::vector<std::unique_ptr<chunk>> ended;
        std::vector<returned_call> back;
        {
            std::lock_guard hold(mutex_);
            // Those whose last call was cancelled: no record of them comes.
            for (const auto& one : workers_.all()) {
                for (auto& part : one->remove_ended_chunks()) ended.push_back(std::move(part));
            }
            if (phase_ == phase::running || phase_ == phase::closed) {
                for (const bool idle : {true, false}) {
                    for (const auto& one : workers_.all()) {
                        // Nobody gets more than one chunk while a call waits for a worker alone.
                        if (idle ? !one->idle() : !one->has_room() || !alone_.empty()) continue;
                        if (!give_alone(*one, orders)) claim_for(*one, orders, finished);
                    }
                }
                back = take_from_the_busy();
            }
        }
        if (back.empty()) return orders;
        give_back(std::move(back));
        auto more = plan();
        orders.insert(orders.end(), more.begin(), more.end());
        return orders;
    }
    // Gives a worker one of the calls that go alone, so that it can do no harm to others.
    bool give_alone(worker_handle& one, std::vector<order>& orders) {
        if (!one.chunks.empty()) return false;
        const auto found = std::ranges::find_if(alone_, [&](const returned_call& call) {
            return call.slot == any_slot || call.slot == one.slot;
        });
        if (found == alone_.end()) return false;
        auto again = std::move(*found);
        alone_.erase(found);
        auto& part = one.add_chunk(std::move(again.calls), {again.place, 1});
        part.limits = again.limits;
        part.lost = again.lost;
        part.slot = again.slot;
        orders.push_back({&one, &part});
        return true;
    }
    void claim_for(worker_handle& one, std::vector<order>& orders,
                   std::vector<ref<work>>& finished) {
        while (!queue_.empty()) {
            auto& [calls, limits] = queue_.front();
            const auto range = calls->claim(std::min(chunk_size(*calls), one.quota));
            if (range.count != 0) {
                auto& part = one.add_chunk(calls, range);
                part.limits = limits;
                orders.push_back({&one, &part});
                return;
            }
            finished.push_back(std::move(calls));
            queue_.pop_front();
        }
    }
    // How many calls the next chunk of a work should hold: few when nothing is known of them or
    // when few are left, so that all workers end together.
    std::size_t chunk_size(const work& calls) const noexcept {
        if (const auto wanted = calls.chunk_size()) return std::min(wanted, largest_chunk - 1);
        const auto each = calls.mean_ns();
        if (each == 0) return 1;
        const std::uint64_t share = calls.unclaimed() / (2 * static_cast<std::size_t>(size_));
        // An estimate from few calls is worth few calls.
        const auto known = std::min<std::uint64_t>(4 * calls.timed_calls(), chunk_calls);
        const auto least = std::clamp<std::uint64_t>(least_ns / each, 1, known);
        return std::clamp(std::min(chunk_ns / each, share), least, known);
    }
    // When a worker has nothing to do and another holds calls that it has not begun, takes them
    // back: one slow call must not hold up the others of its chunk.
    std::vector<returned_call> take_from_the_busy() noexcept {
        std::vector<returned_call> back;
        const auto for_anybody = [](const auto& call) { return call.slot == any_slot; };
        if (!queue_.empty() || std::ranges::any_of(alone_, for_anybody) ||
            !std::ranges::any_of(workers_.all(), [](const auto& one) { return one->idle(); })) {
            return back;
        }
        worker_handle* busiest = nullptr;
        std::size_t most = 0;
        for (const auto& one : workers_.all()) {
            const auto waiting = one->usable() ? waiting_calls(*one) : 0;
            if (waiting > most) {
                busiest = one.get();
                most = waiting;
            }
        }
        if (!busiest) return back;
        // What it is about to begin stays with it: else two workers could pass a call to and fro.
        std::size_t keep = busiest->has_running_call() ? 0 : 1;
        for (const auto& part : busiest->chunks) {
            if (part->encoding || part->slot != any_slot) continue;
            for (const auto place : busiest->recall(*part, std::exchange(keep, 0))) {
                back.push_back(returned(*part, place));
            }
        }
        static_cast<void>(busiest->remove_ended_chunks());  // `back` keeps the works
        return back;
    }
    // How many calls a worker holds and has not begun, as far as they are worth a message: they
    // take long, or the call before them does.
    static std::size_t waiting_calls(const worker_handle& one) noexcept {
        const bool overdue = one.look_interval > first_look;
        std::size_t waiting = 0;
        bool first_stays = !one.has_running_call();
        for (const auto& part : one.chunks) {
            if (part->encoding || part->slot != any_slot) continue;
            auto unbegun = one.unbegun(*part);
            if (unbegun > 0 && std::exchange(first_stays, false)) --unbegun;
            const auto each = part->calls->mean_ns();
            if (overdue || each == 0 || unbegun * each > 2 * least_ns) waiting += unbegun;
        }
        return waiting;
    }

    // Encodes a chunk and sends it. What cannot be encoded fails alone.
    void send_chunk(worker_handle& one, chunk& part) {
        std::vector<std::pair<std::size_t, std::exception_ptr>> failed;
        message_.clear();
        descriptors_.clear();
        std::vector<std::size_t> kept = encode(part, failed);
        std::vector<std::size_t> rest(
            part.places.begin() + static_cast<std::ptrdiff_t>(kept.size() + failed.size()),
            part.places.end());
        const auto calls = part.calls;
        const auto back_to = returned(part, 0);
        const bool empty = kept.empty();
        {
            std::lock_guard hold(mutex_);
            part.left = kept.size();
            part.ended.assign(kept.size(), false);
            part.places = std::move(kept);
            part.encoding = false;
            part.sent = std::chrono::steady_clock::now();
            one.return_quota(failed.size() + rest.size());
            one.next_check = std::min(one.next_check, deadline(part.limits.timeout));
            // Whoever has something to do is looked after, see process_pool_limits.
            one.next_check = std::min(one.next_check, deadline(std::chrono::seconds(1)));
            one.limit_calls(part);
            failed_ += failed.size();
            if (one.chunks.size() == 1) one.look_after(deadline::clock::now(), first_look);
            static_cast<void>(one.remove_ended_chunks());  // `calls` keeps the work
        }
        changed_.notify_all();
        for (auto& [place, error] : failed) calls->fail(place, std::move(error));
        std::vector<returned_call> back;
        for (const auto place : rest) {
            back.push_back(back_to);
            back.back().place = place;
        }
        give_back(std::move(back));
        if (!empty) send(one, message_.bytes(), descriptors_);
    }
    // Writes the message of a chunk. Returns the places that are in it; stops at chunk_bytes.
    std::vector<std::size_t> encode(
        const chunk& part, std::vector<std::pair<std::size_t, std::exception_ptr>>& failed) {
        std::vector<std::size_t> kept;
        chunk_head head{part.number, 0, 0, 0, wishes(part), cpu_seconds_};
        message_.write(&head, sizeof head);
        const descriptor_scope here(outgoing_descriptors(), &descriptors_);
        std::exception_ptr unknown_call;
        try {
            part.calls->encode_call(message_);
        } catch (...) {
            unknown_call = std::current_exception();
        }
        head.call_size = message_.position() - sizeof head;
        for (const auto place : part.places) {
            if (message_.position() > chunk_bytes) break;
            const auto start = message_.position();
            std::uint64_t size = 0;
            message_.write(&size, sizeof size);
            try {
                if (unknown_call) std::rethrow_exception(unknown_call);
                part.calls->encode_arguments(place, message_);
            } catch (...) {
                message_.truncate(start);
                failed.emplace_back(place, std::current_exception());
                continue;
            }
            size = message_.position() - start - sizeof size;
            message_.patch(start, &size, sizeof size);
            kept.push_back(place);
        }
        head.count = static_cast<std::uint32_t>(kept.size());
        head.body_size = message_.position() - sizeof head;
        message_.patch(0, &head, sizeof head);
        return kept;
    }
    std::uint32_t wishes(const chunk& part) const noexcept {
        return (part.limits.timeout != forever ? wants_time : 0) |
               (part.limits.grace.count() > 0 ? wants_stop : 0) |
               (on_progress_ ? wants_reports : 0);
    }
    // Sends what it can without waiting. Returns how many bytes went.
    static std::size_t send_now(worker_handle& one, std::span<const std::byte> bytes) noexcept {
        std::size_t sent = 0;
        while (sent < bytes.size()) {
            const auto n = send_with(one.socket.get(), bytes.subspan(sent), {}, MSG_DONTWAIT);
            if (n < 0) break;  // full, or dead: its end is news of its own
            sent += static_cast<std::size_t>(n);
        }
        return sent;
    }
    // Sends as much as the socket takes; keeps the rest for later.
    static void send(worker_handle& one, std::span<const std::byte> bytes,
                     std::vector<unique_fd>& fds) {
        if (one.unsent_from == one.unsent.size()) {
            one.unsent.clear();
            one.unsent_from = 0;
            if (fds.empty()) bytes = bytes.subspan(send_now(one, bytes));
        }
        if (!fds.empty()) one.unsent_fds.push_back({one.unsent.size(), std::move(fds)});
        fds.clear();
        one.unsent.insert(one.unsent.end(), bytes.begin(), bytes.end());
        send_rest(one);
    }

    // The manager's own: the chunk that is being encoded.
    writer message_;
    std::vector<unique_fd> descriptors_;
};

}  // namespace tandem::detail
