// SPDX-License-Identifier: BSL-1.0
// tandem/pool/worker_loop.hpp: what a worker process does: receive, begin, call, reply.        level 3
#pragma once

#include <tandem/core/fork_count.hpp>
#include <tandem/core/unique_fd.hpp>
#include <tandem/ipc/exception_codec.hpp>
#include <tandem/ipc/passed_descriptors.hpp>
#include <tandem/ipc/thunk.hpp>
#include <tandem/ipc/transport.hpp>
#include <tandem/pool/report.hpp>
#include <tandem/pool/stop_watch.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <limits>
#include <utility>
#include <vector>

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

namespace tandem::detail {

// Whether this process is a worker of a pool.
inline bool& inside_worker() noexcept {
    static bool inside = false;
    return inside;
}

// Lets this process use at most so many more seconds of CPU time.
inline void limit_cpu(std::uint32_t seconds) noexcept {
    timespec used{};
    rlimit limit{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    ::getrlimit(RLIMIT_CPU, &limit);
    const auto until = static_cast<rlim_t>(used.tv_sec) + (used.tv_nsec > 0 ? 1 : 0) + seconds;
    limit.rlim_cur = std::min(until, limit.rlim_max);
    ::setrlimit(RLIMIT_CPU, &limit);
}

// Lets this process map at most so many more bytes.
inline void limit_memory(std::uint64_t bytes) noexcept {
    unsigned long long pages = 0;
    std::FILE* statm = std::fopen("/proc/self/statm", "re");
    if (!statm || std::fscanf(statm, "%llu", &pages) != 1) pages = 0;
    if (statm) std::fclose(statm);
    rlimit limit{};
    ::getrlimit(RLIMIT_AS, &limit);
    const auto mapped = pages * static_cast<unsigned long long>(::sysconf(_SC_PAGESIZE));
    limit.rlim_cur = std::min<rlim_t>(mapped + bytes, limit.rlim_max);
    ::setrlimit(RLIMIT_AS, &limit);
}

class worker_loop final : private report_sink {
    using clock = std::chrono::steady_clock;
    // Results of short calls leave together, but none waits longer than this for the next.
    static constexpr auto patience = std::chrono::milliseconds(4);
    static constexpr std::int64_t most_unstamped = 64;

   public:
    worker_loop(int socket, channel_memory& memory) noexcept
        : socket_(socket), memory_(memory), records_(socket, memory), stops_(memory) {}

    // Serves chunks until the pool closes the socket.
    void serve() {
        chunk_head head;
        while (receive_head(head)) {
            body_.resize(static_cast<std::size_t>(head.body_size));
            if (!receive_all(socket_, body_)) return;
            if (!run_chunk(head)) return;
        }
    }

   private:
    // The head of the next chunk, and the descriptors that come with it.
    bool receive_head(chunk_head& head) {
        const auto bytes = std::as_writable_bytes(std::span(&head, 1));
        descriptors_.clear();
        const auto n = receive_with(socket_, bytes, descriptors_, 0);
        return n > 0 && receive_all(socket_, bytes.subspan(static_cast<std::size_t>(n)));
    }
    // Makes the calls of a chunk that are not taken back. False: the pool is gone.
    bool run_chunk(const chunk_head& head) {
        reader body(body_);
        reader call(body.take(static_cast<std::size_t>(head.call_size), "a call"));
        const thunk* const code = find(call);
        stamp_ = last_flush_ = clock::now();
        for (std::uint32_t index = 0; index < head.count; ++index) {
            const auto size = decode<std::uint64_t>(body);
            const auto arguments = body.take(static_cast<std::size_t>(size), "arguments");
            if (head.wishes & wants_time) note_time();
            if (head.chunk != first_chunk && !begin_call(memory_, head.chunk, index)) break;
            begin(head, index);
            const auto kind = make_call(code, call, arguments);
            end(head);
            if (head.wishes & wants_exit) end_process(kind);
            // A task that forked and came back in the child: one worker a channel, not two.
            if (fork_count() != forks_) ::_exit(kind == record_kind::value ? 0 : 1);
            const record_head record{head.chunk, index, kind, time_passed(),
                                     result_.bytes().size()};
            if (!records_.add(record, result_.bytes())) return false;
            if (stamp_ - last_flush_ > patience && !flush()) return false;
            if (head.chunk == first_chunk && kind == record_kind::exception) return flush(), false;
        }
        return flush();
    }

    // The end of a process that makes one call.
    [[noreturn]] void end_process(record_kind kind) noexcept {
        if (kind == record_kind::exception && fork_count() == forks_) {
            reader in(result_.bytes());
            try {
                std::rethrow_exception(decode_exception(in, ::getpid()));
            } catch (const std::exception& e) {
                std::fprintf(stderr, "tandem: process %d: %s\n", ::getpid(), e.what());
            } catch (...) {
                std::fprintf(stderr, "tandem: process %d: an exception\n", ::getpid());
            }
        }
        std::fflush(nullptr);
        ::_exit(kind == record_kind::value ? 0 : 1);
    }
    void note_time() noexcept {
        memory_.began.store(clock::now().time_since_epoch() / std::chrono::nanoseconds(1),
                            std::memory_order_seq_cst);
    }
    // Prepares what a call that has begun finds around it.
    void begin(const chunk_head& head, std::uint32_t index) {
        if (head.cpu_seconds != 0) limit_cpu(head.cpu_seconds);
        if (head.wishes & wants_stop)
            task_stop_token() = stops_.begin(call_name(head.chunk, index));
        if (head.wishes & wants_reports) {
            running_ = {head.chunk, index, record_kind::report, 0, 0};
            current_sink() = this;
        }
    }
    void end(const chunk_head& head) noexcept {
        current_sink() = nullptr;
        if (!(head.wishes & wants_stop)) return;
        stops_.end();
        task_stop_token() = {};
    }

    // A report leaves at once, unless another has just left: then the pool finds it by itself.
    void add_report(std::span<const std::byte> bytes) noexcept override {
        if (fork_count() != forks_) return;
        running_.size = bytes.size();
        const auto now = clock::now();
        if (!records_.add(running_, bytes) || now - last_report_ < std::chrono::milliseconds(1)) {
            return;
        }
        last_report_ = now;
        records_.flush();
    }

    // The code that the call names; the rest of the call's bytes is the callable's own. Null if
    // this process does not have it.
    const thunk* find(reader& call) {
        module_offset token;
        token.module = decode<std::uint64_t>(call);
        token.offset = decode<std::uint64_t>(call);
        if (!found_ || !(token == token_)) {
            found_ = thunk::find(token);
            token_ = token;
        }
        return found_;
    }

    record_kind make_call(const thunk* code, reader state,
                          std::span<const std::byte> arguments) noexcept {
        result_.clear();
        try {
            if (!code) {
                throw codec_error(
                    "this worker does not know the call: was it loaded by dlopen after the "
                    "pool's helper was started?");
            }
            reader in(arguments);
            const descriptor_scope here(incoming_descriptors(), &descriptors_);
            code->run(state, in, result_);
            return record_kind::value;
        } catch (...) {
            result_.clear();
            encode_exception(result_, std::current_exception());
            return record_kind::exception;
        }
    }

    // The time since the last look at the clock, 0 if this is not the time to look. A look costs as
    // much as a tiny call, so there is one for about every 20 us of them.
    std::uint32_t time_passed() noexcept {
        if (++unstamped_ < stride_) return 0;
        const auto now = clock::now();
        const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(now - stamp_).count();
        stride_ = std::clamp<std::int64_t>(20'000 * unstamped_ / std::max<std::int64_t>(ns, 1), 1,
                                           most_unstamped);
        stamp_ = now;
        unstamped_ = 0;
        constexpr std::int64_t most = std::numeric_limits<std::uint32_t>::max();
        return static_cast<std::uint32_t>(std::clamp<std::int64_t>(ns, 1, most));
    }

    bool flush() noexcept {
        if (!records_.has_pending()) return true;
        std::fflush(nullptr);  // what the tasks printed comes before their results
        last_flush_ = stamp_;
        return records_.flush();
    }

    const unsigned forks_ = fork_count();
    int socket_;
    channel_memory& memory_;
    record_sender records_;
    std::vector<unique_fd> descriptors_;  // of the chunk
    std::vector<std::byte> body_;
    writer result_;
    clock::time_point stamp_{};       // the last look at the clock
    clock::time_point last_flush_{};  // the look before the last flush
    clock::time_point last_report_{};
    record_head running_{};  // what the records of reports begin with
    stop_watch stops_;
    std::int64_t stride_ = 1;     // how many calls from one look to the next
    std::int64_t unstamped_ = 0;  // how many since the last
    module_offset token_;
    const thunk* found_ = nullptr;
};

// The life of a worker process.
[[noreturn]] inline void run_worker(unique_fd socket, unique_fd memory,
                                    std::uint64_t memory_limit) noexcept {
    inside_worker() = true;
    try {
        if (memory_limit != 0) limit_memory(memory_limit);
        const auto region = shared_region::map(std::move(memory), sizeof(channel_memory));
        worker_loop(socket.get(), *static_cast<channel_memory*>(region.data())).serve();
    } catch (const std::exception& e) {
        std::fprintf(stderr, "tandem: a worker cannot go on: %s\n", e.what());
        ::_exit(1);
    }
    std::fflush(nullptr);
    ::_exit(0);
}

}  // namespace tandem::detail
