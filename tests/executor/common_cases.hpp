// SPDX-License-Identifier: BSL-1.0
// tests/executor/common_cases.hpp: what every executor promises. Calls ship, elements are const.
#pragma once

#include "../support/catch.hpp"
#include "../support/within.hpp"

#include <tandem/executor/algorithms.hpp>
#include <tandem/future/as_completed.hpp>
#include <tandem/future/collect.hpp>
#include <tandem/future/promise.hpp>
#include <tandem/future/wait.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <exception>
#include <forward_list>
#include <iterator>
#include <list>
#include <map>
#include <numeric>
#include <ranges>
#include <set>
#include <sstream>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace common {

using namespace std::chrono_literals;

inline int twice(int x) { return 2 * x; }
inline int add(int x, int y) { return x + y; }
inline std::string joined(const std::string& a, const std::string& b) { return a + b; }
inline void nothing(int) {}
inline int refuse_odd(int x) {
    if (x % 2 != 0) throw std::invalid_argument("odd: " + std::to_string(x));
    return x;
}
struct square {
    long operator()(long x) const { return x * x; }
};

inline std::vector<int> numbers(int count) {
    std::vector<int> result(static_cast<std::size_t>(count));
    std::iota(result.begin(), result.end(), 0);
    return result;
}
inline std::vector<int> doubled(int count) {
    auto result = numbers(count);
    for (int& x : result) x *= 2;
    return result;
}

// The text of the E that f throws; another exception passes through.
template <class E, class F>
std::string thrown(F&& f) {
    try {
        std::forward<F>(f)();
    } catch (const E& error) {
        return error.what();
    }
    return "(nothing was thrown)";
}

// 0, 1, 2, ... up to `end`, each made when it is asked for; counts how many were. Throws instead
// of giving number `breaks_at`. Can be read once.
class counting_input {
   public:
    explicit counting_input(int end, int breaks_at = -1) : end_(end), breaks_at_(breaks_at) {}

    class iterator {
       public:
        using value_type = int;
        using difference_type = std::ptrdiff_t;
        using iterator_concept = std::input_iterator_tag;
        iterator() = default;
        explicit iterator(counting_input& input) : input_(&input) { input_->make(); }
        int operator*() const { return input_->now_; }
        iterator& operator++() {
            ++input_->now_;
            input_->make();
            return *this;
        }
        void operator++(int) { ++*this; }
        bool operator==(std::default_sentinel_t) const { return input_->now_ >= input_->end_; }

       private:
        counting_input* input_ = nullptr;
    };
    iterator begin() { return iterator(*this); }
    std::default_sentinel_t end() const { return {}; }
    // How many elements were made, the end not counted.
    int made() const { return made_; }

   private:
    void make() {
        if (now_ == breaks_at_) throw std::domain_error("the input broke");
        if (now_ < end_) ++made_;
    }
    int end_;
    int breaks_at_;
    int now_ = 0;
    int made_ = 0;
};

template <class Range>
auto to_vector(Range&& range) {
    std::vector<std::ranges::range_value_t<Range>> values;
    for (auto&& x : range) values.push_back(x);
    return values;
}

template <class E>
void submit_cases(E& e) {
    SECTION("submit gives the future of the result") {
        CHECK(e.submit(twice, 4).get() == 8);
        CHECK(e.submit(&twice, 5).get() == 10);
        CHECK(e.submit(square(), 3).get() == 9);
        CHECK(e.submit([] { return 7; }).get() == 7);
        CHECK(e.submit([](int x, double y) { return x + y; }, 1, 0.5).get() == 1.5);
        STATIC_REQUIRE(std::is_same_v<decltype(e.submit(twice, 1)), tandem::future<int>>);
    }
    SECTION("submit copies lvalue arguments and takes string literals") {
        const std::string a = "one ";
        CHECK(e.submit(joined, a, "two").get() == "one two");
        CHECK(a == "one ");
        std::vector<int> numbers{1, 2, 3};
        auto f = e.submit(
            [](const std::vector<int>& v) { return std::accumulate(v.begin(), v.end(), 0); },
            numbers);
        numbers.clear();
        CHECK(f.get() == 6);
    }
    SECTION("a call without a result has a future of void") {
        auto f = e.submit(nothing, 1);
        STATIC_REQUIRE(std::is_same_v<decltype(f), tandem::future<void>>);
        CHECK_NOTHROW(f.get());
        CHECK_NOTHROW(e.apply(nothing, 1));
    }
    SECTION("what a call throws comes out of get, with its type and text") {
        auto f = e.submit(refuse_odd, 3);
        CHECK(thrown<std::invalid_argument>([&] { f.get(); }) == "odd: 3");
        auto g = e.submit(refuse_odd, 5);
        g.wait();
        CHECK_FALSE(g.successful());
        CHECK(e.submit(refuse_odd, 4).get() == 4);
    }
    SECTION("a call whose first parameter is a stop_token gets one") {
        CHECK(e.apply([](std::stop_token stop, int x) { return stop.stop_requested() ? -1 : x; },
                      6) == 6);
    }
    SECTION("apply waits for the result") {
        CHECK(e.apply(twice, 4) == 8);
        CHECK(e.apply([](int x) { return x > 1; }, 2));
        CHECK(thrown<std::invalid_argument>([&] { e.apply(refuse_odd, 1); }) == "odd: 1");
    }
    SECTION("a result that is done cannot be cancelled") {
        auto f = e.submit(twice, 1);
        f.wait();
        CHECK_FALSE(f.cancel());
        CHECK(f.get() == 2);
    }
    SECTION("results chain and call back") {
        CHECK(e.submit(twice, 1).then(twice).then(twice).get() == 8);
        CHECK(e.submit(twice, 1).then(e, twice).then(e, [](int x) { return x + 1; }).get() == 5);
        tandem::promise<int> heard;
        auto f = heard.get_future();
        e.submit(twice, 2).on_done(
            [&](const tandem::outcome<int>& result) { heard.set_value(result.value()); });
        CHECK(f.get() == 4);
        auto failed = e.submit(refuse_odd, 1).then(e, twice);
        CHECK(thrown<std::invalid_argument>([&] { failed.get(); }) == "odd: 1");
    }
    SECTION("many futures are waited for, collected and taken as they complete") {
        std::vector<tandem::future<int>> futures;
        for (int i = 0; i < 50; ++i) futures.push_back(e.submit(twice, i));
        CHECK(tandem::wait(futures).done.size() == 50);
        std::set<std::size_t> seen;
        for (auto [index, f] : tandem::as_completed(futures)) {
            CHECK(f.ready());
            seen.insert(index);
        }
        CHECK(seen.size() == 50);
        CHECK(tandem::collect(std::move(futures)).get() == doubled(50));
    }
}

template <class E>
void map_cases(E& e) {
    SECTION("map gives the results in input order") {
        CHECK(e.map(twice, numbers(1000)) == doubled(1000));
        const auto kept = numbers(100);
        CHECK(e.map([](const int& x) { return 2 * x; }, kept) == doubled(100));
        CHECK(kept == numbers(100));
        STATIC_REQUIRE(std::is_same_v<decltype(e.map(twice, kept)), std::vector<int>>);
    }
    SECTION("map reads any range") {
        const std::list<int> list{1, 2, 3};
        CHECK(e.map(twice, list) == std::vector{2, 4, 6});
        const std::forward_list<int> forward{1, 2};
        CHECK(e.map(twice, forward) == std::vector{2, 4});
        const std::array<int, 2> array{5, 6};
        CHECK(e.map(twice, array) == std::vector{10, 12});
        int plain[] = {7, 8};
        CHECK(e.map(twice, plain) == std::vector{14, 16});
        CHECK(e.map(twice, std::views::iota(0, 100)) == doubled(100));
        CHECK(e.map(twice, list | std::views::filter([](int x) { return x != 2; })) ==
              std::vector{2, 6});
        CHECK(e.map(twice, list | std::views::transform(twice)) == std::vector{4, 8, 12});
        std::istringstream text("3 4 5");
        CHECK(e.map(twice, std::views::istream<int>(text)) == std::vector{6, 8, 10});
        CHECK(e.map(twice, counting_input(20)) == doubled(20));
        const std::map<int, std::string> table{{1, "a"}, {2, "b"}};
        CHECK(e.map([](const std::pair<const int, std::string>& x) { return x.second; }, table) ==
              std::vector<std::string>{"a", "b"});
        const std::vector<bool> flags{true, false, true};
        CHECK(e.map([](bool x) { return x ? 1 : 0; }, flags) == std::vector{1, 0, 1});
    }
    SECTION("map of an empty range is empty") {
        CHECK(e.map(twice, std::vector<int>()).empty());
        CHECK(e.map(twice, counting_input(0)).empty());
        CHECK_NOTHROW(e.map(nothing, std::vector<int>()));
        CHECK_NOTHROW(e.for_each(nothing, std::vector<int>()));
    }
    SECTION("map of one element") { CHECK(e.map(twice, std::vector{4}) == std::vector{8}); }
    SECTION("map without results returns void") {
        STATIC_REQUIRE(std::is_void_v<decltype(e.map(nothing, numbers(1)))>);
        CHECK_NOTHROW(e.map(nothing, numbers(20)));
        CHECK_NOTHROW(e.for_each(twice, numbers(20)));
    }
    SECTION("bool results") {
        const auto odd = e.map([](int x) { return x % 2 != 0; }, numbers(100));
        STATIC_REQUIRE(std::is_same_v<decltype(odd), const std::vector<bool>>);
        for (std::size_t i = 0; i < 100; ++i) REQUIRE(odd[i] == (i % 2 != 0));
    }
    SECTION("string results") {
        const auto texts =
            e.map([](int x) { return std::string(40, static_cast<char>(65 + x)); }, numbers(20));
        for (std::size_t i = 0; i < 20; ++i) {
            REQUIRE(texts[i] == std::string(40, static_cast<char>(65 + i)));
        }
    }
    SECTION("chunks of any size change nothing") {
        for (const int chunk : {0, 1, 3, 100, 1000, 1'000'000}) {
            CHECK(e.map(twice, numbers(100), {.chunk_size = chunk}) == doubled(100));
            CHECK(to_vector(e.imap(twice, numbers(100), {.chunk_size = chunk})) == doubled(100));
        }
    }
    SECTION("negative options are std::invalid_argument") {
        CHECK_THROWS_AS(e.map(twice, numbers(1), {.chunk_size = -1}), std::invalid_argument);
        CHECK_THROWS_AS(e.for_each(twice, numbers(1), {.chunk_size = -1}), std::invalid_argument);
        CHECK_THROWS_AS(e.map_async(twice, numbers(1), {.chunk_size = -1}), std::invalid_argument);
        CHECK_THROWS_AS(e.imap(twice, numbers(1), {.chunk_size = -1}), std::invalid_argument);
        CHECK_THROWS_AS(e.imap(twice, numbers(1), {.window = -1}), std::invalid_argument);
        CHECK_THROWS_AS(e.imap_unordered(twice, numbers(1), {.window = -5}), std::invalid_argument);
        CHECK(thrown<std::invalid_argument>([&] {
                  e.map(twice, numbers(1), {.chunk_size = -1});
              }) == "chunk_size must not be negative");
    }
    SECTION("map throws the first exception in input order") {
        const std::vector<int> some{2, 4, 7, 8, 9, 11, 6};
        for (const int chunk : {0, 1, 2, 10}) {
            CHECK(thrown<std::invalid_argument>(
                      [&] { e.map(refuse_odd, some, {.chunk_size = chunk}); }) == "odd: 7");
            CHECK(thrown<std::invalid_argument>(
                      [&] { e.for_each(refuse_odd, some, {.chunk_size = chunk}); }) == "odd: 7");
        }
        CHECK(e.map(twice, numbers(5)) == doubled(5));
    }
    SECTION("starmap spreads tuples, pairs and arrays") {
        const std::vector<std::tuple<int, int>> tuples{{1, 2}, {3, 4}};
        CHECK(e.starmap(add, tuples) == std::vector{3, 7});
        const std::vector<std::pair<std::string, std::string>> pairs{{"a", "b"}, {"c", "d"}};
        CHECK(e.starmap(joined, pairs) == std::vector<std::string>{"ab", "cd"});
        CHECK(e.starmap(add, std::vector<std::array<int, 2>>{{5, 6}}) == std::vector{11});
        CHECK(e.starmap_async(add, tuples).get() == std::vector{3, 7});
    }
    SECTION("map_async owns its elements") {
        auto elements = numbers(200);
        auto f = e.map_async(twice, elements);
        elements.assign(200, -1);
        STATIC_REQUIRE(std::is_same_v<decltype(f), tandem::future<std::vector<int>>>);
        CHECK(f.get() == doubled(200));
        CHECK(e.map_async(twice, std::vector<int>()).ready());
        CHECK(e.map_async(twice, std::list<int>{1, 2}).get() == std::vector{2, 4});
        CHECK(e.map_async(twice, std::views::iota(0, 10)).get() == doubled(10));
        auto failed = e.map_async(refuse_odd, std::vector{2, 3, 5});
        CHECK(thrown<std::invalid_argument>([&] { failed.get(); }) == "odd: 3");
        CHECK_NOTHROW(e.map_async(nothing, numbers(3)).get());
    }
    SECTION("an input that throws makes no call and throws") {
        CHECK(thrown<std::domain_error>([&] { e.map(twice, counting_input(10, 3)); }) ==
              "the input broke");
        const auto broken = std::views::iota(0, 5) | std::views::transform([](int x) {
                                if (x == 2) throw std::domain_error("element 2");
                                return x;
                            });
        CHECK(thrown<std::domain_error>([&] { e.map(twice, broken); }) == "element 2");
    }
    SECTION("a call may get a stop_token and its element") {
        CHECK(e.map([](std::stop_token stop, int x) { return stop.stop_requested() ? -1 : 2 * x; },
                    numbers(20)) == doubled(20));
    }
    SECTION("a limit that is not reached changes nothing") {
        CHECK(e.map(twice, numbers(50), {.timeout = 1h}) == doubled(50));
        CHECK(to_vector(e.imap(twice, numbers(50), {.timeout = 1h})) == doubled(50));
    }
    SECTION("a limit that is over throws timeout_error") {
        const auto slow = [](int x) {
            std::this_thread::sleep_for(20ms);
            return x;
        };
        const auto begin = std::chrono::steady_clock::now();
        CHECK_THROWS_AS(e.map(slow, numbers(500), {.timeout = 30ms}), tandem::timeout_error);
        CHECK_THROWS_AS(e.for_each(slow, numbers(500), {.timeout = -1s}), tandem::timeout_error);
        CHECK(std::chrono::steady_clock::now() - begin >= 30ms);
        CHECK(std::chrono::steady_clock::now() - begin < 2s);
        CHECK(e.map(twice, numbers(5)) == doubled(5));
    }
}

template <class E>
void imap_cases(E& e) {
    SECTION("imap gives the results one by one, in input order, with their places") {
        auto results = e.imap(twice, numbers(100));
        STATIC_REQUIRE(std::ranges::input_range<decltype(results)>);
        std::size_t expected = 0;
        for (auto it = results.begin(); it != results.end(); ++it, ++expected) {
            REQUIRE(it.index() == expected);
            REQUIRE(*it == static_cast<int>(2 * expected));
        }
        CHECK(expected == 100);
    }
    SECTION("imap of an empty range ends at once") {
        auto results = e.imap(twice, std::vector<int>());
        CHECK(results.begin() == results.end());
        CHECK_FALSE(e.imap(twice, std::vector<int>()).next_for(1h).has_value());
        auto unordered = e.imap_unordered(twice, std::vector<int>());
        CHECK(unordered.begin() == unordered.end());
    }
    SECTION("imap without results counts its elements") {
        auto results = e.imap(nothing, numbers(5));
        int count = 0;
        for (auto it = results.begin(); it != results.end(); ++it) {
            CHECK_NOTHROW(*it);
            ++count;
        }
        CHECK(count == 5);
    }
    SECTION("imap_unordered gives each result once") {
        auto results = e.imap_unordered(twice, numbers(200));
        std::set<std::size_t> seen;
        for (auto it = results.begin(); it != results.end(); ++it) {
            REQUIRE(*it == static_cast<int>(2 * it.index()));
            seen.insert(it.index());
        }
        CHECK(seen.size() == 200);
    }
    SECTION("an exception comes at its element, and the others go on") {
        auto results = e.imap(refuse_odd, numbers(6));
        std::vector<std::string> log;
        for (auto it = results.begin(); it != results.end(); ++it) {
            log.push_back(thrown<std::invalid_argument>([&] { static_cast<void>(*it); }));
        }
        const std::string ok = "(nothing was thrown)";
        CHECK(log == std::vector<std::string>{ok, "odd: 1", ok, "odd: 3", ok, "odd: 5"});
    }
    SECTION("outcomes do not throw") {
        int values = 0;
        int errors = 0;
        for (const auto& result : e.imap(refuse_odd, numbers(10)).outcomes()) {
            ++(result ? values : errors);
        }
        CHECK(values == 5);
        CHECK(errors == 5);
    }
    SECTION("next_for gives the next result, what it threw, or nothing at the end") {
        auto results = e.imap(refuse_odd, numbers(3));
        CHECK(results.next_for(1h) == 0);
        CHECK_THROWS_AS(results.next_for(1h), std::invalid_argument);
        CHECK(results.next_for(1h) == 2);
        CHECK(results.next_for(1h) == std::nullopt);
        CHECK(results.next_for(1h) == std::nullopt);
    }
    SECTION("next_for and the loop take turns without losing or repeating a result") {
        auto results =
            e.imap([](int x) { return std::string(50, static_cast<char>(65 + x)); }, numbers(5));
        CHECK(results.next_for(1h) == std::string(50, 'A'));
        std::vector<char> rest;
        for (const std::string& text : results) {
            REQUIRE(text.size() == 50);
            rest.push_back(text[0]);
        }
        CHECK(rest == std::vector{'B', 'C', 'D', 'E'});
    }
    SECTION("begin twice does not skip") {
        auto results = e.imap(twice, numbers(3));
        CHECK(*results.begin() == 0);
        CHECK(*results.begin() == 0);
        CHECK(to_vector(results) == doubled(3));
    }
    SECTION("imap reads nothing before begin and at most `window` ahead") {
        for (const int window : {1, 2, 7}) {
            counting_input input(100);
            auto results = e.imap(twice, input, {.window = window});
            CHECK(input.made() == 0);
            int taken = 0;
            for (const int x : results) {
                REQUIRE(x == 2 * taken);
                ++taken;
                REQUIRE(input.made() >= std::min(taken, 100));
                REQUIRE(input.made() <= taken - 1 + window);
            }
            CHECK(taken == 100);
            CHECK(input.made() == 100);
        }
    }
    SECTION("imap_unordered reads at most `window` ahead") {
        counting_input input(60);
        auto results = e.imap_unordered(twice, input, {.window = 4});
        int taken = 0;
        for (auto it = results.begin(); it != results.end(); ++it) {
            REQUIRE(input.made() <= taken + 4);
            ++taken;
        }
        CHECK(taken == 60);
    }
    SECTION("an automatic window is bounded") {
        counting_input input(1'000'000);
        {
            auto results = e.imap(twice, input);
            auto it = results.begin();
            for (int i = 0; i < 100; ++i) ++it;
        }
        CHECK(input.made() < 100'000);
    }
    SECTION("an input without end can be left early") {
        const auto first = [&] {
            std::vector<int> taken;
            for (const int x : e.imap(twice, std::views::iota(0), {.window = 8})) {
                taken.push_back(x);
                if (taken.size() == 10) break;
            }
            return taken;
        };
        CHECK(within(60s, first) == doubled(10));
    }
    SECTION("dropping imap reads no more of the input") {
        counting_input input(1000);
        {
            auto results = e.imap(twice, input, {.window = 3});
            CHECK(*results.begin() == 0);
        }
        CHECK(input.made() == 3);
    }
    SECTION("an input that throws delivers what came before, then throws, then is at its end") {
        for (const int window : {0, 1, 3, 100}) {
            counting_input input(10, 4);
            auto results = e.imap(twice, input, {.window = window});
            std::vector<int> taken;
            const auto read = [&] {
                for (const int x : results) taken.push_back(x);
            };
            CHECK(thrown<std::domain_error>(read) == "the input broke");
            CHECK(taken == doubled(4));
            CHECK(results.next_for(1h) == std::nullopt);
        }
        counting_input at_once(10, 0);
        auto results = e.imap(twice, at_once);
        CHECK(thrown<std::domain_error>([&] { results.begin(); }) == "the input broke");
        CHECK(results.begin() == results.end());
    }
    SECTION("imap owns an rvalue input") {
        auto results = e.imap([](const std::string& s) { return s + "!"; },
                              std::vector<std::string>{"one", "two"});
        CHECK(to_vector(results) == std::vector<std::string>{"one!", "two!"});
    }
    SECTION("imap goes through a view") {
        CHECK(to_vector(e.imap(twice, numbers(100)) | std::views::take(3)) == doubled(3));
    }
    SECTION("imap runs within another imap's loop") {
        int sum = 0;
        for (const int x : e.imap(twice, numbers(4))) {
            for (const int y : e.imap(twice, numbers(3))) sum += x * y;
        }
        CHECK(sum == 12 * 6);
    }
}

template <class Make>
void life_cases(Make make) {
    SECTION("an executor says what it is") {
        auto e = make();
        CHECK(e.size() >= 1);
        std::ostringstream text;
        text << e;
        CHECK(text.str().find(" state=running size=" + std::to_string(e.size())) !=
              std::string::npos);
        e.close();
        text.str("");
        text << e;
        CHECK(text.str().find("running") == std::string::npos);
    }
    SECTION("join before close is invalid_state") {
        auto e = make();
        CHECK_THROWS_AS(e.join(), tandem::invalid_state);
        CHECK(e.apply(twice, 1) == 2);
    }
    SECTION("after close nothing is taken, what was submitted ends") {
        auto e = make();
        std::vector<tandem::future<int>> futures;
        for (int i = 0; i < 100; ++i) futures.push_back(e.submit(twice, i));
        e.close();
        CHECK_THROWS_AS(e.submit(twice, 1), tandem::pool_closed);
        CHECK_THROWS_AS(e.apply(twice, 1), tandem::pool_closed);
        CHECK_THROWS_AS(e.map(twice, numbers(3)), tandem::pool_closed);
        CHECK_THROWS_AS(e.map(twice, std::vector<int>()), tandem::pool_closed);
        CHECK_THROWS_AS(e.for_each(twice, numbers(3)), tandem::pool_closed);
        CHECK_THROWS_AS(e.map_async(twice, numbers(3)), tandem::pool_closed);
        CHECK_THROWS_AS(e.imap(twice, numbers(3)), tandem::pool_closed);
        CHECK_NOTHROW(e.close());
        within(60s, [&] { e.join(); });
        for (auto& f : futures) REQUIRE(f.ready());
        CHECK(tandem::collect(std::move(futures)).get() == doubled(100));
        within(60s, [&] { e.join(); });
        CHECK_THROWS_AS(e.submit(twice, 1), tandem::pool_closed);
    }
    SECTION("a lazy map that was begun goes on after close") {
        auto e = make();
        auto results = e.imap(twice, numbers(50), {.window = 2});
        auto it = results.begin();
        e.close();
        int sum = 0;
        for (; it != results.end(); ++it) sum += *it;
        CHECK(sum == 50 * 49);
        within(60s, [&] { e.join(); });
    }
    SECTION("after terminate nothing is taken, and every future is ready") {
        auto e = make();
        std::vector<tandem::future<int>> futures;
        for (int i = 0; i < 100; ++i) futures.push_back(e.submit(twice, i));
        e.terminate();
        CHECK_THROWS_AS(e.submit(twice, 1), tandem::pool_closed);
        CHECK_THROWS_AS(e.map(twice, numbers(3)), tandem::pool_closed);
        CHECK_NOTHROW(e.terminate());
        CHECK_NOTHROW(e.close());
        within(60s, [&] { e.join(); });
        for (auto& f : futures) REQUIRE(f.ready());
    }
    SECTION("futures outlive their executor") {
        tandem::future<int> f;
        {
            auto e = make();
            f = e.submit(twice, 4);
        }
        CHECK(f.ready());
        CHECK(f.get() == 8);
    }
    SECTION("the statistics are exact once all has ended") {
        auto e = make();
        for (int i = 0; i < 10; ++i) e.submit(twice, i).wait();
        for (int i = 0; i < 3; ++i) e.submit(refuse_odd, 1).wait();
        e.map(twice, numbers(20));
        e.close();
        within(60s, [&] { e.join(); });
        const auto stats = e.stats();
        CHECK(stats.done == 30);
        CHECK(stats.failed == 3);
        CHECK(stats.queued == 0);
        CHECK(stats.running.empty());
    }
    SECTION("a thousand maps in a row") {
        auto e = make();
        within(60s, [&] {
            for (int i = 0; i < 1000; ++i) REQUIRE(e.map(twice, numbers(4)) == doubled(4));
        });
    }
}

/// Runs all cases, each on an executor of its own that `make()` returns.
template <class Make>
void all(Make make) {
    within(300s, [&] {
        {
            auto e = make();
            submit_cases(e);
            map_cases(e);
            imap_cases(e);
        }
        life_cases(make);
    });
}

}  // namespace common
