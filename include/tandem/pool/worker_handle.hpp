// SPDX-License-Identifier: BSL-1.0
// tandem/pool/worker_handle.hpp: what the pool knows of one worker process.        level 3
#pragma once

#include <tandem/core/deadline.hpp>
#include <tandem/core/error.hpp>
#include <tandem/core/unique_fd.hpp>
#include <tandem/executor/work.hpp>
#include <tandem/ipc/transport.hpp>
#include <tandem/pool/process_pool_options.hpp>
#include <tandem/pool/stderr_relay.hpp>
#include <tandem/pool/stop_watch.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tandem::detail {

// A pool of n workers has n slots; a worker leaves its slot to the one that replaces it.
inline constexpr int any_slot = -1;

// Some calls of one work on their way to a worker and back. A call of it is
//   unbegun   its place is at or behind the claim word's `next`: it can be taken back
//   begun     its place is before `next`: it ends with a record, or with the worker
//   ended     marked in `ended`; whatever comes later for it is ignored
struct chunk {
    std::uint32_t number = 0;
    ref<work> calls;
    call_limits limits;
    lost_workers lost;                // of its one call, if it is not the first try
    int slot = any_slot;              // the one worker that may make its calls
    std::vector<std::size_t> places;  // the call at each position of the chunk
    std::vector<bool> ended;          // by position
    std::size_t left = 0;             // how many have not ended
    std::size_t seen_begun = 0;       // how many had begun when this was last looked at
    bool encoding = false;            // the manager is reading the arguments, without the lock
    std::chrono::steady_clock::time_point since;
    std::chrono::steady_clock::time_point sent;
    std::uint64_t time = 0;  // what `timed` calls took, in nanoseconds, since the last report
    std::uint64_t timed = 0;

    void report_time() noexcept {
        if (time == 0) return;
        calls->add_time(std::exchange(timed, 0), std::exchange(time, 0));
    }
    void end(std::size_t position) noexcept {
        ended[position] = true;
        --left;
    }
};

// One worker process: its channel, and the chunks it has. Its members are guarded by the pool's
// mutex, but for the receiver and the unsent bytes, which are the manager's.
struct worker_handle {
    enum class life { starting, running, leaving };

    std::uint64_t name = 0;
    int slot = 0;
    int pid = -1;
    unique_fd pidfd;  // readable when the process has ended
    unique_fd socket;
    shared_region region;
    life state = life::starting;
    bool has_ended = false;          // the pidfd said so
    std::optional<int> wait_status;  // the helper said so
    deadline news_limit;             // for the helper to say so
    bool asked_for = false;          // it did not, and was told to go on
    bool killed = false;             // by us
    bool damaged = false;            // it wrote what no worker writes
    bool began_anything = false;
    bool ready = true;  // its initializer, if there is one, has ended
    std::exception_ptr initializer_error;
    stderr_tail err;
    // How many calls it may still get.
    std::size_t quota = SIZE_MAX;
    // Set while it should end something: at that time it is killed. Until then it gets nothing.
    deadline kill_at;
    std::uint64_t stopped_call = 0;  // the call that should end
    // The running call as it was seen first: no worker can hide how long it runs.
    std::uint64_t seen_call = 0;
    deadline::clock::time_point seen_since{};
    deadline::clock::time_point last_heard{};  // or last took something
    deadline next_check;                       // when its running call may have had its time

    std::uint32_t last_chunk = 0;
    std::vector<std::unique_ptr<chunk>> chunks;  // oldest first

    deadline::clock::time_point look_at{};
    std::chrono::milliseconds look_interval{1};
    bool stream_ended = false;

    record_receiver records;
    std::vector<std::byte> unsent;
    std::size_t unsent_from = 0;
    // Descriptors that go with the byte at that place of `unsent`.
    struct descriptors_at {
        std::size_t place;
        std::vector<unique_fd> fds;
    };
    std::deque<descriptors_at> unsent_fds;

    channel_memory& memory() const noexcept { return *static_cast<channel_memory*>(region.data()); }

    bool usable() const noexcept {
        return state == life::running && ready && !has_ended && !killed && !damaged &&
               !stream_ended && kill_at.is_never();
    }
    bool has_room() const noexcept {
        return usable() && quota > 0 && chunks.size() < channel_memory::chunks_in_flight;
    }
    // Whether it has made all the calls that one worker may make.
    bool worn_out() const noexcept { return usable() && quota == 0 && chunks.empty(); }
    bool idle() const noexcept { return usable() && quota > 0 && chunks.empty(); }

    // The process has ended; the helper should say how before `limit`.
    void note_end(deadline limit) noexcept {
        if (has_ended) return;
        has_ended = true;
        news_limit = limit;
    }

    // Adds a chunk of claimed calls, in a claim word that no chunk in flight uses.
    chunk& add_chunk(ref<work> calls, call_range range) {
        auto made = std::make_unique<chunk>();
        do {
            ++last_chunk;
        } while (last_chunk == first_chunk || std::ranges::any_of(chunks, [&](const auto& other) {
                     return other->number % channel_memory::chunks_in_flight ==
                            last_chunk % channel_memory::chunks_in_flight;
                 }));
        made->number = last_chunk;
        made->calls = std::move(calls);
        for (std::size_t i = 0; i < range.count; ++i) made->places.push_back(range.first + i);
        made->ended.resize(range.count);
        made->left = range.count;
        made->encoding = true;
        made->sent = made->since = std::chrono::steady_clock::now();
        take_quota(range.count);
        limit_calls(*made);
        chunks.push_back(std::move(made));
        return *chunks.back();
    }
    void take_quota(std::size_t calls) noexcept {
        if (quota != SIZE_MAX) quota -= calls;
    }
    void return_quota(std::size_t calls) noexcept {
        if (quota != SIZE_MAX) quota += calls;
    }
    // Lets the worker begin as many calls as the chunk has now. Requires: it knows nothing of it.
    void limit_calls(const chunk& part) noexcept {
        memory().claims[part.number % channel_memory::chunks_in_flight].store(
            claim_word{part.number, 0, static_cast<std::uint16_t>(part.places.size())}.pack(),
            std::memory_order_seq_cst);
    }
    chunk* find_chunk(std::uint32_t number) const noexcept {
        const auto it =
            std::ranges::find_if(chunks, [&](const auto& one) { return one->number == number; });
        return it == chunks.end() ? nullptr : it->get();
    }
    std::vector<std::unique_ptr<chunk>> remove_ended_chunks() {
        std::vector<std::unique_ptr<chunk>> removed;
        for (auto& one : chunks) {
            if (one->left == 0 && !one->encoding) removed.push_back(std::move(one));
        }
        std::erase(chunks, nullptr);
        return removed;
    }

    // Plans the next look at what it holds: results may wait in the outbox for the call that runs,
    // and calls may wait behind it that another worker could make.
    void look_after(deadline::clock::time_point now, std::chrono::milliseconds interval) noexcept {
        look_interval = interval;
        look_at = now + interval;
    }
    deadline next_look() const noexcept {
        std::size_t left = 0;
        for (const auto& one : chunks) left += one->encoding ? 0 : one->left;
        return left > 1 && !has_ended ? deadline(look_at) : deadline::never();
    }

    // How many calls of a chunk have begun, as far as the claim word can be believed.
    std::size_t begun(const chunk& of) const noexcept {
        const auto word =
            claim_word::unpack(memory().claims[of.number % channel_memory::chunks_in_flight].load(
                std::memory_order_seq_cst));
        const auto count = of.places.size();
        if (word.chunk != of.number || word.next > count) return count;
        return word.next;
    }
    // Whether a record can be of a call that it has begun. `part` is the record's chunk, if that is
    // in flight.
    bool may_have_made(chunk* part, const record_head& record) const noexcept {
        if (!part) return static_cast<std::int32_t>(record.chunk - last_chunk) <= 0;
        if (record.index >= part->seen_begun) part->seen_begun = begun(*part);
        return record.index < part->seen_begun;
    }
    // Whether it overwrote a claim word: nobody knows then what it has begun.
    bool claims_damaged() const noexcept {
        return std::ranges::any_of(chunks, [&](const auto& one) {
            const auto& place = memory().claims[one->number % channel_memory::chunks_in_flight];
            const auto word = claim_word::unpack(place.load(std::memory_order_seq_cst));
            const auto count = one->places.size();
            return !one->encoding &&
                   (word.chunk != one->number || word.next > count || word.limit > count);
        });
    }
    // How many calls of a chunk it can still begin.
    std::size_t unbegun(const chunk& of) const noexcept {
        const auto first = of.ended.begin() + static_cast<std::ptrdiff_t>(begun(of));
        return static_cast<std::size_t>(std::count(first, of.ended.end(), false));
    }
    // The chunk whose call runs now: the newest that has begun.
    chunk* running_chunk() const noexcept {
        for (auto it = chunks.rbegin(); it != chunks.rend(); ++it) {
            if (begun(**it) > 0) return it->get();
        }
        return nullptr;
    }
    // Whether it has begun a call that has not ended, as far as we know.
    bool has_running_call() const noexcept {
        return std::ranges::any_of(chunks, [&](const auto& one) {
            const auto first = one->ended.begin();
            const auto last = first + static_cast<std::ptrdiff_t>(begun(*one));
            return std::find(first, last, false) != last;
        });
    }
    // Takes back the unbegun calls of a chunk, but for the first `keep`. Returns their places.
    std::vector<std::size_t> recall(chunk& from, std::size_t keep = 0) noexcept {
        std::vector<std::size_t> back;
        const auto first = take_back(memory(), from.number, from.places.size(), keep);
        for (std::size_t i = first; i < from.places.size(); ++i) {
            if (from.ended[i]) continue;
            from.end(i);
            back.push_back(from.places[i]);
        }
        return_quota(back.size());
        return back;
    }

    // When the running call began, if a call of this chunk runs. A time that makes no sense is
    // not believed.
    std::optional<deadline::clock::time_point> running_since(const chunk& part,
                                                             deadline::clock::time_point now) {
        const auto count = begun(part);
        if (count == 0 || part.ended[count - 1]) return std::nullopt;
        const auto running = call_name(part.number, count - 1);
        if (std::exchange(seen_call, running) != running) seen_since = now;
        const deadline::clock::time_point said{
            std::chrono::duration_cast<deadline::clock::duration>(
                std::chrono::nanoseconds(memory().began.load(std::memory_order_seq_cst)))};
        return said >= part.sent && said < seen_since ? said : seen_since;
    }
    // Has it end its running call: asked at first, if there is time for that, then killed.
    void end_call(const chunk& part, std::chrono::nanoseconds grace) noexcept {
        if (grace.count() == 0) return kill();
        stopped_call = call_name(part.number, begun(part) - 1);
        kill_at = grace;
        ask_to_stop(memory(), stopped_call);
    }

    void kill() noexcept {
        killed = true;
        if (pidfd) ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
    }

    void kill_as_damaged() noexcept {
        damaged = true;
        kill();
    }
    // Whether it was killed, by us or by somebody else, for no fault of a call.
    bool killed_while_idle() const noexcept {
        const int status = wait_status.value_or(0);
        return killed || (chunks.empty() && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
    // Whether what happened to it was its own doing, or that of a call.
    bool crashed() const noexcept {
        const int status = wait_status.value_or(0);
        return damaged || !(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
    // Why a call that it had begun will not end; `more` is said after that.
    std::exception_ptr cause_of_death(const std::string& more = {}) const {
        death how;
        how.pid = pid;
        how.stderr_tail = err.last;
        std::string what = "worker " + std::to_string(pid) + " of a process_pool ";
        const int status = wait_status.value_or(0);
        if (damaged) {
            what += "sent bytes that make no sense and was killed";
        } else if (!wait_status) {
            what += "ended, nobody knows how";
        } else if (WIFEXITED(status)) {
            how.exit_code = WEXITSTATUS(status);
            what += "exited with code " + std::to_string(*how.exit_code);
        } else {
            how.signal = WTERMSIG(status);
            how.core_dumped = WCOREDUMP(status);
            how.out_of_memory = *how.signal == SIGKILL && !killed;
            const char* signal_name = ::sigabbrev_np(*how.signal);
            what += "was killed by SIG" + std::string(signal_name ? signal_name : "?") + " (" +
                    std::to_string(*how.signal) + ")";
            if (how.core_dumped) what += ", core dumped";
            if (how.out_of_memory) what += ", perhaps for lack of memory";
        }
        what += " while it " + std::string(ready ? "ran this task" : "started") + more;
        if (!err.last.empty()) what += "; the end of its stderr: " + err.last;
        return std::make_exception_ptr(worker_died(what, std::move(how)));
    }
};

}  // namespace tandem::detail
