// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/codec_associative.hpp>

#include "round_trip.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace {

template <class Map>
void map_round_trips() {
    round_trip(Map{});
    round_trip(Map{{"one", 1}});
    round_trip(Map{{"one", 1}, {"two", 2}, {"three", 3}, {"", 4}});
}

template <class Set>
void set_round_trips() {
    round_trip(Set{});
    round_trip(Set{7});
    round_trip(Set{3, 1, 2, -5, 1000});
}

// The same key with two values, where only one is allowed.
template <class Map>
void refuses_duplicates() {
    using item = std::pair<int, int>;
    const auto bytes = tandem::encode(std::vector<item>{{1, 10}, {2, 20}, {1, 30}});
    CHECK_THROWS_WITH(tandem::decode<Map>(bytes),
                      "decode: the same key comes twice in a container of unique keys");
}

}  // namespace

TEST_CASE("maps arrive as they were", "[codec_associative]") {
    map_round_trips<std::map<std::string, int>>();
    map_round_trips<std::map<std::string, int, std::greater<>>>();
    map_round_trips<std::unordered_map<std::string, int>>();
}

TEST_CASE("sets arrive as they were", "[codec_associative]") {
    set_round_trips<std::set<int>>();
    set_round_trips<std::set<int, std::greater<>>>();
    set_round_trips<std::unordered_set<int>>();
}

TEST_CASE("containers of equal keys keep them all", "[codec_associative]") {
    const std::multimap<int, int> ordered{{1, 5}, {1, 3}, {1, 4}, {0, 9}};
    round_trip(ordered);
    round_trip(std::unordered_multimap<int, int>{{1, 5}, {1, 3}, {1, 4}, {0, 9}});
    round_trip(std::multiset<int>{1, 1, 2, 1});
    round_trip(std::unordered_multiset<int>{1, 1, 2, 1});
}

TEST_CASE("equal keys of a multimap keep their order", "[codec_associative]") {
    std::vector<int> values;
    for (const auto& [key, value] : after_trip(std::multimap<int, int>{{1, 5}, {1, 3}, {1, 4}})) {
        static_cast<void>(key);
        values.push_back(value);
    }
    CHECK(values == std::vector<int>{5, 3, 4});
}

TEST_CASE("maps hold maps", "[codec_associative]") {
    round_trip(
        std::map<int, std::map<std::string, std::vector<int>>>{{1, {{"a", {1, 2}}}}, {2, {}}});
    round_trip(std::map<std::pair<int, int>, std::set<std::string>>{{{1, 2}, {"a", "b"}}});
}

TEST_CASE("a big hash table arrives", "[codec_associative]") {
    std::unordered_map<int, std::string> names;
    for (int i = 0; i < 5000; ++i) names[i] = std::to_string(i);
    CHECK(after_trip(names) == names);
}

TEST_CASE("a key that comes twice is refused where keys are unique", "[codec_associative]") {
    refuses_duplicates<std::map<int, int>>();
    refuses_duplicates<std::unordered_map<int, int>>();
    const auto keys = tandem::encode(std::vector<int>{4, 5, 4});
    CHECK_THROWS_AS(tandem::decode<std::set<int>>(keys), tandem::codec_error);
    CHECK_THROWS_AS(tandem::decode<std::unordered_set<int>>(keys), tandem::codec_error);
    CHECK(tandem::decode<std::multiset<int>>(keys).size() == 3);
}

TEST_CASE("keys may come in any order", "[codec_associative]") {
    const auto keys = tandem::encode(std::vector<int>{4, 1, 9});
    CHECK(tandem::decode<std::set<int>>(keys) == std::set<int>{1, 4, 9});
}

TEST_CASE("a map of more pairs than there are bytes for is refused", "[codec_associative]") {
    refuses_giant_lengths<std::map<int, int>>();
    refuses_giant_lengths<std::unordered_map<int, std::string>>();
    refuses_giant_lengths<std::set<std::string>>();
    refuses_giant_lengths<std::unordered_multiset<int>>();
}
