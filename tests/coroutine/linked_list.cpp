// SPDX-License-Identifier: BSL-1.0
#include <tandem/coroutine/linked_list.hpp>

#include "../support/catch.hpp"

#include <vector>

using tandem::detail::linked_list;
using tandem::detail::list_link;

namespace {

struct number : list_link {
    explicit number(int v) : value(v) {}
    int value;
};

std::vector<int> values(linked_list<number>& list) {
    std::vector<int> all;
    for (number* at = list.first(); at; at = list.after(*at)) all.push_back(at->value);
    return all;
}

}  // namespace

TEST_CASE("a list keeps the order in which elements were added", "[linked_list]") {
    linked_list<number> list;
    number a(1), b(2), c(3);
    CHECK(list.empty());
    CHECK(list.first() == nullptr);
    list.push_back(b);
    list.push_back(c);
    list.push_front(a);
    CHECK(values(list) == std::vector{1, 2, 3});
    CHECK(list.pop_front().value == 1);
    CHECK(values(list) == std::vector{2, 3});
}

TEST_CASE("an element leaves its list from anywhere", "[linked_list]") {
    linked_list<number> list;
    number a(1), b(2), c(3);
    for (auto* one : {&a, &b, &c}) list.push_back(*one);
    b.unlink();
    CHECK_FALSE(b.linked());
    CHECK(values(list) == std::vector{1, 3});
    a.unlink();
    c.unlink();
    CHECK(list.empty());
    list.push_back(b);  // and may come back
    CHECK(values(list) == std::vector{2});
}

TEST_CASE("a list takes all elements of another", "[linked_list]") {
    linked_list<number> first, second;
    number a(1), b(2), c(3);
    first.push_back(a);
    first.take_all(second);
    CHECK(values(first) == std::vector{1});
    second.push_back(b);
    second.push_back(c);
    first.take_all(second);
    CHECK(values(first) == std::vector{1, 2, 3});
    CHECK(second.empty());
    second.take_all(first);
    CHECK(values(second) == std::vector{1, 2, 3});
}
