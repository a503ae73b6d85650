// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/codec_containers.hpp>

#include "round_trip.hpp"

#include <algorithm>
#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <forward_list>
#include <list>
#include <memory>
#include <optional>
#include <queue>
#include <stack>
#include <string>
#include <vector>

namespace {

// Remembers the largest block it was asked for.
template <class T>
struct measuring {
    using value_type = T;
    static inline std::size_t largest = 0;
    measuring() = default;
    template <class U>
    measuring(const measuring<U>&) {}
    T* allocate(std::size_t count) {
        largest = std::max(largest, count * sizeof(T));
        return std::allocator<T>().allocate(count);
    }
    void deallocate(T* memory, std::size_t count) { std::allocator<T>().deallocate(memory, count); }
    bool operator==(const measuring&) const { return true; }
};

// No default, and no assignment.
struct fixed {
    explicit fixed(int n) : number(n) {}
    const int number;
    bool operator==(const fixed&) const = default;
};

template <class Sequence>
void sequence_round_trips() {
    round_trip(Sequence{});
    round_trip(Sequence{"one"});
    round_trip(Sequence{"", "one", "two", std::string(1000, 'x'), "the last"});
}

}  // namespace

template <>
struct tandem::codec<fixed> {
    static void encode(writer& to, const fixed& value) { tandem::encode(to, value.number); }
    static fixed decode(reader& from) { return fixed(tandem::decode<int>(from)); }
};

TEST_CASE("strings of every character type arrive as they were", "[codec_containers]") {
    round_trip(std::string());
    round_trip(std::string("hello"));
    round_trip(std::string("zero\0inside", 11));
    round_trip(std::string(5000, 'x'));
    round_trip(std::wstring(L"wide"));
    round_trip(std::u8string(u8"eight"));
    round_trip(std::u16string(u"sixteen"));
    round_trip(std::u32string(U"thirty-two"));
}

TEST_CASE("sequences arrive in order", "[codec_containers]") {
    sequence_round_trips<std::vector<std::string>>();
    sequence_round_trips<std::deque<std::string>>();
    sequence_round_trips<std::list<std::string>>();
    sequence_round_trips<std::forward_list<std::string>>();
    round_trip(std::list<int>{1, 2, 3});
    round_trip(std::forward_list<int>{1, 2, 3});
    round_trip(std::deque<double>{1, 2, 3});
}

TEST_CASE("a vector of numbers is its length and one block", "[codec_containers]") {
    const std::vector<int> numbers{1, 2, 3};
    round_trip(numbers);
    round_trip(std::vector<int>());
    round_trip(std::vector<unsigned char>{1, 2, 255});
    CHECK(tandem::encode(numbers).size() == 8 + 3 * sizeof(int));
}

TEST_CASE("plain elements need not be aligned where they are read", "[codec_containers]") {
    const std::vector<double> numbers{1, 2, 3};
    const std::wstring text = L"wide";
    for (std::size_t shift = 0; shift < 8; ++shift) {
        tandem::writer to;
        for (std::size_t i = 0; i < shift; ++i) tandem::encode(to, 'x');
        tandem::encode(to, numbers);
        tandem::encode(to, text);
        tandem::reader from(to.bytes().subspan(shift));
        CHECK(tandem::decode<std::vector<double>>(from) == numbers);
        CHECK(tandem::decode<std::wstring>(from) == text);
    }
}

TEST_CASE("containers hold containers", "[codec_containers]") {
    round_trip(std::vector<std::vector<std::vector<int>>>{{{1, 2}, {}}, {}, {{3}}});
    round_trip(std::list<std::deque<std::string>>{{"a", "b"}, {}});
}

TEST_CASE("elements without a default constructor arrive", "[codec_containers]") {
    round_trip(std::list<fixed>{fixed(1), fixed(2)});
    round_trip(std::deque<fixed>{fixed(1), fixed(2)});
    round_trip(std::forward_list<fixed>{fixed(1), fixed(2)});
    round_trip(std::vector<fixed>{fixed(1), fixed(2), fixed(3)});
    round_trip(std::array<fixed, 2>{fixed(1), fixed(2)});
}

TEST_CASE("a vector of bool is packed", "[codec_containers]") {
    round_trip(std::vector<bool>());
    round_trip(std::vector<bool>{true});
    const std::vector<bool> bits{true, false, true, true, false, false, true, false, true};
    round_trip(bits);
    CHECK(tandem::encode(bits).size() == 8 + 2);
    refuses_giant_lengths<std::vector<bool>>();
}

TEST_CASE("a bitset arrives as it was", "[codec_containers]") {
    round_trip(std::bitset<1>(1));
    round_trip(std::bitset<13>(0x1234));
    round_trip(std::bitset<64>(~0ULL));
    std::bitset<200> bits;
    bits[0] = bits[100] = bits[199] = true;
    round_trip(bits);
    CHECK(tandem::encode(std::bitset<0>()).empty());
}

TEST_CASE("arrays of a fixed size have no length", "[codec_containers]") {
    round_trip(std::array<int, 3>{1, 2, 3});
    round_trip(std::array<std::string, 2>{"a", "b"});
    round_trip(std::array<bool, 3>{true, false, true});
    round_trip(std::array<std::array<int, 2>, 2>{{{1, 2}, {3, 4}}});
    CHECK(tandem::encode(std::array<int, 3>{}).size() == 3 * sizeof(int));
    CHECK(tandem::encode(std::array<int, 0>{}).empty());
    CHECK_THROWS_AS((tandem::decode<std::array<bool, 2>>(bytes_of({1, 2}))), tandem::codec_error);
}

TEST_CASE("adaptors arrive with what is in them", "[codec_containers]") {
    std::stack<int> stack;
    std::queue<std::string> queue;
    for (int i = 0; i < 3; ++i) {
        stack.push(i);
        queue.push(std::to_string(i));
    }
    round_trip(stack);
    round_trip(queue);
    round_trip(std::stack<int, std::vector<int>>());

    std::priority_queue<int, std::vector<int>, std::greater<>> smallest_first;
    for (const int number : {5, 1, 4}) smallest_first.push(number);
    auto there = after_trip(smallest_first);
    for (const int expected : {1, 4, 5}) {
        REQUIRE(!there.empty());
        CHECK(there.top() == expected);
        there.pop();
    }
    CHECK(there.empty());
}

TEST_CASE("a priority queue whose order the bytes break is put in order", "[codec_containers]") {
    auto there =
        tandem::decode<std::priority_queue<int>>(tandem::encode(std::vector<int>{1, 9, 3}));
    CHECK(there.top() == 9);
}

TEST_CASE("a length without elements is refused before memory is asked for", "[codec_containers]") {
    refuses_giant_lengths<std::string>();
    refuses_giant_lengths<std::wstring>();
    refuses_giant_lengths<std::vector<int>>();
    refuses_giant_lengths<std::vector<std::string>>();
    refuses_giant_lengths<std::deque<int>>();
    refuses_giant_lengths<std::list<std::string>>();
    refuses_giant_lengths<std::forward_list<int>>();

    measuring<int>::largest = 0;
    refuses_giant_lengths<std::vector<int, measuring<int>>>();
    CHECK(measuring<int>::largest == 0);
}

TEST_CASE("a claimed length makes room for no more than a few times the bytes there are",
          "[codec_containers]") {
    // A thousand elements of a thousand bytes each may be in a thousand bytes, if they are empty;
    // but the first byte is wrong already.
    using block = std::optional<std::array<char, 1000>>;
    using blocks = std::vector<block, measuring<block>>;
    tandem::writer to;
    tandem::encode(to, std::uint64_t{1000});
    for (int i = 0; i < 1000; ++i) tandem::encode(to, '\7');
    measuring<block>::largest = 0;
    CHECK_THROWS_AS(tandem::decode<blocks>(to.bytes()), tandem::codec_error);
    CHECK(measuring<block>::largest <= 10 * to.bytes().size());
}

TEST_CASE("elements that may take no bytes are not made room for by their count",
          "[codec_containers]") {
    using nothing = std::array<int, 0>;
    using many = std::vector<nothing, measuring<nothing>>;
    measuring<nothing>::largest = 0;
    CHECK(tandem::decode<many>(tandem::encode(std::uint64_t{1000})).size() == 1000);
    CHECK_THROWS_AS(tandem::decode<many>(tandem::encode(std::uint64_t{1} << 25)),
                    tandem::codec_error);
    CHECK(measuring<nothing>::largest <= 2048);
}
