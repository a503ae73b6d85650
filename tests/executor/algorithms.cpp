// SPDX-License-Identifier: BSL-1.0
#include <tandem/executor/algorithms.hpp>

#include "../support/catch.hpp"

#include <tandem/executor/any_executor.hpp>
#include <tandem/executor/inline_executor.hpp>
#include <tandem/executor/thread_pool.hpp>

#include <array>
#include <memory>
#include <ranges>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using tandem::future;
using tandem::inline_executor;
using tandem::map_options;

TEST_CASE("the options of a map are in the order that the documents print", "[algorithms]") {
    const auto [chunk_size, window, timeout] = map_options();
    CHECK(chunk_size == 0);
    CHECK(window == 0);
    CHECK(timeout == tandem::forever);
    STATIC_REQUIRE(std::is_aggregate_v<map_options>);
    STATIC_REQUIRE(std::is_trivially_destructible_v<map_options>);
    STATIC_REQUIRE(std::is_same_v<decltype(map_options::chunk_size), int>);
    STATIC_REQUIRE(std::is_same_v<decltype(map_options::window), int>);
}

TEST_CASE("the members have the types that the documents say", "[algorithms]") {
    inline_executor e;
    std::vector<int> v{1};
    const std::vector<std::pair<int, int>> pairs{{1, 2}};
    const auto f = [](int x) { return x * 0.5; };
    const auto g = [](int x, int y) { return x + y; };
    STATIC_REQUIRE(std::is_same_v<decltype(e.submit(f, 1)), future<double>>);
    STATIC_REQUIRE(std::is_same_v<decltype(e.apply(f, 1)), double>);
    STATIC_REQUIRE(std::is_same_v<decltype(e.map(f, v)), std::vector<double>>);
    STATIC_REQUIRE(std::is_same_v<decltype(e.starmap(g, pairs)), std::vector<int>>);
    STATIC_REQUIRE(std::is_same_v<decltype(e.map_async(f, v)), future<std::vector<double>>>);
    STATIC_REQUIRE(std::is_same_v<decltype(e.starmap_async(g, pairs)), future<std::vector<int>>>);
    STATIC_REQUIRE(std::is_same_v<decltype(e.imap(f, v)), tandem::imap_range<double>>);
    STATIC_REQUIRE(std::is_same_v<decltype(e.imap_unordered(f, v)), tandem::imap_range<double>>);
    STATIC_REQUIRE(std::is_void_v<decltype(e.for_each(f, v))>);
    STATIC_REQUIRE(std::is_same_v<decltype(e.size()), int>);
    STATIC_REQUIRE(std::is_same_v<decltype(e.stats()), tandem::pool_stats>);
    STATIC_REQUIRE(std::is_same_v<decltype(e.apply(std::declval<int& (*)()>())), int&>);
    CHECK(e.starmap(g, pairs) == std::vector{3});
}

TEST_CASE("map, for_each and imap borrow an lvalue range", "[algorithms]") {
    inline_executor e;
    struct no_copy {
        no_copy() = default;
        no_copy(const no_copy&) = delete;
        no_copy& operator=(const no_copy&) = delete;
        int value = 1;
    };
    std::vector<no_copy> range(3);
    e.for_each([](no_copy& x) { ++x.value; }, range);
    CHECK(e.map([](const no_copy& x) { return x.value; }, range) == std::vector{2, 2, 2});
    for (int& x : e.imap([](no_copy& y) { return ++y.value; }, range)) CHECK(x == 3);
    CHECK(range[2].value == 3);
}

TEST_CASE("map_async copies an lvalue range and moves an rvalue", "[algorithms]") {
    inline_executor e;
    std::vector<std::string> texts{"a", "b"};
    CHECK(e.map_async([](std::string& s) { return s += "!"; }, texts).get() ==
          std::vector<std::string>{"a!", "b!"});
    CHECK(texts == std::vector<std::string>{"a", "b"});
    std::vector<std::unique_ptr<int>> owners;
    owners.push_back(std::make_unique<int>(4));
    CHECK(e.map_async([](const std::unique_ptr<int>& p) { return *p; }, std::move(owners)).get() ==
          std::vector{4});
}

TEST_CASE("the callable of a map may be move-only and large", "[algorithms]") {
    inline_executor e;
    std::array<char, 4096> bytes{};
    bytes[9] = 5;
    CHECK(e.map([bytes, p = std::make_unique<int>(2)](int x) { return bytes[9] + *p + x; },
                std::vector{1}) == std::vector{8});
}

TEST_CASE("a reference as the result of a map becomes a value", "[algorithms]") {
    inline_executor e;
    std::vector<std::string> texts{"a"};
    auto copies = e.map([](std::string& s) -> std::string& { return s; }, texts);
    copies[0] = "b";
    CHECK(texts[0] == "a");
    STATIC_REQUIRE(std::is_same_v<decltype(copies), std::vector<std::string>>);
}

TEST_CASE("an executor is a subject of any stream", "[algorithms]") {
    struct tape {
        tape& operator<<(const char* s) { return text += s, *this; }
        tape& operator<<(int x) { return text += std::to_string(x), *this; }
        std::string text;
    };
    tape out;
    tandem::thread_pool pool(3);
    out << pool;
    CHECK(out.text == "thread_pool state=running size=3");
}

TEST_CASE("an executor that may ship checks its calls when they compile", "[algorithms]") {
    const auto plain = [](int x) { return x; };
    const auto nothing = [] {};
    STATIC_REQUIRE(tandem::shippable<decltype(plain), int>);
    STATIC_REQUIRE(!tandem::shippable<decltype(plain), int*>);
    tandem::inline_executor here;
    tandem::any_executor e(here);
    CHECK(e.submit(plain, 1).get() == 1);
    CHECK(e.submit(nothing).valid());
}
