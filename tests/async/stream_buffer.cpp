// SPDX-License-Identifier: BSL-1.0
#include <tandem/async/stream_buffer.hpp>

#include "../support/catch.hpp"

#include <cstddef>
#include <string>

using tandem::detail::stream_buffer;

namespace {

void put(stream_buffer& to, const std::string& bytes) {
    for (std::size_t done = 0; done < bytes.size();) {
        const auto room = to.room();
        const auto count = bytes.copy(room.data(), room.size(), done);
        to.commit(count);
        done += count;
    }
}

}  // namespace

TEST_CASE("a stream's buffer gives what it was given, in pieces of any size", "[stream_buffer]") {
    stream_buffer buffer;
    std::string expected;
    for (std::size_t i = 0; i < 300; ++i) {
        const std::string piece(i * 37 % 9001, static_cast<char>('a' + i % 26));
        expected += piece;
        if (i % 2 == 0) {
            put(buffer, piece);
        } else {
            buffer.append(piece);
        }
        const auto take = i % 3 == 0 ? buffer.size() / 2 : buffer.size() / 9;
        REQUIRE(buffer.view() == expected);
        buffer.consume(take);
        expected.erase(0, take);
    }
    CHECK(buffer.view() == expected);
}

TEST_CASE("a stream's buffer grows with what is read at once", "[stream_buffer]") {
    stream_buffer buffer;
    CHECK(buffer.room().size() == 4096);
    for (int i = 0; i < 10; ++i) {
        buffer.commit(buffer.room().size());
        buffer.consume(buffer.size());
    }
    const auto most = buffer.room().size();
    CHECK(most >= 32768);
    CHECK(most <= 131072);
}

TEST_CASE("a stream's buffer is reused, and let go when it is idle", "[stream_buffer]") {
    stream_buffer buffer;
    for (int i = 0; i < 1000; ++i) {
        put(buffer, "some bytes");
        buffer.consume(10);
    }
    CHECK(buffer.capacity() == 4096);
    buffer.append("x");
    buffer.release_if_empty();
    CHECK(buffer.view() == "x");
    buffer.consume(1);
    buffer.release_if_empty();
    CHECK(buffer.capacity() == 0);
    CHECK(buffer.empty());
}
