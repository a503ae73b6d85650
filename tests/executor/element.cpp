// SPDX-License-Identifier: BSL-1.0
#include <tandem/executor/element.hpp>

#include "../support/catch.hpp"

#include <array>
#include <memory>
#include <stop_token>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

using namespace tandem::detail;

namespace {

int add(int x, int y) { return x + y; }

template <class F, class Reference, class Value, bool Star = false, bool Ships = false>
using traits = element_traits<F, Reference, Value, Star, Ships>;

}  // namespace

TEST_CASE("in threads a function gets the range's own reference", "[element]") {
    auto change = [](int& x) { ++x; };
    int element = 1;
    traits<decltype(change), int&, int>::call({}, change, element);
    CHECK(element == 2);
    auto take = [](std::unique_ptr<int>&& p) { return *std::move(p); };
    auto owner = std::make_unique<int>(3);
    CHECK(traits<decltype(take), std::unique_ptr<int>&&, std::unique_ptr<int>>::call(
              {}, take, std::move(owner)) == 3);
}

TEST_CASE("where calls may ship a function gets a const element", "[element]") {
    auto is_const = [](auto& x) { return std::is_const_v<std::remove_reference_t<decltype(x)>>; };
    int element = 1;
    CHECK(traits<decltype(is_const), int&, int, false, true>::call({}, is_const, element));
    CHECK_FALSE(traits<decltype(is_const), int&, int>::call({}, is_const, element));
}

TEST_CASE("a proxy is turned into a value where calls may ship", "[element]") {
    std::vector<bool> bits{true};
    auto same = [](bool b) { return b; };
    using t = traits<decltype(same), std::vector<bool>::reference, bool, false, true>;
    CHECK(t::call({}, same, bits[0]));
}

TEST_CASE("a star call spreads a tuple", "[element]") {
    auto* f = &add;
    const std::tuple<int, int> t(2, 3);
    CHECK(traits<decltype(f), const std::tuple<int, int>&, std::tuple<int, int>, true>::call(
              {}, f, t) == 5);
    std::array<int, 2> a{3, 4};
    CHECK(traits<decltype(f), std::array<int, 2>&, std::array<int, 2>, true>::call({}, f, a) == 7);
}

TEST_CASE("the result is a value, whatever the function returns", "[element]") {
    auto refers = [](const std::string& s) -> const std::string& { return s; };
    STATIC_REQUIRE(
        std::is_same_v<traits<decltype(refers), std::string&, std::string>::result, std::string>);
    auto nothing = [](int) {};
    STATIC_REQUIRE(std::is_void_v<traits<decltype(nothing), int&, int>::result>);
    CHECK(refers("x") == "x");
    nothing(1);
}

TEST_CASE("a stop_token comes first if the function takes one", "[element]") {
    auto asks = [](std::stop_token stop, int x) { return stop.stop_possible() ? x : -x; };
    const std::stop_source source;
    int element = 4;
    CHECK(traits<decltype(asks), int&, int>::call(source.get_token(), asks, element) == 4);
    STATIC_REQUIRE(element_takes_stop<decltype(asks), int&>);
}

TEST_CASE("whether a function fits the elements is known", "[element]") {
    using f = int (*)(int, int);
    STATIC_REQUIRE(element_invocable<f, std::tuple<int, int>&, true>);
    STATIC_REQUIRE(element_invocable<f, std::pair<int, int>, true>);
    STATIC_REQUIRE(!element_invocable<f, std::tuple<int>&, true>);
    STATIC_REQUIRE(!element_invocable<f, int&, true>);
    STATIC_REQUIRE(!element_invocable<f, std::tuple<int, int>&, false>);
    STATIC_REQUIRE(element_invocable<int (*)(int), int&, false>);
    STATIC_REQUIRE(!element_invocable<int (*)(int*), int&, false>);
    STATIC_REQUIRE(!element_invocable<void (*)(int&), const int&, false>);
    STATIC_REQUIRE(std::is_same_v<tuple_of_t<std::pair<int, char>>, std::tuple<int, char>>);
}
