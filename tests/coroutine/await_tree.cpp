// SPDX-License-Identifier: BSL-1.0
#include <tandem/coroutine/await_tree.hpp>

#include "../support/catch.hpp"

using tandem::detail::await_tree;
using tandem::detail::short_name;

TEST_CASE("a function's signature becomes its name", "[await_tree]") {
    CHECK(short_name("tandem::task<int> ns::f(int, char)") == "ns::f");
    CHECK(short_name("tandem::task<void> f()") == "f");
    CHECK(short_name("tandem::task<std::pair<int, long int> > a::b<x, y>::f(int)") ==
          "a::b<x, y>::f");
    CHECK(short_name("void ns::f(ns::f(int)::_ZN2ns1fEi.Frame*)") == "ns::f");
    CHECK(short_name("main()::<lambda(int)>::operator()(int)") ==
          "main()::<lambda(int)>::operator()");
    CHECK(short_name("tandem::task<> m()::<lambda()>::operator()() const") ==
          "m()::<lambda()>::operator()");
    CHECK(short_name("task<int> (anonymous namespace)::gives(int)") ==
          "(anonymous namespace)::gives");
    CHECK(short_name("auto m()::(anonymous class)::operator()() const") ==
          "m()::(anonymous class)::operator()");
    CHECK(short_name("f") == "f");
    CHECK(short_name("(anonymous") == "(anonymous");
    CHECK(short_name("").empty());
}

TEST_CASE("lines are indented as the tree is deep", "[await_tree]") {
    await_tree tree;
    tree.line("a");
    tree.deeper();
    tree.line("b");
    tree.deeper();
    tree.line("c");
    tree.back(2);
    tree.line("d");
    CHECK(tree.text() == "a\n  b\n    c\nd\n");
}
