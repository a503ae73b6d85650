// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/codec_vocabulary.hpp>

#include "round_trip.hpp"

#include <chrono>
#include <complex>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

namespace {

struct throws_when_copied {
    throws_when_copied() = default;
    throws_when_copied(const throws_when_copied&) { throw std::runtime_error("no copies"); }
    throws_when_copied& operator=(const throws_when_copied&) = default;
};

// Derived from a type that is known by what it offers: not that type.
struct marked_path : std::filesystem::path {
    int mark = 0;
};
struct marked_seconds : std::chrono::seconds {
    int mark = 0;
};

class own_category final : public std::error_category {
   public:
    const char* name() const noexcept override { return "own"; }
    std::string message(int) const override { return "own message"; }
};

}  // namespace

template <>
struct tandem::codec<throws_when_copied> {
    static void encode(writer&, const throws_when_copied&) {}
    static throws_when_copied decode(reader&) { return {}; }
};

TEST_CASE("pairs and tuples arrive as they were", "[codec_vocabulary]") {
    round_trip(std::pair<int, std::string>(1, "one"));
    round_trip(std::pair<const int, bool>(1, true));
    round_trip(std::tuple<>());
    round_trip(std::tuple<int>(1));
    round_trip(std::tuple<std::tuple<int>>(std::tuple<int>(1)));
    round_trip(std::tuple<int, std::string, std::vector<double>, char>(1, "one", {1, 2}, 'x'));
    CHECK(tandem::encode(std::tuple<>()).empty());
    CHECK(tandem::encode(std::pair<std::uint64_t, std::uint64_t>()).size() == 16);
}

TEST_CASE("the fields of a tuple come back in their order", "[codec_vocabulary]") {
    const auto bytes = tandem::encode(std::vector<int>{2, 3});
    tandem::reader from(bytes);
    const auto [length, first, second] = tandem::decode<std::tuple<std::uint64_t, int, int>>(from);
    CHECK(length == 2);
    CHECK(first == 2);
    CHECK(second == 3);
}

TEST_CASE("an optional arrives with or without its value", "[codec_vocabulary]") {
    round_trip(std::optional<int>());
    round_trip(std::optional<int>(7));
    round_trip(std::optional<std::string>("text"));
    round_trip(std::optional<std::optional<int>>(std::in_place));
    CHECK_THROWS_AS(tandem::decode<std::optional<int>>(bytes_of({2, 0, 0, 0, 0})),
                    tandem::codec_error);
}

TEST_CASE("a variant arrives as the alternative it was", "[codec_vocabulary]") {
    using value = std::variant<std::monostate, int, std::string, int>;
    round_trip(value());
    round_trip(value(std::in_place_index<1>, 5));
    round_trip(value(std::in_place_index<3>, 5));
    round_trip(value("text"));
    CHECK(after_trip(value(std::in_place_index<3>, 5)).index() == 3);
}

TEST_CASE("a variant's index is checked", "[codec_vocabulary]") {
    using value = std::variant<char, bool>;
    CHECK(tandem::decode<value>(bytes_of({0, 65})) == value('A'));
    CHECK_THROWS_WITH(tandem::decode<value>(bytes_of({2, 0})),
                      "decode: index 2 of a variant of 2 alternatives");
    CHECK_THROWS_AS(tandem::decode<value>(bytes_of({255, 0})), tandem::codec_error);
    CHECK_THROWS_AS(tandem::decode<value>(bytes_of({1, 9})), tandem::codec_error);
}

TEST_CASE("a variant that lost its value cannot be encoded", "[codec_vocabulary]") {
    std::variant<int, throws_when_copied> value;
    const throws_when_copied source;
    REQUIRE_THROWS_AS(value.emplace<1>(source), std::runtime_error);
    REQUIRE(value.valueless_by_exception());
    CHECK_THROWS_AS(tandem::encode(value), tandem::codec_error);
}

TEST_CASE("a unique_ptr arrives as null or as a new object", "[codec_vocabulary]") {
    CHECK(after_trip(std::unique_ptr<int>()) == nullptr);
    const auto number = std::make_unique<const int>(5);
    const auto there = after_trip(number);
    REQUIRE(there != nullptr);
    CHECK(*there == 5);
    CHECK(there != number);
    const auto words = after_trip(std::make_unique<std::vector<std::string>>(2, "word"));
    CHECK(*words == std::vector<std::string>{"word", "word"});
    CHECK_THROWS_AS(tandem::decode<std::unique_ptr<int>>(bytes_of({1, 0})), tandem::codec_error);
    CHECK_THROWS_AS(tandem::decode<std::unique_ptr<int>>(bytes_of({7})), tandem::codec_error);
}

TEST_CASE("times arrive as they were", "[codec_vocabulary]") {
    round_trip(std::chrono::nanoseconds(-5));
    round_trip(std::chrono::hours(3));
    round_trip(std::chrono::duration<double>(0.25));
    round_trip(std::chrono::system_clock::now());
    round_trip(std::chrono::steady_clock::now());
    round_trip(std::chrono::sys_days(std::chrono::days(20000)));
    CHECK(tandem::encode(std::vector<std::chrono::seconds>(10)).size() == 8 + 80);
}

TEST_CASE("complex numbers arrive as they were", "[codec_vocabulary]") {
    round_trip(std::complex<double>(1, -2));
    round_trip(std::complex<float>(1, -2));
    round_trip(std::vector<std::complex<double>>{{1, 2}, {3, 4}});
}

TEST_CASE("paths arrive as they were", "[codec_vocabulary]") {
    round_trip(std::filesystem::path());
    round_trip(std::filesystem::path("/usr/lib/../include"));
    round_trip(std::vector<std::filesystem::path>{"a", "b/c"});
    refuses_giant_lengths<std::filesystem::path>();
}

TEST_CASE("a class derived from a known one is not taken for it", "[codec_vocabulary]") {
    STATIC_REQUIRE(tandem::travels<std::filesystem::path>);
    STATIC_REQUIRE(!tandem::travels<marked_path>);
    STATIC_REQUIRE(tandem::travels<std::chrono::seconds>);
    STATIC_REQUIRE(!tandem::travels<marked_seconds>);
}

TEST_CASE("an error_code of the standard categories arrives", "[codec_vocabulary]") {
    round_trip(std::error_code());
    round_trip(std::make_error_code(std::errc::no_such_file_or_directory));
    round_trip(std::error_code(2, std::system_category()));
    CHECK(after_trip(std::error_code(2, std::generic_category())).category() ==
          std::generic_category());
}

TEST_CASE("an error_code of any other category has no bytes", "[codec_vocabulary]") {
    static const own_category own;
    tandem::writer to;
    tandem::encode(to, 1);
    CHECK_THROWS_WITH(tandem::encode(to, std::error_code(3, own)),
                      "encode: an error_code of category \"own\" cannot travel, only of generic "
                      "and system");
    CHECK(to.position() == sizeof(int));
}
