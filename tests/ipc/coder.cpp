// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/coder.hpp>

#include "round_trip.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>

namespace {

enum class colour : unsigned char { red, green = 200 };
enum plain_enum { zero, one };
enum class truth : bool { no, yes };

}  // namespace

TEST_CASE("every kind of number arrives as it was", "[coder]") {
    round_trip(0);
    round_trip(std::numeric_limits<int>::min());
    round_trip(std::numeric_limits<std::uint64_t>::max());
    round_trip(std::int8_t{-1});
    round_trip(short{-2});
    round_trip(3.25);
    round_trip(-0.5F);
    round_trip(1.0L / 3);
    round_trip(std::numeric_limits<double>::infinity());
}

TEST_CASE("characters and bytes arrive as they were", "[coder]") {
    round_trip('x');
    round_trip(static_cast<signed char>(-3));
    round_trip(static_cast<unsigned char>(250));
    round_trip(L'w');
    round_trip(u8'a');
    round_trip(u'b');
    round_trip(U'c');
    round_trip(std::byte{77});
}

TEST_CASE("enumerations arrive as they were", "[coder]") {
    round_trip(colour::green);
    round_trip(one);
    round_trip(truth::yes);
    round_trip(truth::no);
}

TEST_CASE("a number takes the bytes it has in memory", "[coder]") {
    CHECK(tandem::encode(1).size() == sizeof(int));
    CHECK(tandem::encode('x').size() == 1);
    CHECK(tandem::encode(2.0).size() == sizeof(double));
}

TEST_CASE("a bool is one byte, 0 or 1", "[coder]") {
    round_trip(true);
    round_trip(false);
    CHECK(tandem::encode(true).size() == 1);
    CHECK_THROWS_WITH(tandem::decode<bool>(bytes_of({2})),
                      "decode: expected a bool (0 or 1), found 2");
    CHECK_THROWS_AS(tandem::decode<bool>(bytes_of({255})), tandem::codec_error);
    CHECK_THROWS_AS(tandem::decode<truth>(bytes_of({3})), tandem::codec_error);
}

TEST_CASE("a length is refused that its elements have no bytes for", "[coder]") {
    tandem::writer to;
    tandem::encode(to, std::uint64_t{3});
    tandem::encode(to, std::uint64_t{0});
    tandem::reader exact(to.bytes());
    CHECK(tandem::detail::decode_length(exact, 2) == 3);
    tandem::reader small(to.bytes());
    CHECK_THROWS_WITH(tandem::detail::decode_length(small, 3),
                      "decode: 3 elements cannot be in the 8 bytes that are left");
}

TEST_CASE("elements without bytes are counted up to a limit", "[coder]") {
    const auto length_of = [](std::uint64_t count) {
        const std::vector<std::byte> bytes = tandem::encode(count);
        tandem::reader from(bytes);
        return tandem::detail::decode_length(from, 0);
    };
    CHECK(length_of(16 << 20) == std::size_t{16} << 20);
    CHECK_THROWS_AS(length_of((16 << 20) + 1), tandem::codec_error);
}

TEST_CASE("room is made for what the bytes can pay for, not for what they claim", "[coder]") {
    struct big {
        std::byte bytes[1000];
    };
    const std::vector<std::byte> bytes(10000);
    const tandem::reader from(bytes);
    CHECK(tandem::detail::worth_reserving<big>(10000, from) == 44);
    CHECK(tandem::detail::worth_reserving<big>(5, from) == 5);
}
