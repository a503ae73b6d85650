// SPDX-License-Identifier: BSL-1.0
// tests/ipc/round_trip.hpp: what every encoded type must survive.
#pragma once

#include <tandem/ipc/codec.hpp>

#include "../support/catch.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

// The value arrives equal, and no prefix of its bytes is taken for one. Each prefix has memory of
// its own size, so that a sanitizer sees a read behind it.
template <class T>
void round_trip(const T& value) {
    const std::vector<std::byte> bytes = tandem::encode(value);
    CHECK((tandem::decode<T>(bytes) == value));
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const std::vector<std::byte> prefix(bytes.begin(),
                                            bytes.begin() + static_cast<std::ptrdiff_t>(size));
        INFO("the first " << size << " of " << bytes.size() << " bytes");
        CHECK_THROWS_AS(tandem::decode<T>(prefix), tandem::codec_error);
    }
}

// The value of a type without ==, for the test to compare.
template <class T>
T after_trip(const T& value) {
    return tandem::decode<T>(tandem::encode(value));
}

// A count of elements that cannot be there, followed by a few bytes.
template <class T>
void refuses_giant_lengths() {
    for (const std::uint64_t length :
         {std::uint64_t{17}, std::uint64_t{1} << 32, std::uint64_t{1} << 60,
          (std::uint64_t{1} << 61) + 1, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
        tandem::writer to;
        tandem::encode(to, length);
        tandem::encode(to, std::uint64_t{0});
        tandem::encode(to, std::uint64_t{0});
        const std::size_t size = std::is_same_v<T, std::vector<bool>> ? 9 : 24;
        INFO(length << " elements claimed");
        CHECK_THROWS_AS(tandem::decode<T>(to.bytes().first(size)), tandem::codec_error);
    }
}

inline std::vector<std::byte> bytes_of(std::initializer_list<unsigned> values) {
    std::vector<std::byte> bytes;
    for (const unsigned value : values) bytes.push_back(static_cast<std::byte>(value));
    return bytes;
}
