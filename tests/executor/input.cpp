// SPDX-License-Identifier: BSL-1.0
#include <tandem/executor/input.hpp>

#include "../support/catch.hpp"

#include <forward_list>
#include <list>
#include <memory>
#include <ranges>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using tandem::detail::input;
using tandem::detail::lazy_input;

namespace {

template <class Range>
std::vector<int> all_of(input<Range>& elements) {
    std::vector<int> result;
    for (std::size_t i = 0; i < elements.size(); ++i) result.push_back(elements[i]);
    return result;
}

template <class Range>
std::vector<int> all_of(lazy_input<Range>& elements) {
    std::vector<int> result;
    typename lazy_input<Range>::held element{};
    while (elements.next(element)) result.push_back(lazy_input<Range>::get(element));
    return result;
}

}  // namespace

TEST_CASE("a vector is read where it is", "[input]") {
    std::vector<int> v{1, 2, 3};
    input<std::vector<int>&> elements(v);
    STATIC_REQUIRE(std::is_same_v<decltype(elements[0]), int&>);
    CHECK(elements.size() == 3);
    CHECK(&elements[1] == &v[1]);
    elements[2] = 9;
    CHECK(v[2] == 9);
}

TEST_CASE("a const range gives const elements", "[input]") {
    const std::vector<int> v{1, 2};
    input<const std::vector<int>&> elements(v);
    STATIC_REQUIRE(std::is_same_v<decltype(elements[0]), const int&>);
    CHECK(all_of(elements) == v);
}

TEST_CASE("an rvalue range is borrowed or owned, as asked for", "[input]") {
    std::vector<int> v{1, 2};
    input<std::vector<int>&&> borrowed(std::move(v));
    CHECK(&borrowed[0] == v.data());  // NOLINT: it stays where it is
    input<std::vector<int>> owned(std::move(v));
    CHECK(all_of(owned) == std::vector{1, 2});
    CHECK(v.empty());
}

TEST_CASE("a list and a filtered view are read by their iterators", "[input]") {
    std::list<int> list{1, 2, 3};
    input<std::list<int>&> elements(list);
    CHECK(&elements[2] == &list.back());
    std::forward_list<int> forward{4, 5};
    input<std::forward_list<int>&> more(forward);
    CHECK(all_of(more) == std::vector{4, 5});
    auto odd = list | std::views::filter([](int x) { return x % 2 != 0; });
    input<decltype(odd)&> some(odd);
    CHECK(all_of(some) == std::vector{1, 3});
}

TEST_CASE("a range that makes its elements gives values", "[input]") {
    auto squares = std::views::iota(0, 4) | std::views::transform([](int x) { return x * x; });
    input<decltype(squares)> elements(std::move(squares));
    STATIC_REQUIRE(std::is_same_v<decltype(elements[0]), int>);
    CHECK(all_of(elements) == std::vector{0, 1, 4, 9});
}

TEST_CASE("the elements of a range that can be read once are taken out", "[input]") {
    std::istringstream text("7 8 9");
    auto stream = std::views::istream<int>(text);
    input<decltype(stream)&> elements(stream);
    STATIC_REQUIRE(std::is_same_v<decltype(elements[0]), int&>);
    CHECK(elements.size() == 3);
    CHECK(elements[2] == 9);
    CHECK(elements[0] == 7);
}

TEST_CASE("an array and a span are ranges too", "[input]") {
    int plain[] = {1, 2};
    input<int(&)[2]> elements(plain);
    CHECK(&elements[1] == &plain[1]);
    std::span<int> span(plain);
    input<std::span<int>> view(std::move(span));
    CHECK(&view[0] == &plain[0]);
}

TEST_CASE("an empty range has no elements", "[input]") {
    std::vector<int> none;
    input<std::vector<int>&> elements(none);
    CHECK(elements.size() == 0);
    lazy_input<std::vector<int>&> lazy(none);
    CHECK(all_of(lazy).empty());
}

TEST_CASE("a lazy input reads an element when it is asked for, not before", "[input]") {
    int made = 0;
    auto counted =
        std::views::iota(0, 10) | std::views::transform([&](int x) { return ++made, x; });
    lazy_input<decltype(counted)> elements(std::move(counted));
    CHECK(made == 0);
    decltype(elements)::held element{};
    CHECK(elements.next(element));
    CHECK(elements.next(element));
    CHECK(made == 2);
    CHECK(elements.get(element) == 1);
}

TEST_CASE("a lazy input gives lvalues of a container in place", "[input]") {
    std::vector<int> v{1, 2};
    lazy_input<std::vector<int>&> elements(v);
    decltype(elements)::held element{};
    REQUIRE(elements.next(element));
    CHECK(&elements.get(element) == &v[0]);
    std::vector<int> owned{5, 6};
    lazy_input<std::vector<int>> mine(std::move(owned));
    CHECK(all_of(mine) == std::vector{5, 6});
}

TEST_CASE("a lazy input keeps an element when the range moves on", "[input]") {
    std::istringstream text("one two");
    auto words = std::views::istream<std::string>(text);
    lazy_input<decltype(words)&> elements(words);
    decltype(elements)::held first{};
    decltype(elements)::held second{};
    REQUIRE(elements.next(first));
    REQUIRE(elements.next(second));
    CHECK(elements.get(first) == "one");
    CHECK(elements.get(second) == "two");
    CHECK_FALSE(elements.next(second));
}

TEST_CASE("what the range throws comes out where it is read", "[input]") {
    auto breaks = std::views::iota(0, 4) | std::views::transform([](int x) {
                      if (x == 2) throw std::domain_error("two");
                      return x;
                  });
    input<decltype(breaks)&> elements(breaks);
    CHECK(elements[1] == 1);
    CHECK_THROWS_AS(elements[2], std::domain_error);
    CHECK(elements[3] == 3);
    lazy_input<decltype(breaks)&> lazy(breaks);
    decltype(lazy)::held element{};
    REQUIRE(lazy.next(element));
    REQUIRE(lazy.next(element));
    CHECK_THROWS_AS(lazy.next(element), std::domain_error);
}
