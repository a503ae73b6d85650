// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/codec.hpp>

#include "round_trip.hpp"

#include <array>
#include <bitset>
#include <chrono>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <filesystem>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace {

// clang-format off
struct mixed_1 {
    int f1;
    bool operator==(const mixed_1&) const = default;
};
struct mixed_2 {
    int f1; std::string f2;
    bool operator==(const mixed_2&) const = default;
};
struct mixed_3 {
    int f1; std::string f2; char f3;
    bool operator==(const mixed_3&) const = default;
};
struct mixed_4 {
    int f1; std::string f2; char f3; double f4;
    bool operator==(const mixed_4&) const = default;
};
struct mixed_5 {
    int f1; std::string f2; char f3; double f4; bool f5;
    bool operator==(const mixed_5&) const = default;
};
struct mixed_6 {
    int f1; std::string f2; char f3; double f4; bool f5; std::vector<int> f6;
    bool operator==(const mixed_6&) const = default;
};
struct mixed_7 {
    int f1; std::string f2; char f3; double f4; bool f5; std::vector<int> f6; std::optional<int>
    f7;
    bool operator==(const mixed_7&) const = default;
};
struct mixed_8 {
    int f1; std::string f2; char f3; double f4; bool f5; std::vector<int> f6; std::optional<int>
    f7; int f8;
    bool operator==(const mixed_8&) const = default;
};
struct mixed_9 {
    int f1; std::string f2; char f3; double f4; bool f5; std::vector<int> f6; std::optional<int>
    f7; int f8; std::string f9;
    bool operator==(const mixed_9&) const = default;
};
struct mixed_10 {
    int f1; std::string f2; char f3; double f4; bool f5; std::vector<int> f6; std::optional<int>
    f7; int f8; std::string f9; char f10;
    bool operator==(const mixed_10&) const = default;
};
struct mixed_11 {
    int f1; std::string f2; char f3; double f4; bool f5; std::vector<int> f6; std::optional<int>
    f7; int f8; std::string f9; char f10; double f11;
    bool operator==(const mixed_11&) const = default;
};
struct mixed_12 {
    int f1; std::string f2; char f3; double f4; bool f5; std::vector<int> f6; std::optional<int>
    f7; int f8; std::string f9; char f10; double f11; bool f12;
    bool operator==(const mixed_12&) const = default;
};
struct mixed_13 {
    int f1; std::string f2; char f3; double f4; bool f5; std::vector<int> f6; std::optional<int>
    f7; int f8; std::string f9; char f10; double f11; bool f12; std::vector<int> f13;
    bool operator==(const mixed_13&) const = default;
};
struct mixed_14 {
    int f1; std::string f2; char f3; double f4; bool f5; std::vector<int> f6; std::optional<int>
    f7; int f8; std::string f9; char f10; double f11; bool f12; std::vector<int> f13;
    std::optional<int> f14;
    bool operator==(const mixed_14&) const = default;
};
struct mixed_15 {
    int f1; std::string f2; char f3; double f4; bool f5; std::vector<int> f6; std::optional<int>
    f7; int f8; std::string f9; char f10; double f11; bool f12; std::vector<int> f13;
    std::optional<int> f14; int f15;
    bool operator==(const mixed_15&) const = default;
};
struct mixed_16 {
    int f1; std::string f2; char f3; double f4; bool f5; std::vector<int> f6; std::optional<int>
    f7; int f8; std::string f9; char f10; double f11; bool f12; std::vector<int> f13;
    std::optional<int> f14; int f15; std::string f16;
    bool operator==(const mixed_16&) const = default;
};
struct mixed_17 {
    int f1; std::string f2; char f3; double f4; bool f5; std::vector<int> f6; std::optional<int>
    f7; int f8; std::string f9; char f10; double f11; bool f12; std::vector<int> f13;
    std::optional<int> f14; int f15; std::string f16; char f17;
    bool operator==(const mixed_17&) const = default;
};
struct mixed_18 {
    int f1; std::string f2; char f3; double f4; bool f5; std::vector<int> f6; std::optional<int>
    f7; int f8; std::string f9; char f10; double f11; bool f12; std::vector<int> f13;
    std::optional<int> f14; int f15; std::string f16; char f17; double f18;
    bool operator==(const mixed_18&) const = default;
};
struct mixed_19 {
    int f1; std::string f2; char f3; double f4; bool f5; std::vector<int> f6; std::optional<int>
    f7; int f8; std::string f9; char f10; double f11; bool f12; std::vector<int> f13;
    std::optional<int> f14; int f15; std::string f16; char f17; double f18; bool f19;
    bool operator==(const mixed_19&) const = default;
};
struct mixed_20 {
    int f1; std::string f2; char f3; double f4; bool f5; std::vector<int> f6; std::optional<int>
    f7; int f8; std::string f9; char f10; double f11; bool f12; std::vector<int> f13;
    std::optional<int> f14; int f15; std::string f16; char f17; double f18; bool f19;
    std::vector<int> f20;
    bool operator==(const mixed_20&) const = default;
};
struct mixed_21 {
    int f1; std::string f2; char f3; double f4; bool f5; std::vector<int> f6; std::optional<int>
    f7; int f8; std::string f9; char f10; double f11; bool f12; std::vector<int> f13;
    std::optional<int> f14; int f15; std::string f16; char f17; double f18; bool f19;
    std::vector<int> f20; std::optional<int> f21;
    bool operator==(const mixed_21&) const = default;
};
struct mixed_22 {
    int f1; std::string f2; char f3; double f4; bool f5; std::vector<int> f6; std::optional<int>
    f7; int f8; std::string f9; char f10; double f11; bool f12; std::vector<int> f13;
    std::optional<int> f14; int f15; std::string f16; char f17; double f18; bool f19;
    std::vector<int> f20; std::optional<int> f21; int f22;
    bool operator==(const mixed_22&) const = default;
};
struct mixed_23 {
    int f1; std::string f2; char f3; double f4; bool f5; std::vector<int> f6; std::optional<int>
    f7; int f8; std::string f9; char f10; double f11; bool f12; std::vector<int> f13;
    std::optional<int> f14; int f15; std::string f16; char f17; double f18; bool f19;
    std::vector<int> f20; std::optional<int> f21; int f22; std::string f23;
    bool operator==(const mixed_23&) const = default;
};
struct mixed_24 {
    int f1; std::string f2; char f3; double f4; bool f5; std::vector<int> f6; std::optional<int>
    f7; int f8; std::string f9; char f10; double f11; bool f12; std::vector<int> f13;
    std::optional<int> f14; int f15; std::string f16; char f17; double f18; bool f19;
    std::vector<int> f20; std::optional<int> f21; int f22; std::string f23; char f24;
    bool operator==(const mixed_24&) const = default;
};
struct mixed_25 {
    int f1; std::string f2; char f3; double f4; bool f5; std::vector<int> f6; std::optional<int>
    f7; int f8; std::string f9; char f10; double f11; bool f12; std::vector<int> f13;
    std::optional<int> f14; int f15; std::string f16; char f17; double f18; bool f19;
    std::vector<int> f20; std::optional<int> f21; int f22; std::string f23; char f24; double
    f25;
    bool operator==(const mixed_25&) const = default;
};
struct mixed_26 {
    int f1; std::string f2; char f3; double f4; bool f5; std::vector<int> f6; std::optional<int>
    f7; int f8; std::string f9; char f10; double f11; bool f12; std::vector<int> f13;
    std::optional<int> f14; int f15; std::string f16; char f17; double f18; bool f19;
    std::vector<int> f20; std::optional<int> f21; int f22; std::string f23; char f24; double
    f25; bool f26;
    bool operator==(const mixed_26&) const = default;
};
struct mixed_27 {
    int f1; std::string f2; char f3; double f4; bool f5; std::vector<int> f6; std::optional<int>
    f7; int f8; std::string f9; char f10; double f11; bool f12; std::vector<int> f13;
    std::optional<int> f14; int f15; std::string f16; char f17; double f18; bool f19;
    std::vector<int> f20; std::optional<int> f21; int f22; std::string f23; char f24; double
    f25; bool f26; std::vector<int> f27;
    bool operator==(const mixed_27&) const = default;
};
struct mixed_28 {
    int f1; std::string f2; char f3; double f4; bool f5; std::vector<int> f6; std::optional<int>
    f7; int f8; std::string f9; char f10; double f11; bool f12; std::vector<int> f13;
    std::optional<int> f14; int f15; std::string f16; char f17; double f18; bool f19;
    std::vector<int> f20; std::optional<int> f21; int f22; std::string f23; char f24; double
    f25; bool f26; std::vector<int> f27; std::optional<int> f28;
    bool operator==(const mixed_28&) const = default;
};
struct mixed_29 {
    int f1; std::string f2; char f3; double f4; bool f5; std::vector<int> f6; std::optional<int>
    f7; int f8; std::string f9; char f10; double f11; bool f12; std::vector<int> f13;
    std::optional<int> f14; int f15; std::string f16; char f17; double f18; bool f19;
    std::vector<int> f20; std::optional<int> f21; int f22; std::string f23; char f24; double
    f25; bool f26; std::vector<int> f27; std::optional<int> f28; int f29;
    bool operator==(const mixed_29&) const = default;
};
struct mixed_30 {
    int f1; std::string f2; char f3; double f4; bool f5; std::vector<int> f6; std::optional<int>
    f7; int f8; std::string f9; char f10; double f11; bool f12; std::vector<int> f13;
    std::optional<int> f14; int f15; std::string f16; char f17; double f18; bool f19;
    std::vector<int> f20; std::optional<int> f21; int f22; std::string f23; char f24; double
    f25; bool f26; std::vector<int> f27; std::optional<int> f28; int f29; std::string f30;
    bool operator==(const mixed_30&) const = default;
};
struct mixed_31 {
    int f1; std::string f2; char f3; double f4; bool f5; std::vector<int> f6; std::optional<int>
    f7; int f8; std::string f9; char f10; double f11; bool f12; std::vector<int> f13;
    std::optional<int> f14; int f15; std::string f16; char f17; double f18; bool f19;
    std::vector<int> f20; std::optional<int> f21; int f22; std::string f23; char f24; double
    f25; bool f26; std::vector<int> f27; std::optional<int> f28; int f29; std::string f30; char
    f31;
    bool operator==(const mixed_31&) const = default;
};
struct mixed_32 {
    int f1; std::string f2; char f3; double f4; bool f5; std::vector<int> f6; std::optional<int>
    f7; int f8; std::string f9; char f10; double f11; bool f12; std::vector<int> f13;
    std::optional<int> f14; int f15; std::string f16; char f17; double f18; bool f19;
    std::vector<int> f20; std::optional<int> f21; int f22; std::string f23; char f24; double
    f25; bool f26; std::vector<int> f27; std::optional<int> f28; int f29; std::string f30; char
    f31; double f32;
    bool operator==(const mixed_32&) const = default;
};
// clang-format on

struct point {
    double x, y;
    int weight;
    bool operator==(const point&) const = default;
};
struct flagged {
    int number;
    bool flag;
    bool operator==(const flagged&) const = default;
};
struct empty {
    bool operator==(const empty&) const = default;
};
struct tagged : empty {
    int number;
    std::string name;
    bool operator==(const tagged&) const = default;
};
struct with_arrays {
    char name[8];
    std::string text;
    int grid[2][3];
    std::string words[2];
};
struct bits {
    unsigned low : 3;
    unsigned high : 5;
    bool on : 1;
    std::string name;
};

struct tree {
    int value = 0;
    std::vector<tree> children;
    std::unique_ptr<tree> other;
    std::map<std::string, tree> named;
};

tree chain(int length) {
    tree root;
    for (int i = 1; i < length; ++i) {
        tree outer;
        outer.children.push_back(std::move(root));
        root = std::move(outer);
    }
    return root;
}

// No default, no copy, and a codec of its own.
class ticket {
   public:
    explicit ticket(int number) : number_(number) {
        if (number < 0) throw std::invalid_argument("a ticket has no sign");
    }
    ticket(ticket&&) = default;
    ticket& operator=(ticket&&) = default;
    int number() const { return number_; }
    bool operator==(const ticket&) const = default;

   private:
    int number_;
};

// Cannot even be moved; it is made where it belongs.
class pinned {
   public:
    explicit pinned(int number) : number_(number) {}
    pinned(pinned&&) = delete;
    int number() const { return number_; }

   private:
    int number_;
};

struct holder {
    ticket first;
    std::vector<ticket> more;
    std::array<ticket, 2> pair;
    std::optional<ticket> maybe;
    bool operator==(const holder&) const = default;
};
struct pinned_holder {
    int before;
    pinned inside;
};

// Its codec comes before its serialize and before its fields.
struct torn {
    int value = 0;
    template <class Archive>
    void serialize(Archive&) {
        value = -1;
    }
};

// An encoder that fails halfway.
struct fails {
    int value;
};

template <class T>
concept numeric_like = requires { typename T::is_numeric_like; };
struct kilo {
    using is_numeric_like = void;
    explicit kilo(int n) : count(n) {}
    int count;
};

// Seeded, so that a failure can be seen again.
template <class T>
void survives_noise(const T& sample) {
    std::mt19937_64 random(20240229);
    const std::vector<std::byte> good = tandem::encode(sample);
    const auto attempt = [](const std::vector<std::byte>& bytes) {
        try {
            const T value = tandem::decode<T>(bytes);
            static_cast<void>(tandem::encode(value));
            return true;
        } catch (const tandem::codec_error&) {
            return false;
        }
    };
    REQUIRE(attempt(good));
    for (int round = 0; round < 1500; ++round) {
        std::vector<std::byte> bytes = good;
        if (round % 3 == 0) bytes.resize(random() % 96);
        const std::size_t changes = 1 + random() % 4;
        for (std::size_t i = 0; i < changes && !bytes.empty(); ++i) {
            // Small numbers are the lengths and indices that come close to being right.
            const std::uint64_t value = random() % 2 == 0 ? random() % 4 : random();
            bytes[random() % bytes.size()] = static_cast<std::byte>(value & 255U);
        }
        if (random() % 4 == 0) bytes.resize(random() % (bytes.size() + 8));
        attempt(std::vector<std::byte>(bytes.begin(), bytes.end()));
    }
}

}  // namespace

template <>
struct tandem::codec<ticket> {
    static constexpr std::size_t min_size = sizeof(int);
    static void encode(writer& to, const ticket& value) { tandem::encode(to, value.number()); }
    static ticket decode(reader& from) { return ticket(tandem::decode<int>(from)); }
};
template <>
struct tandem::codec<pinned> {
    static void encode(writer& to, const pinned& value) { tandem::encode(to, value.number()); }
    static pinned decode(reader& from) { return pinned(tandem::decode<int>(from)); }
};
template <>
struct tandem::codec<torn> {
    static void encode(writer& to, const torn& value) { tandem::encode(to, value.value); }
    static torn decode(reader& from) { return {tandem::decode<int>(from)}; }
};
template <>
struct tandem::codec<fails> {
    static void encode(writer& to, const fails& value) {
        tandem::encode(to, value.value);
        if (value.value == 13) throw std::out_of_range("13");
    }
    static fails decode(reader& from) { return {tandem::decode<int>(from)}; }
};
template <class T>
struct tandem::codec<T, std::enable_if_t<numeric_like<T>>> {
    static void encode(writer& to, const T& value) { tandem::encode(to, value.count); }
    static T decode(reader& from) { return T(tandem::decode<int>(from)); }
};

TEST_CASE("aggregates of 1 to 32 fields arrive as they were", "[codec]") {
    // clang-format off
    round_trip(mixed_1{1});
    round_trip(mixed_2{1, "2"});
    round_trip(mixed_3{1, "2", 'x'});
    round_trip(mixed_4{1, "2", 'x', 4.5});
    round_trip(mixed_5{1, "2", 'x', 4.5, true});
    round_trip(mixed_6{1, "2", 'x', 4.5, true, {6, 6}});
    round_trip(mixed_7{1, "2", 'x', 4.5, true, {6, 6}, 7});
    round_trip(mixed_8{1, "2", 'x', 4.5, true, {6, 6}, 7, 8});
    round_trip(mixed_9{1, "2", 'x', 4.5, true, {6, 6}, 7, 8, "9"});
    round_trip(mixed_10{1, "2", 'x', 4.5, true, {6, 6}, 7, 8, "9", 'x'});
    round_trip(mixed_11{1, "2", 'x', 4.5, true, {6, 6}, 7, 8, "9", 'x', 11.5});
    round_trip(mixed_12{1, "2", 'x', 4.5, true, {6, 6}, 7, 8, "9", 'x', 11.5, true});
    round_trip(mixed_13{1, "2", 'x', 4.5, true, {6, 6}, 7, 8, "9", 'x', 11.5, true, {13, 13}});
    round_trip(mixed_14{1, "2", 'x', 4.5, true, {6, 6}, 7, 8, "9", 'x', 11.5, true, {13, 13},
        14});
    round_trip(mixed_15{1, "2", 'x', 4.5, true, {6, 6}, 7, 8, "9", 'x', 11.5, true, {13, 13},
        14, 15});
    round_trip(mixed_16{1, "2", 'x', 4.5, true, {6, 6}, 7, 8, "9", 'x', 11.5, true, {13, 13},
        14, 15, "16"});
    round_trip(mixed_17{1, "2", 'x', 4.5, true, {6, 6}, 7, 8, "9", 'x', 11.5, true, {13, 13},
        14, 15, "16", 'x'});
    round_trip(mixed_18{1, "2", 'x', 4.5, true, {6, 6}, 7, 8, "9", 'x', 11.5, true, {13, 13},
        14, 15, "16", 'x', 18.5});
    round_trip(mixed_19{1, "2", 'x', 4.5, true, {6, 6}, 7, 8, "9", 'x', 11.5, true, {13, 13},
        14, 15, "16", 'x', 18.5, true});
    round_trip(mixed_20{1, "2", 'x', 4.5, true, {6, 6}, 7, 8, "9", 'x', 11.5, true, {13, 13},
        14, 15, "16", 'x', 18.5, true, {20, 20}});
    round_trip(mixed_21{1, "2", 'x', 4.5, true, {6, 6}, 7, 8, "9", 'x', 11.5, true, {13, 13},
        14, 15, "16", 'x', 18.5, true, {20, 20}, 21});
    round_trip(mixed_22{1, "2", 'x', 4.5, true, {6, 6}, 7, 8, "9", 'x', 11.5, true, {13, 13},
        14, 15, "16", 'x', 18.5, true, {20, 20}, 21, 22});
    round_trip(mixed_23{1, "2", 'x', 4.5, true, {6, 6}, 7, 8, "9", 'x', 11.5, true, {13, 13},
        14, 15, "16", 'x', 18.5, true, {20, 20}, 21, 22, "23"});
    round_trip(mixed_24{1, "2", 'x', 4.5, true, {6, 6}, 7, 8, "9", 'x', 11.5, true, {13, 13},
        14, 15, "16", 'x', 18.5, true, {20, 20}, 21, 22, "23", 'x'});
    round_trip(mixed_25{1, "2", 'x', 4.5, true, {6, 6}, 7, 8, "9", 'x', 11.5, true, {13, 13},
        14, 15, "16", 'x', 18.5, true, {20, 20}, 21, 22, "23", 'x', 25.5});
    round_trip(mixed_26{1, "2", 'x', 4.5, true, {6, 6}, 7, 8, "9", 'x', 11.5, true, {13, 13},
        14, 15, "16", 'x', 18.5, true, {20, 20}, 21, 22, "23", 'x', 25.5, true});
    round_trip(mixed_27{1, "2", 'x', 4.5, true, {6, 6}, 7, 8, "9", 'x', 11.5, true, {13, 13},
        14, 15, "16", 'x', 18.5, true, {20, 20}, 21, 22, "23", 'x', 25.5, true, {27, 27}});
    round_trip(mixed_28{1, "2", 'x', 4.5, true, {6, 6}, 7, 8, "9", 'x', 11.5, true, {13, 13},
        14, 15, "16", 'x', 18.5, true, {20, 20}, 21, 22, "23", 'x', 25.5, true, {27, 27}, 28});
    round_trip(mixed_29{1, "2", 'x', 4.5, true, {6, 6}, 7, 8, "9", 'x', 11.5, true, {13, 13},
        14, 15, "16", 'x', 18.5, true, {20, 20}, 21, 22, "23", 'x', 25.5, true, {27, 27}, 28,
        29});
    round_trip(mixed_30{1, "2", 'x', 4.5, true, {6, 6}, 7, 8, "9", 'x', 11.5, true, {13, 13},
        14, 15, "16", 'x', 18.5, true, {20, 20}, 21, 22, "23", 'x', 25.5, true, {27, 27}, 28,
        29, "30"});
    round_trip(mixed_31{1, "2", 'x', 4.5, true, {6, 6}, 7, 8, "9", 'x', 11.5, true, {13, 13},
        14, 15, "16", 'x', 18.5, true, {20, 20}, 21, 22, "23", 'x', 25.5, true, {27, 27}, 28,
        29, "30", 'x'});
    round_trip(mixed_32{1, "2", 'x', 4.5, true, {6, 6}, 7, 8, "9", 'x', 11.5, true, {13, 13},
        14, 15, "16", 'x', 18.5, true, {20, 20}, 21, 22, "23", 'x', 25.5, true, {27, 27}, 28,
        29, "30", 'x', 32.5});
    // clang-format on
}

TEST_CASE("a plain aggregate is one block of its own size", "[codec]") {
    round_trip(point{1, 2, 3});
    round_trip(std::vector<point>{{1, 2, 3}, {4, 5, 6}});
    CHECK(tandem::encode(point{}).size() == sizeof(point));
    CHECK(tandem::encode(std::vector<point>(5)).size() == 8 + 5 * sizeof(point));
}

TEST_CASE("a bool in an aggregate is checked", "[codec]") {
    round_trip(flagged{1, true});
    CHECK(tandem::encode(flagged{1, true}).size() == sizeof(int) + 1);
    CHECK_THROWS_AS(tandem::decode<flagged>(bytes_of({1, 0, 0, 0, 2})), tandem::codec_error);
}

TEST_CASE("an aggregate without fields takes no bytes", "[codec]") {
    round_trip(empty{});
    CHECK(tandem::encode(empty{}).empty());
    round_trip(std::vector<empty>(5));
    round_trip(std::pair<empty, int>({}, 3));
}

TEST_CASE("an aggregate with an empty base arrives", "[codec]") {
    tagged value;
    value.number = 3;
    value.name = "three";
    round_trip(value);
}

TEST_CASE("an aggregate with arrays arrives", "[codec]") {
    const with_arrays value{"name", "text", {{1, 2, 3}, {4, 5, 6}}, {"a", "b"}};
    const with_arrays there = after_trip(value);
    CHECK(std::string(there.name) == "name");
    CHECK(there.text == "text");
    CHECK(there.grid[1][2] == 6);
    CHECK(there.words[1] == "b");
}

TEST_CASE("an aggregate with bit-fields arrives", "[codec]") {
    const bits there = after_trip(bits{5, 17, true, "name"});
    CHECK(there.low == 5);
    CHECK(there.high == 17);
    CHECK(there.on);
    CHECK(there.name == "name");
}

TEST_CASE("a type that holds itself arrives", "[codec]") {
    tree root;
    root.value = 1;
    root.children.resize(2);
    root.children[1].value = 2;
    root.other = std::make_unique<tree>();
    root.other->value = 3;
    root.named["four"].value = 4;
    root.named["four"].children.resize(1);
    const tree there = after_trip(root);
    CHECK(there.value == 1);
    REQUIRE(there.children.size() == 2);
    CHECK(there.children[1].value == 2);
    REQUIRE(there.other != nullptr);
    CHECK(there.other->value == 3);
    CHECK(there.named.at("four").value == 4);
    CHECK(there.named.at("four").children.size() == 1);
}

TEST_CASE("64 values inside one another are not too deep, 65 are", "[codec]") {
    CHECK(after_trip(chain(64)).children.size() == 1);
    CHECK_THROWS_WITH(tandem::encode(chain(65)), "codec: values are nested more than 64 deep");
}

TEST_CASE("bytes that nest too deep are refused", "[codec]") {
    // Each level: its value, one child, which comes next.
    tandem::writer to;
    for (int i = 0; i < 100000; ++i) {
        tandem::encode(to, 0);
        tandem::encode(to, std::uint64_t{1});
    }
    CHECK_THROWS_WITH(tandem::decode<tree>(to.bytes()),
                      "codec: values are nested more than 64 deep");
}

TEST_CASE("depth is counted anew for each value", "[codec]") {
    tandem::writer to;
    for (int i = 0; i < 3; ++i) {
        CHECK_THROWS_AS(tandem::encode(to, chain(65)), tandem::codec_error);
        tandem::encode(to, chain(64));
    }
    tandem::reader from(to.bytes());
    for (int i = 0; i < 3; ++i) CHECK(tandem::decode<tree>(from).children.size() == 1);
    CHECK(from.remaining() == 0);
}

TEST_CASE("a codec of your own is used, at any depth, without a default constructor", "[codec]") {
    round_trip(ticket(5));
    std::vector<ticket> more;
    more.emplace_back(2);
    more.emplace_back(3);
    round_trip(more);
    round_trip(holder{ticket(1), std::move(more), {ticket(4), ticket(5)}, ticket(6)});
    CHECK(tandem::decode<kilo>(tandem::encode(kilo(7))).count == 7);
}

TEST_CASE("a type that cannot move is made where it belongs", "[codec]") {
    const std::vector<std::byte> bytes = tandem::encode(std::pair(1, 2));
    tandem::reader from(bytes);
    const pinned_holder there = tandem::decode<pinned_holder>(from);
    CHECK(there.before == 1);
    CHECK(there.inside.number() == 2);
    CHECK(tandem::decode<std::unique_ptr<pinned>>(bytes_of({1, 9, 0, 0, 0}))->number() == 9);
}

TEST_CASE("a codec of your own comes before serialize", "[codec]") {
    CHECK(after_trip(torn{5}).value == 5);
}

TEST_CASE("min_size of your codec bounds a length", "[codec]") {
    refuses_giant_lengths<std::vector<ticket>>();
    refuses_giant_lengths<std::map<int, ticket>>();
}

TEST_CASE("what your own codec throws comes out as it is", "[codec]") {
    CHECK_THROWS_WITH(tandem::encode(std::vector<fails>{{1}, {13}}), "13");
    CHECK_THROWS_WITH(tandem::decode<ticket>(tandem::encode(-1)), "a ticket has no sign");
}

TEST_CASE("a value that cannot be encoded leaves the writer as it was", "[codec]") {
    tandem::writer to;
    tandem::encode(to, 7);
    CHECK_THROWS_AS(tandem::encode(to, std::vector<fails>{{1}, {13}}), std::out_of_range);
    tandem::encode(to, 8);
    CHECK(std::vector(to.bytes().begin(), to.bytes().end()) == tandem::encode(std::pair(7, 8)));
}

TEST_CASE("values follow one another in a writer and a reader", "[codec]") {
    tandem::writer to;
    tandem::encode(to, 1);
    tandem::encode(to, std::string("two"));
    tandem::encode(to, std::vector<int>{3});
    tandem::reader from(to.bytes());
    CHECK(tandem::decode<int>(from) == 1);
    CHECK(tandem::decode<std::string>(from) == "two");
    CHECK(tandem::decode<std::vector<int>>(from) == std::vector<int>{3});
    CHECK(from.remaining() == 0);
}

TEST_CASE("bytes after the value are an error", "[codec]") {
    std::vector<std::byte> bytes = tandem::encode(1);
    bytes.resize(bytes.size() + 3);
    CHECK_THROWS_WITH(tandem::decode<int>(bytes), "decode: 3 bytes are left after the value");
}

TEST_CASE("a stateless lambda arrives as itself", "[codec]") {
    const auto twice = [](int x) { return 2 * x; };
    CHECK(after_trip(twice)(4) == 8);
    CHECK(tandem::encode(twice).empty());
}

TEST_CASE("noise instead of bytes is refused or is a value, and never worse", "[codec]") {
    survives_noise(1);
    survives_noise(true);
    survives_noise(std::string("hello world"));
    survives_noise(std::wstring(L"hello"));
    survives_noise(std::vector<int>{1, 2, 3});
    survives_noise(std::vector<bool>(77, true));
    survives_noise(std::vector<std::string>{"a", "bc", ""});
    survives_noise(std::vector<std::vector<short>>{{1}, {2, 3}});
    survives_noise(std::list<std::string>{"a", "bc"});
    survives_noise(std::deque<std::pair<int, bool>>{{1, true}});
    survives_noise(std::map<int, std::string>{{1, "a"}, {2, "b"}});
    survives_noise(std::unordered_map<std::string, int>{{"a", 1}, {"b", 2}});
    survives_noise(std::set<std::string>{"a", "b"});
    survives_noise(std::tuple<int, std::string, char>(1, "a", 'x'));
    survives_noise(std::optional<std::vector<char>>(std::vector<char>{'x'}));
    survives_noise(std::variant<int, std::string, std::vector<bool>>("text"));
    survives_noise(std::array<std::string, 3>{"a", "b", "c"});
    survives_noise(std::bitset<37>(12345));
    survives_noise(std::complex<double>(1, 2));
    survives_noise(std::chrono::seconds(5));
    survives_noise(std::filesystem::path("/a/b"));
    survives_noise(std::make_error_code(std::errc::io_error));
    survives_noise(std::make_unique<std::string>("text"));
    survives_noise(flagged{1, true});
    survives_noise(with_arrays{});
    tree root = chain(5);
    root.named["x"].other = std::make_unique<tree>();
    survives_noise(root);
}
