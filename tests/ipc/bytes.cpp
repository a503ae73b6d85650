// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/bytes.hpp>

#include "../support/catch.hpp"

#include <array>
#include <cstddef>
#include <cstring>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using tandem::codec_error;
using tandem::reader;
using tandem::writer;

namespace {

std::string text_in(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void append(writer& to, const std::string& text) { to.write(text.data(), text.size()); }

// Gives memory from vectors and remembers what it was asked for.
struct vectors final : tandem::byte_storage {
    std::span<std::byte> grow(std::span<const std::byte> used, std::size_t size) override {
        asked.push_back({used.size(), size});
        memory.emplace_back(size * 2);
        return memory.back();
    }
    std::vector<std::pair<std::size_t, std::size_t>> asked;
    std::vector<std::vector<std::byte>> memory;
};

// Stays where it is, as a mapped region that has room behind it.
struct in_place final : tandem::byte_storage {
    std::span<std::byte> grow(std::span<const std::byte>, std::size_t size) override {
        return std::span(memory).first(size);
    }
    std::array<std::byte, 64> memory{};
};

struct exhausted final : tandem::byte_storage {
    std::span<std::byte> grow(std::span<const std::byte>, std::size_t) override { return {}; }
};

}  // namespace

TEST_CASE("a writer keeps what is appended, in order, as it grows", "[bytes]") {
    writer to;
    std::string expected;
    for (int i = 0; i < 1000; ++i) {
        append(to, std::to_string(i));
        expected += std::to_string(i);
    }
    CHECK(text_in(to.bytes()) == expected);
    CHECK(to.position() == expected.size());
}

TEST_CASE("a new writer has no bytes and accepts none", "[bytes]") {
    writer to;
    to.write(nullptr, 0);
    CHECK(to.bytes().empty());
    CHECK(to.position() == 0);
}

TEST_CASE("clear drops the bytes and keeps the memory", "[bytes]") {
    writer to;
    append(to, std::string(1000, 'x'));
    const std::size_t capacity = to.capacity();
    const std::byte* memory = to.bytes().data();
    to.clear();
    CHECK(to.bytes().empty());
    append(to, std::string(1000, 'y'));
    CHECK(to.capacity() == capacity);
    CHECK(to.bytes().data() == memory);
}

TEST_CASE("reserve makes room at once", "[bytes]") {
    writer to;
    to.reserve(10000);
    REQUIRE(to.capacity() >= 10000);
    append(to, "x");
    const std::byte* memory = to.bytes().data();
    append(to, std::string(9999, 'x'));
    CHECK(to.bytes().data() == memory);
}

TEST_CASE("truncate takes a failed value back", "[bytes]") {
    writer to;
    append(to, "kept");
    const std::size_t position = to.position();
    append(to, "dropped");
    to.truncate(position);
    CHECK(text_in(to.bytes()) == "kept");
    to.truncate(100);
    CHECK(text_in(to.bytes()) == "kept");
}

TEST_CASE("patch replaces bytes that are written, and no others", "[bytes]") {
    writer to;
    append(to, "....body");
    to.patch(0, "size", 4);
    CHECK(text_in(to.bytes()) == "sizebody");
    to.patch(8, nullptr, 0);
    CHECK_THROWS_AS(to.patch(5, "size", 4), std::invalid_argument);
    CHECK_THROWS_AS(to.patch(9, "", 0), std::invalid_argument);
    CHECK(text_in(to.bytes()) == "sizebody");
}

TEST_CASE("extend gives the caller the bytes to fill", "[bytes]") {
    writer to;
    append(to, "a");
    const std::span<std::byte> gap = to.extend(3);
    REQUIRE(gap.size() == 3);
    std::memcpy(gap.data(), "bcd", 3);
    append(to, "e");
    CHECK(text_in(to.bytes()) == "abcde");
}

TEST_CASE("a writer starts in the caller's memory and moves to the heap when it is full",
          "[bytes]") {
    std::array<std::byte, 4> memory{};
    writer to(memory);
    append(to, "abcd");
    CHECK(to.bytes().data() == memory.data());
    append(to, "e");
    CHECK(to.bytes().data() != memory.data());
    CHECK(text_in(to.bytes()) == "abcde");
}

TEST_CASE("a writer asks its storage for more, and copies what it had", "[bytes]") {
    vectors storage;
    std::array<std::byte, 2> memory{};
    writer to(memory, &storage);
    append(to, "ab");
    CHECK(storage.asked.empty());
    append(to, "cdef");
    append(to, "ghijklmno");
    CHECK(text_in(to.bytes()) == "abcdefghijklmno");
    REQUIRE(storage.asked.size() == 2);
    CHECK(storage.asked[0] == std::pair<std::size_t, std::size_t>(2, 6));
    CHECK(storage.asked[1] == std::pair<std::size_t, std::size_t>(6, 15));
}

TEST_CASE("storage may grow where it is", "[bytes]") {
    in_place storage;
    writer to(std::span(storage.memory).first(2), &storage);
    append(to, "abc");
    CHECK(to.bytes().data() == storage.memory.data());
    CHECK(text_in(to.bytes()) == "abc");
}

TEST_CASE("storage that gives too little is out of memory, and nothing is lost", "[bytes]") {
    exhausted storage;
    std::array<std::byte, 2> memory{};
    writer to(memory, &storage);
    append(to, "ab");
    CHECK_THROWS_AS(append(to, "c"), std::bad_alloc);
    CHECK(text_in(to.bytes()) == "ab");
}

TEST_CASE("more bytes than there can be are out of memory", "[bytes]") {
    writer to;
    append(to, "ab");
    CHECK_THROWS_AS(to.extend(SIZE_MAX - 1), std::bad_alloc);
    CHECK_THROWS_AS(to.reserve(SIZE_MAX), std::bad_alloc);
    CHECK(text_in(to.bytes()) == "ab");
}

TEST_CASE("a writer that was moved from is empty and usable", "[bytes]") {
    writer from;
    append(from, "abc");
    writer to(std::move(from));
    CHECK(text_in(to.bytes()) == "abc");
    from = writer();
    append(from, "d");
    CHECK(text_in(from.bytes()) == "d");
    to = std::move(from);
    CHECK(text_in(to.bytes()) == "d");
}

TEST_CASE("a reader gives the bytes in order and knows how many are left", "[bytes]") {
    writer to;
    append(to, "abcdef");
    reader from(to.bytes());
    CHECK(from.remaining() == 6);
    std::string two(2, ' ');
    from.read(two.data(), 2);
    CHECK(two == "ab");
    CHECK(text_in(from.take(3)) == "cde");
    CHECK(from.remaining() == 1);
    from.read(two.data(), 1);
    CHECK(from.remaining() == 0);
    from.read(nullptr, 0);
}

TEST_CASE("a reader of nothing has nothing", "[bytes]") {
    reader from({});
    CHECK(from.remaining() == 0);
    CHECK(from.take(0).empty());
    char byte = 0;
    CHECK_THROWS_AS(from.read(&byte, 1), codec_error);
}

TEST_CASE("a reader says what it expected and how much is left", "[bytes]") {
    writer to;
    append(to, "abc");
    reader from(to.bytes());
    double number = 0;
    CHECK_THROWS_WITH(from.read(&number, 8, "a number"),
                      "decode: expected a number (8 bytes), but only 3 bytes are left");
    CHECK_THROWS_AS(from.take(4), codec_error);
    CHECK_THROWS_AS(from.take(SIZE_MAX), codec_error);
    CHECK(from.remaining() == 3);
}
