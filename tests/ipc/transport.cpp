// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/transport.hpp>

#include "support/catch.hpp"
#include "support/within.hpp"

#include <tandem/core/unique_fd.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/socket.h>

using namespace tandem::detail;
using namespace std::chrono_literals;
using tandem::unique_fd;

namespace {

// A channel whose two ends are in this process.
struct channel {
    channel() {
        auto ends = make_socketpair(SOCK_STREAM);
        pool = std::move(ends.first);
        worker = std::move(ends.second);
    }
    std::unique_ptr<channel_memory> memory = std::make_unique<channel_memory>();
    unique_fd pool;
    unique_fd worker;
    record_receiver receiver;

    claim_word claim(std::uint32_t chunk) const {
        return claim_word::unpack(memory->claims[chunk % channel_memory::chunks_in_flight].load());
    }
    void offer(std::uint32_t chunk, std::uint16_t limit) const {
        memory->claims[chunk % channel_memory::chunks_in_flight].store(
            claim_word{chunk, 0, limit}.pack());
    }
    // What has come, by index and text.
    std::vector<std::pair<std::uint32_t, std::string>> take() {
        std::vector<std::pair<std::uint32_t, std::string>> all;
        while (auto record = receiver.next()) {
            all.emplace_back(record->head.index,
                             std::string(reinterpret_cast<const char*>(record->bytes.data()),
                                         record->bytes.size()));
        }
        return all;
    }
    auto receive() {
        std::vector<std::pair<std::uint32_t, std::string>> all;
        for (bool more = true; more;) {
            more = receiver.receive(pool.get()) && receiver.got_something();
            for (auto& each : take()) all.push_back(std::move(each));
        }
        return all;
    }
};

std::span<const std::byte> bytes_of(const std::string& text) {
    return std::as_bytes(std::span(text));
}
record_head head_of(std::uint32_t index, const std::string& text) {
    return {1, index, record_kind::value, 1, text.size()};
}

}  // namespace

TEST_CASE("a claim word keeps its three numbers", "[transport]") {
    for (const auto& word : {claim_word{0, 0, 0}, claim_word{1, 2, 3},
                             claim_word{0xffff'ffff, 0xffff, 0xffff}, claim_word{7, 0xffff, 0}}) {
        const auto back = claim_word::unpack(word.pack());
        CHECK(back.chunk == word.chunk);
        CHECK(back.next == word.next);
        CHECK(back.limit == word.limit);
    }
}

TEST_CASE("calls of a chunk begin in order, up to its limit", "[transport]") {
    channel c;
    c.offer(5, 3);
    CHECK_FALSE(begin_call(*c.memory, 5, 1));
    CHECK(begin_call(*c.memory, 5, 0));
    CHECK_FALSE(begin_call(*c.memory, 5, 0));
    CHECK(begin_call(*c.memory, 5, 1));
    CHECK(begin_call(*c.memory, 5, 2));
    CHECK_FALSE(begin_call(*c.memory, 5, 3));
    CHECK(c.claim(5).next == 3);
}

TEST_CASE("a call of a chunk whose place another has begins no more", "[transport]") {
    channel c;
    c.offer(5, 3);
    c.offer(7, 3);
    CHECK_FALSE(begin_call(*c.memory, 5, 0));
    CHECK(begin_call(*c.memory, 7, 0));
}

TEST_CASE("unbegun calls can be taken back, but for as many as are kept", "[transport]") {
    channel c;
    c.offer(1, 10);
    for (std::uint32_t i = 0; i < 4; ++i) REQUIRE(begin_call(*c.memory, 1, i));
    CHECK(take_back(*c.memory, 1, 10, 2) == 6);
    CHECK(begin_call(*c.memory, 1, 4));
    CHECK(take_back(*c.memory, 1, 10, 0) == 5);
    CHECK(take_back(*c.memory, 1, 10, 5) == 5);  // what was taken back does not return
    CHECK_FALSE(begin_call(*c.memory, 1, 5));
}

TEST_CASE("from a claim word that makes no sense nothing is taken back", "[transport]") {
    channel c;
    for (const auto& word : {claim_word{2, 0, 10}, claim_word{1, 11, 10}, claim_word{1, 0, 11},
                             claim_word{1, 0xffff, 0xffff}}) {
        c.memory->claims[1].store(word.pack());
        CHECK(take_back(*c.memory, 1, 10, 0) == 10);
        CHECK(c.memory->claims[1].load() == word.pack());
    }
}

TEST_CASE("a call is begun or taken back, never both, never neither", "[transport]") {
    channel c;
    for (std::uint32_t chunk = 1; chunk <= 2000; ++chunk) {
        constexpr std::uint16_t count = 50;
        c.offer(chunk, count);
        std::atomic<bool> go{false};
        std::uint32_t begun = 0;
        std::thread worker;
        if (chunk % 50 == 0) {
            worker = std::thread([&] {
                while (!go) {
                }
                while (begun < count && begin_call(*c.memory, chunk, begun)) ++begun;
            });
        } else {
            while (begun < chunk % count && begin_call(*c.memory, chunk, begun)) ++begun;
        }
        go = true;
        const auto kept = take_back(*c.memory, chunk, count, chunk % 3);
        if (worker.joinable()) {
            worker.join();
        } else {
            while (begun < count && begin_call(*c.memory, chunk, begun)) ++begun;
        }
        REQUIRE(begun == kept);
    }
}

TEST_CASE("records arrive in order and whole, whatever their sizes", "[transport]") {
    channel c;
    record_sender sender(c.worker.get(), *c.memory);
    const std::size_t edge = channel_memory::outbox_size - sizeof(record_head);
    std::vector<std::size_t> sizes{0, 1, 7, 100, edge - 1, edge, edge + 1, 3, 3 << 20, 0, 65'536};
    for (int i = 0; i < 5000; ++i) sizes.push_back(static_cast<std::size_t>(i % 97));
    std::thread worker([&] {
        for (std::uint32_t i = 0; i < sizes.size(); ++i) {
            const std::string text(sizes[i], static_cast<char>('a' + i % 26));
            sender.add(head_of(i, text), bytes_of(text));
        }
        sender.flush();
        ::shutdown(c.worker.get(), SHUT_WR);
    });
    std::uint32_t at = 0;
    within(60s, [&] {
        while (at < sizes.size()) {
            pollfd ready{c.pool.get(), POLLIN, 0};
            ::poll(&ready, 1, -1);
            for (const auto& [index, text] : c.receive()) {
                REQUIRE(index == at);
                REQUIRE(text == std::string(sizes[at], static_cast<char>('a' + at % 26)));
                ++at;
            }
        }
    });
    worker.join();
    CHECK_FALSE(c.receiver.receive(c.pool.get()));
    CHECK_FALSE(sender.has_pending());
}

TEST_CASE("a record that was added can be seen before it is sent, and comes once", "[transport]") {
    channel c;
    record_sender sender(c.worker.get(), *c.memory);
    sender.add(head_of(0, "zero"), bytes_of("zero"));
    sender.add(head_of(1, "one"), bytes_of("one"));
    CHECK(c.receive().empty());
    c.receiver.peek(*c.memory);
    CHECK(c.take().size() == 2);
    c.receiver.peek(*c.memory);
    CHECK(c.take().empty());
    sender.add(head_of(2, "two"), bytes_of("two"));
    c.receiver.peek(*c.memory);
    CHECK((c.take() == std::vector<std::pair<std::uint32_t, std::string>>{{2, "two"}}));
    sender.add(head_of(3, "three"), bytes_of("three"));
    sender.flush();
    CHECK((c.receive() == std::vector<std::pair<std::uint32_t, std::string>>{{3, "three"}}));
    sender.add(head_of(4, "four"), bytes_of("four"));
    sender.flush();
    c.receiver.peek(*c.memory);
    CHECK((c.receive() == std::vector<std::pair<std::uint32_t, std::string>>{{4, "four"}}));
}

TEST_CASE("a worker may die at any byte of a flush: each whole record comes once", "[transport]") {
    const std::vector<std::string> texts{"a", "", "a longer text", "bc", std::string(300, 'x')};
    std::size_t whole = 0;
    for (const auto& text : texts) whole += sizeof(record_head) + text.size();
    for (const bool peeked : {false, true}) {
        for (std::size_t sent = 0; sent <= whole; ++sent) {
            for (const int step : {0, 1, 2}) {  // how far it came behind send
                channel c;
                {
                    record_sender before(c.worker.get(), *c.memory);
                    before.add(head_of(9, "before"), bytes_of("before"));
                    before.flush();
                }
                record_sender sender(c.worker.get(), *c.memory);
                for (std::uint32_t i = 0; i < texts.size(); ++i) {
                    sender.add(head_of(i, texts[i]), bytes_of(texts[i]));
                    if (peeked && i == 2) {
                        CHECK(c.receive().size() == 1);
                        c.receiver.peek(*c.memory);
                    }
                }
                // The flush, by hand.
                REQUIRE(send_all(c.worker.get(), {c.memory->outbox, sent}));
                if (step >= 1 && sent == whole) c.memory->pending.store(0);
                if (step >= 2 && sent == whole) c.memory->sent.fetch_add(whole);
                c.worker.reset();
                auto all = c.receive();
                c.receiver.peek(*c.memory);
                for (auto& each : c.take()) all.push_back(std::move(each));
                REQUIRE(all.size() == texts.size() + (peeked ? 0 : 1));
                for (std::size_t i = 0; i < texts.size(); ++i) {
                    const auto& [index, text] = all[i + (peeked ? 0 : 1)];
                    REQUIRE(index == i);
                    REQUIRE(text == texts[i]);
                }
            }
        }
    }
}

TEST_CASE("a look into an outbox that is used meanwhile finds nothing wrong", "[transport]") {
    channel c;
    record_sender sender(c.worker.get(), *c.memory);
    constexpr std::uint32_t count = 200'000;
    std::thread worker([&] {
        for (std::uint32_t i = 0; i < count; ++i) {
            const std::string text = std::to_string(i);
            sender.add(head_of(i, text), bytes_of(text));
            if (i % 37 == 0) sender.flush();
        }
        sender.flush();
    });
    std::uint32_t at = 0;
    within(60s, [&] {
        while (at < count) {
            c.receiver.peek(*c.memory);
            auto all = c.take();
            for (auto& each : c.receive()) all.push_back(std::move(each));
            for (const auto& [index, text] : all) {
                REQUIRE(index == at);
                REQUIRE(text == std::to_string(at));
                ++at;
            }
        }
    });
    worker.join();
    CHECK_FALSE(c.receiver.damaged());
}

TEST_CASE("an outbox that cannot be is not read", "[transport]") {
    const auto max64 = std::numeric_limits<std::uint64_t>::max();
    const auto max32 = std::numeric_limits<std::uint32_t>::max();
    for (const auto& [sent, pending] : {std::pair<std::uint64_t, std::uint32_t>{0, max32},
                                        {max64, max32},
                                        {max64, 100},
                                        {1, 100},
                                        {0, channel_memory::outbox_size + 1}}) {
        channel c;
        c.memory->sent.store(sent);
        c.memory->pending.store(pending);
        c.receiver.peek(*c.memory);
        CHECK(c.take().empty());
        CHECK_FALSE(c.receiver.damaged());
    }
}

TEST_CASE("records that no worker sends are damage", "[transport]") {
    for (const auto& head :
         {record_head{1, 0, record_kind{0}, 1, 0}, record_head{1, 0, record_kind{77}, 1, 0},
          record_head{1, 0xffff'ffff, record_kind::value, 1, 0},
          record_head{1, 0, record_kind::value, 1, std::numeric_limits<std::uint64_t>::max()},
          record_head{1, 0, record_kind::value, 1, largest_record + 1}}) {
        channel c;
        const auto* raw = reinterpret_cast<const std::byte*>(&head);
        REQUIRE(send_all(c.worker.get(), {raw, sizeof head}));
        c.receiver.receive(c.pool.get());
        CHECK(c.receiver.damaged());
    }
    channel c;
    const record_head largest{0xffff'ffff, largest_chunk - 1, record_kind::exception, 0, 5};
    const auto* raw = reinterpret_cast<const std::byte*>(&largest);
    REQUIRE(send_all(c.worker.get(), {raw, sizeof largest}));
    c.receiver.receive(c.pool.get());
    CHECK_FALSE(c.receiver.damaged());
    CHECK_FALSE(c.receiver.next());  // its bytes are still to come
}

TEST_CASE("whatever bytes come, nothing is read that is not there", "[transport]") {
    std::mt19937_64 random(7);
    for (int round = 0; round < 2000; ++round) {
        channel c;
        std::vector<std::byte> noise(random() % 500);
        for (auto& each : noise) each = static_cast<std::byte>(random() % 3);  // small numbers
        REQUIRE(send_all(c.worker.get(), noise));
        c.memory->sent.store(random() % 600);
        c.memory->pending.store(static_cast<std::uint32_t>(random() % 700));
        c.receiver.receive(c.pool.get());
        for (int look = 0; look < 3; ++look) {
            for (int i = 0; i < 100 && !c.receiver.damaged(); ++i) {
                const auto record = c.receiver.next();
                if (!record) break;
                CHECK(record->bytes.size() == record->head.size);
                CHECK(record->bytes.size() <= 1200);
            }
            c.receiver.peek(*c.memory);
        }
    }
}

TEST_CASE("a sender whose pool is gone says so", "[transport]") {
    channel c;
    record_sender sender(c.worker.get(), *c.memory);
    c.pool.reset();
    CHECK(sender.add(head_of(0, "kept"), bytes_of("kept")));
    CHECK_FALSE(sender.flush());
    const std::string large(channel_memory::outbox_size, 'x');
    CHECK_FALSE(sender.add(head_of(1, large), bytes_of(large)));
    std::byte byte{};
    CHECK_FALSE(receive_all(c.worker.get(), {&byte, 1}));
}
