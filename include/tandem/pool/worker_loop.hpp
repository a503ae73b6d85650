// SPDX-License-Identifier: BSL-1.0
// tandem/pool/worker_loop.hpp: what a worker process does: receive, begin, call, reply.        level 3
#pragma once

#include <tandem/core/fork_count.hpp>
#include <tandem/core/unique_fd.hpp>
#include <tandem/ipc/exception_codec.hpp>
#include <tandem/ipc/thunk.hpp>
#include <tandem/ipc/transport.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <limits>
#include <utility>
#include <vector>

#include <unistd.h>

namespace tandem::detail {

// Whether this process is a worker of a pool.
inline bool& inside_worker() noexcept {
    static bool inside = false;
    return inside;
}

class worker_loop {
    using clock = std::chrono::steady_clock;
    // Results of short calls leave together, but none waits longer than this for the next.
    static constexpr auto patience = std::chrono::milliseconds(4);
    static constexpr std::int64_t most_unstamped = 64;

   public:
    worker_loop(int socket, channel_memory& memory) noexcept
        : socket_(socket), memory_(memory), records_(socket, memory) {}

    // Serves chunks until the pool closes the socket.
    void serve() {
        chunk_head head;
        while (receive_all(socket_, std::as_writable_bytes(std::span(&head, 1)))) {
            body_.resize(static_cast<std::size_t>(head.body_size));
            if (!receive_all(socket_, body_)) return;
            if (!run_chunk(head)) return;
        }
    }

   private:
    // Makes the calls of a chunk that are not taken back. False: the pool is gone.
    bool run_chunk(const chunk_head& head) {
        reader body(body_);
        reader call(body.take(static_cast<std::size_t>(head.call_size), "a call"));
        const thunk* const code = find(call);
        stamp_ = last_flush_ = clock::now();
        for (std::uint32_t index = 0; index < head.count; ++index) {
            const auto size = decode<std::uint64_t>(body);
            const auto arguments = body.take(static_cast<std::size_t>(size), "arguments");
            if (!begin_call(memory_, head.chunk, index)) break;
            const auto kind = make_call(code, call, arguments);
            // A task that forked and came back in the child: one worker a channel, not two.
            if (fork_count() != forks_) ::_exit(kind == record_kind::value ? 0 : 1);
            const record_head record{head.chunk, index, kind, time_passed(),
                                     result_.bytes().size()};
            if (!records_.add(record, result_.bytes())) return false;
            if (stamp_ - last_flush_ > patience && !flush()) return false;
        }
        return flush();
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
    std::vector<std::byte> body_;
    writer result_;
    clock::time_point stamp_{};       // the last look at the clock
    clock::time_point last_flush_{};  // the look before the last flush
    std::int64_t stride_ = 1;         // how many calls from one look to the next
    std::int64_t unstamped_ = 0;      // how many since the last
    module_offset token_;
    const thunk* found_ = nullptr;
};

// The life of a worker process.
[[noreturn]] inline void run_worker(unique_fd socket, unique_fd memory) noexcept {
    inside_worker() = true;
    try {
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
