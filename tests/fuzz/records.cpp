// SPDX-License-Identifier: BSL-1.0
// What a worker of any kind can make of the pool's end of its channel: whatever it writes to the
// socket and to the memory that both see, the pool gets records, or notices.
#include <tandem/core/unique_fd.hpp>
#include <tandem/ipc/codec.hpp>
#include <tandem/ipc/exception_codec.hpp>
#include <tandem/ipc/shippable.hpp>
#include <tandem/ipc/transport.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <span>
#include <string>

#include <sys/socket.h>

using namespace tandem::detail;

namespace {

// Takes what has come, as the pool does.
bool take(record_receiver& records) {
    for (;;) {
        if (records.damaged()) return false;
        const auto record = records.next();
        if (!record) return true;
        if (record->bytes.size() != record->head.size) std::abort();
        tandem::reader in(record->bytes);
        try {
            if (record->head.kind == record_kind::exception) {
                static_cast<void>(tandem::decode_exception(in, 1));
            } else {
                static_cast<void>(decode_result<std::string>(in));
            }
        } catch (const std::exception&) {
            // That call ends with it.
        }
    }
}

void write_memory(channel_memory& memory, tandem::reader& in) {
    memory.claims[0].store(tandem::decode<std::uint64_t>(in), std::memory_order_relaxed);
    memory.sent.store(tandem::decode<std::uint64_t>(in) % 512, std::memory_order_relaxed);
    memory.pending.store(tandem::decode<std::uint32_t>(in) % (2 * channel_memory::outbox_size),
                         std::memory_order_relaxed);
    const auto rest = in.take(std::min<std::size_t>(in.remaining(), 256), "outbox");
    std::memcpy(memory.outbox, rest.data(), rest.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto memory = std::make_unique<channel_memory>();
    auto [pool, worker] = make_socketpair(SOCK_STREAM);
    record_receiver records;
    const auto bytes = std::as_bytes(std::span(data, size));
    tandem::reader in(bytes);
    try {
        while (in.remaining() > 2) {
            const auto what = tandem::decode<std::uint8_t>(in);
            if (what % 4 == 0) {
                write_memory(*memory, in);
                records.peek(*memory);
                const std::size_t count = what;
                if (take_back(*memory, what, count, what % 3) > count) std::abort();
            } else {
                const auto part = in.take(std::min<std::size_t>(in.remaining(), what), "part");
                send_all(worker.get(), part);
                records.receive(pool.get());
            }
            if (!take(records)) break;
        }
    } catch (const std::exception&) {
        // The input has ended.
    }
    return 0;
}
