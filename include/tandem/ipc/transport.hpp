// SPDX-License-Identifier: BSL-1.0
// tandem/ipc/transport.hpp: how a pool and one of its workers talk.        level 1
#pragma once

#include <tandem/core/config.hpp>
#include <tandem/ipc/codec.hpp>
#include <tandem/ipc/shared_region.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/socket.h>

namespace tandem::detail {

// One private channel joins a pool to each worker: a stream socket, and a page or so of shared
// memory. Nothing in it is locked, so a death at any moment leaves nothing locked.
//
//   pool -> worker   chunks: some calls of one work, over the socket.
//   worker -> pool   records: what each call came to, over the socket. They pass through an outbox
//                    in shared memory, so that many leave in one system call and those that did not
//                    leave yet survive the worker.
//   both             one claim word a chunk, in shared memory: which calls have begun. The worker
//                    begins a call by raising `next`; the pool takes unbegun calls back by lowering
//                    `limit`. Both are compare-and-swap on the same word: a call is begun, or it is
//                    taken back, never both; and after a death the word says what had begun.

// The claim word of a chunk: its number (which tells an old chunk from a new one in the same
// place), how many of its calls have begun, and how many may begin.
struct claim_word {
    std::uint32_t chunk = 0;
    std::uint16_t next = 0;
    std::uint16_t limit = 0;

    std::uint64_t pack() const noexcept {
        return std::uint64_t{chunk} << 32 | std::uint64_t{next} << 16 | limit;
    }
    static claim_word unpack(std::uint64_t word) noexcept {
        return {static_cast<std::uint32_t>(word >> 32), static_cast<std::uint16_t>(word >> 16),
                static_cast<std::uint16_t>(word)};
    }
};

// What pool and worker share. The pool maps it, a worker may write anything into it: the pool
// checks what it reads.
struct channel_memory {
    static constexpr std::size_t chunks_in_flight = 2;
    static constexpr std::size_t outbox_size = 64 * 1024;

    // Claim words by chunk number modulo their count. Written by the pool while the chunk is not in
    // flight, by both through compare-and-swap while it is. seq_cst: rare next to what it guards.
    alignas(cache_line) std::atomic<std::uint64_t> claims[chunks_in_flight];
    // When the call that runs has begun, in nanoseconds of the steady clock, if its chunk is timed.
    // Written by the worker just before it raises `next`, so that whoever sees the call begun sees
    // its own time or that of a later one.
    std::atomic<std::int64_t> began{0};
    // The call that should stop, as a call_name; written by the pool, then `stops` is raised, which
    // the worker's watch sleeps on. seq_cst: the worker looks here after it has told the watch what
    // it runs, so one of the two sees the request.
    std::atomic<std::uint64_t> stop{0};
    std::atomic<std::uint32_t> stops{0};
    // How many bytes of the worker's stream came before the outbox. Written by the worker.
    alignas(cache_line) std::atomic<std::uint64_t> sent;
    // How many bytes of the outbox are whole records. Written by the worker: released after the
    // bytes, acquired by the pool after the worker's death.
    std::atomic<std::uint32_t> pending;
    alignas(cache_line) std::byte outbox[outbox_size];
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

// Names one call of one chunk.
inline std::uint64_t call_name(std::uint32_t chunk, std::size_t index) noexcept {
    return std::uint64_t{chunk} << 32 | index;
}

inline constexpr std::size_t largest_chunk = 0xffff;
inline constexpr std::uint64_t largest_record = std::uint64_t{1} << 40;

// Begins the call `index` of a chunk. False: it was taken back.
inline bool begin_call(channel_memory& memory, std::uint32_t chunk, std::uint32_t index) noexcept {
    auto& word = memory.claims[chunk % channel_memory::chunks_in_flight];
    auto seen = word.load(std::memory_order_seq_cst);
    for (;;) {
        auto claim = claim_word::unpack(seen);
        if (claim.chunk != chunk || claim.next != index || claim.next >= claim.limit) return false;
        ++claim.next;
        if (word.compare_exchange_weak(seen, claim.pack(), std::memory_order_seq_cst)) return true;
    }
}

// Takes back the calls of a chunk of `count` that have not begun, but for the first `keep` of them.
// Returns how many stay with the worker: those from there on are the pool's again.
inline std::size_t take_back(channel_memory& memory, std::uint32_t chunk, std::size_t count,
                             std::size_t keep) noexcept {
    auto& word = memory.claims[chunk % channel_memory::chunks_in_flight];
    auto seen = word.load(std::memory_order_seq_cst);
    for (;;) {
        auto claim = claim_word::unpack(seen);
        // A worker that overwrote the word may have begun anything.
        if (claim.chunk != chunk || claim.next > count || claim.limit > count) return count;
        claim.limit =
            static_cast<std::uint16_t>(std::min<std::size_t>(claim.limit, claim.next + keep));
        if (word.compare_exchange_weak(seen, claim.pack(), std::memory_order_seq_cst)) {
            return std::max(claim.next, claim.limit);
        }
    }
}

// The head of a chunk on its way to a worker. After it: the bytes that name the call, then for each
// call the size of its arguments (8 bytes) and the arguments.
struct chunk_head {
    std::uint32_t chunk;
    std::uint32_t count;
    std::uint64_t call_size;
    std::uint64_t body_size;        // all that follows
    std::uint32_t wishes = 0;       // what the pool wants of each call
    std::uint32_t cpu_seconds = 0;  // how much CPU time each may take; 0: any
};

// Bits of `wishes`.
inline constexpr std::uint32_t wants_time = 1;     // the moment when it begins
inline constexpr std::uint32_t wants_stop = 2;     // a stop_token that the pool can set
inline constexpr std::uint32_t wants_reports = 4;  // what it reports on its way
inline constexpr std::uint32_t wants_exit = 8;     // that the process ends after it

// The number of the chunk that prepares a worker: not claimed, nothing else begins before its end.
inline constexpr std::uint32_t first_chunk = 0;

enum class record_kind : std::uint32_t { value = 1, exception = 2, report = 3 };

// The head of a record on its way to the pool; `size` bytes follow.
struct record_head {
    std::uint32_t chunk;
    std::uint32_t index;
    record_kind kind;
    std::uint32_t nanoseconds;  // how long the calls since the last record with a time took, this
                                // one included; 0: the time was not taken
    std::uint64_t size;
};

// Sends all of it. False: the other side is gone.
inline bool send_all(int socket, std::span<const std::byte> bytes) noexcept {
    while (!bytes.empty()) {
        const auto n = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
    return true;
}
// Receives exactly as much as fits. False: the other side is gone.
inline bool receive_all(int socket, std::span<std::byte> bytes) noexcept {
    while (!bytes.empty()) {
        const auto n = ::recv(socket, bytes.data(), bytes.size(), 0);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
    return true;
}

// The worker's end of its stream of records.
// Thread safety: belongs to the worker's thread.
class record_sender {
   public:
    record_sender(int socket, channel_memory& memory) noexcept : socket_(socket), memory_(memory) {}

    // Adds a record. It survives this process from here on. False: the pool is gone.
    bool add(record_head head, std::span<const std::byte> bytes) noexcept {
        const auto whole = sizeof head + bytes.size();
        if (whole > channel_memory::outbox_size - used_ && !flush()) return false;
        if (whole > channel_memory::outbox_size) return send_directly(head, bytes);
        std::memcpy(memory_.outbox + used_, &head, sizeof head);
        if (!bytes.empty()) {
            std::memcpy(memory_.outbox + used_ + sizeof head, bytes.data(), bytes.size());
        }
        used_ += whole;
        memory_.pending.store(static_cast<std::uint32_t>(used_), std::memory_order_release);
        return true;
    }
    // Sends what was added. False: the pool is gone.
    bool flush() noexcept {
        if (used_ == 0) return true;
        if (!send_all(socket_, {memory_.outbox, used_})) return false;
        // First nothing is pending, then it counts as sent: whoever reads in between, after our
        // death, counts the bytes that arrived and finds none of them twice.
        const auto n = std::exchange(used_, 0);
        memory_.pending.store(0, std::memory_order_release);
        memory_.sent.fetch_add(n, std::memory_order_release);
        return true;
    }
    bool has_pending() const noexcept { return used_ != 0; }

   private:
    bool send_directly(const record_head& head, std::span<const std::byte> bytes) noexcept {
        const auto* raw = reinterpret_cast<const std::byte*>(&head);
        if (!send_all(socket_, {raw, sizeof head}) || !send_all(socket_, bytes)) return false;
        memory_.sent.fetch_add(sizeof head + bytes.size(), std::memory_order_release);
        return true;
    }

    int socket_;
    channel_memory& memory_;
    std::size_t used_ = 0;
};

// The pool's end of a worker's stream of records.
// Thread safety: belongs to the pool's manager.
class record_receiver {
   public:
    struct record {
        record_head head;
        std::span<const std::byte> bytes;  // valid until the next receive
    };

    // Receives what there is, without waiting, at most about a megabyte.
    // Returns: false once the stream has ended.
    bool receive(int socket) {
        constexpr std::size_t turn = 1 << 20;
        compact();
        const auto start = from_socket_;
        const bool open = receive_some(socket, turn);
        got_something_ = from_socket_ != start;
        return open;
    }
    // Whether the last receive() brought anything.
    bool got_something() const noexcept { return got_something_; }

    // Adds the records that the worker, dead or alive, has finished but not sent. What was seen
    // here is left out when it comes over the socket later.
    void peek(channel_memory& memory) {
        const auto sent = memory.sent.load(std::memory_order_acquire);
        const std::size_t pending = memory.pending.load(std::memory_order_acquire);
        if (pending > channel_memory::outbox_size || received_ < sent ||
            received_ - sent >= pending) {
            return;
        }
        compact();
        const auto from = static_cast<std::size_t>(received_ - sent);
        const auto before = buffer_.size();
        buffer_.insert(buffer_.end(), memory.outbox + from, memory.outbox + pending);
        // The outbox is used again once it was sent: what we copied is only good if it was not. A
        // modification, because a load could overtake the copy.
        if (memory.sent.fetch_add(0, std::memory_order_acq_rel) == sent) {
            received_ += pending - from;
        } else {
            buffer_.resize(before);
        }
    }
    // Whether the stream holds something that no worker of ours sends.
    bool damaged() const noexcept {
        record_head head;
        if (buffer_.size() - read_ < sizeof head) return false;
        std::memcpy(&head, buffer_.data() + read_, sizeof head);
        const bool known = head.kind >= record_kind::value && head.kind <= record_kind::report;
        return !known || head.index >= largest_chunk || head.size > largest_record;
    }
    // The next whole record, if there is one.
    std::optional<record> next() noexcept {
        record_head head;
        if (buffer_.size() - read_ < sizeof head) return std::nullopt;
        std::memcpy(&head, buffer_.data() + read_, sizeof head);
        if (buffer_.size() - read_ - sizeof head < head.size) return std::nullopt;
        const std::span<const std::byte> bytes(buffer_.data() + read_ + sizeof head,
                                               static_cast<std::size_t>(head.size));
        read_ += sizeof head + bytes.size();
        return record{head, bytes};
    }

   private:
    bool receive_some(int socket, std::size_t turn) {
        constexpr std::size_t room = 256 * 1024;
        if (!scratch_) scratch_ = std::make_unique_for_overwrite<std::byte[]>(room);
        for (std::size_t got = 0; got < turn;) {
            const auto n = ::recv(socket, scratch_.get(), room, MSG_DONTWAIT);
            if (n > 0) {
                append({scratch_.get(), static_cast<std::size_t>(n)});
                got += static_cast<std::size_t>(n);
                if (static_cast<std::size_t>(n) < room) return true;
                continue;
            }
            if (n < 0 && errno == EINTR) continue;
            return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
        }
        return true;
    }
    // Adds what came over the socket, without what was seen in the outbox already.
    void append(std::span<const std::byte> bytes) {
        const auto seen = static_cast<std::size_t>(
            std::min<std::uint64_t>(received_ - from_socket_, bytes.size()));
        from_socket_ += bytes.size();
        received_ += bytes.size() - seen;
        buffer_.insert(buffer_.end(), bytes.begin() + static_cast<std::ptrdiff_t>(seen),
                       bytes.end());
    }
    void compact() {
        buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(read_));
        read_ = 0;
    }

    std::unique_ptr<std::byte[]> scratch_;  // what recv writes to
    std::vector<std::byte> buffer_;
    std::size_t read_ = 0;  // of buffer_
    bool got_something_ = false;
    std::uint64_t received_ = 0;     // of the stream: how far we have it
    std::uint64_t from_socket_ = 0;  // how far it came over the socket
};

}  // namespace tandem::detail
