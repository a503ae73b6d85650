// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/worker_loop.hpp>

#include "support/catch.hpp"
#include "support/within.hpp"

#include <tandem/core/unique_fd.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/socket.h>

using namespace tandem::detail;
using namespace std::chrono_literals;
using tandem::reader;
using tandem::unique_fd;
using tandem::writer;

namespace {

int half(int x) {
    if (x % 2 != 0) throw std::domain_error("odd");
    return x / 2;
}
using call = submitted_call<int (*)(int), int>;

// A worker's loop in a thread of this process, and the pool's end of its channel.
class loop {
   public:
    loop() {
        auto ends = make_socketpair(SOCK_STREAM);
        pool_ = std::move(ends.first);
        worker_ = std::move(ends.second);
        thread_ = std::thread([this] { worker_loop(worker_.get(), *memory_).serve(); });
    }
    ~loop() {
        ::shutdown(pool_.get(), SHUT_WR);
        thread_.join();
    }

    // Sends a chunk of half(x) for each x, of which `limit` may begin.
    void send(std::uint32_t number, const std::vector<int>& values, std::uint16_t limit,
              bool known = true) {
        memory_->claims[number % channel_memory::chunks_in_flight].store(
            claim_word{number, 0, limit}.pack());
        writer body;
        encode_call<call>(body, &half);
        if (!known) body.patch(0, "12345678", 8);
        const auto call_size = body.position();
        for (const int value : values) {
            tandem::encode(body, std::uint64_t{sizeof value});
            tandem::encode(body, value);
        }
        const chunk_head head{number, static_cast<std::uint32_t>(values.size()), call_size,
                              body.position()};
        send_all(pool_.get(), {reinterpret_cast<const std::byte*>(&head), sizeof head});
        send_all(pool_.get(), body.bytes());
    }
    // The next record: its index, and its value or the text of its exception.
    std::pair<std::uint32_t, std::string> hear() {
        return within(20s, [&] {
            for (;;) {
                if (const auto record = receiver_.next()) {
                    reader in(record->bytes);
                    return std::pair(record->head.index, text_of(record->head.kind, in));
                }
                pollfd ready{pool_.get(), POLLIN, 0};
                ::poll(&ready, 1, -1);
                receiver_.receive(pool_.get());
            }
        });
    }
    const channel_memory& memory() const { return *memory_; }

   private:
    static std::string text_of(record_kind kind, reader& in) {
        if (kind == record_kind::value) return std::to_string(decode_result<int>(in));
        try {
            std::rethrow_exception(tandem::decode_exception(in, 0));
        } catch (const std::exception& e) {
            return e.what();
        }
    }

    std::unique_ptr<channel_memory> memory_ = std::make_unique<channel_memory>();
    unique_fd pool_;
    unique_fd worker_;
    record_receiver receiver_;
    std::thread thread_;
};

using answer = std::pair<std::uint32_t, std::string>;

}  // namespace

TEST_CASE("a worker makes the calls of a chunk in order and sends what they came to",
          "[worker_loop]") {
    loop worker;
    worker.send(1, {2, 4, 5, 6}, 4);
    CHECK(worker.hear() == answer{0, "1"});
    CHECK(worker.hear() == answer{1, "2"});
    CHECK(worker.hear() == answer{2, "odd"});
    CHECK(worker.hear() == answer{3, "3"});
}

TEST_CASE("a worker makes no call that was taken back", "[worker_loop]") {
    loop worker;
    worker.send(1, {2, 4, 6}, 1);
    CHECK(worker.hear() == answer{0, "1"});
    worker.send(2, {8, 9}, 0);
    worker.send(3, {10}, 1);
    CHECK(worker.hear() == answer{0, "5"});
    CHECK(claim_word::unpack(worker.memory().claims[0].load()).next == 0);
}

TEST_CASE("a call that the worker does not know fails with the reason", "[worker_loop]") {
    loop worker;
    worker.send(1, {2, 4}, 2, /*known=*/false);
    CHECK(worker.hear().second.find("does not know the call") != std::string::npos);
    CHECK(worker.hear().second.find("does not know the call") != std::string::npos);
    worker.send(2, {2}, 1);
    CHECK(worker.hear() == answer{0, "1"});
}

TEST_CASE("a process is no worker until it becomes one", "[worker_loop]") {
    CHECK_FALSE(inside_worker());
}
