// SPDX-License-Identifier: BSL-1.0
#include <tandem/executor/imap.hpp>

#include "../support/catch.hpp"

#include <chrono>
#include <deque>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using tandem::imap_range;
using tandem::outcome;
using tandem::detail::future_state;
using tandem::detail::imap_handle;
using tandem::detail::imap_source;
using tandem::detail::make_ref;
using tandem::detail::ref;
using tandem::detail::state;

namespace {

// A source of what the test puts in.
class scripted final : public state<void>, public imap_source<std::string> {
   public:
    std::optional<item> next(tandem::deadline until) override {
        if (items.empty()) return std::nullopt;
        if (late && !until.is_never()) throw tandem::timeout_error();
        auto first = std::move(items.front());
        items.pop_front();
        return first;
    }
    void fill() override {}
    void abandon_rest() noexcept override { ++*abandoned; }
    void add_ref() const noexcept { state<void>::add_ref(); }
    void drop_ref() const noexcept { state<void>::drop_ref(); }

    void put(std::string text) {
        item one;
        one.index = count++;
        one.result.emplace(std::move(text));
        items.push_back(std::move(one));
    }
    void put_error() {
        item one;
        one.index = count++;
        one.result.fail(std::make_exception_ptr(std::runtime_error("bad")));
        items.push_back(std::move(one));
    }

    std::deque<item> items;
    std::size_t count = 0;
    bool late = false;
    int* abandoned = nullptr;

   private:
    future_state& owner() const noexcept override { return const_cast<scripted&>(*this); }
};

struct scene {
    scene() { source->abandoned = &abandoned; }
    imap_range<std::string> range() const {
        return imap_range<std::string>(std::make_shared<imap_handle<std::string>>(
            ref<imap_source<std::string>>::share(source.get())));
    }
    int abandoned = 0;
    ref<scripted> source = make_ref<scripted>();
};

}  // namespace

TEST_CASE("an imap range is an input range that moves and does not copy", "[imap]") {
    using range = imap_range<std::string>;
    STATIC_REQUIRE(std::ranges::input_range<range>);
    STATIC_REQUIRE(!std::ranges::forward_range<range>);
    STATIC_REQUIRE(!std::is_copy_constructible_v<range>);
    STATIC_REQUIRE(std::is_nothrow_move_constructible_v<range>);
    STATIC_REQUIRE(std::ranges::input_range<imap_range<void>>);
    STATIC_REQUIRE(std::ranges::input_range<imap_range<int, true>>);
    STATIC_REQUIRE(std::is_same_v<std::ranges::range_value_t<imap_range<int, true>>, outcome<int>>);
}

TEST_CASE("the loop gives each result with its index", "[imap]") {
    scene s;
    s.source->put("a");
    s.source->put("b");
    auto range = s.range();
    std::vector<std::string> seen;
    for (auto it = range.begin(); it != range.end(); ++it) {
        seen.push_back(std::to_string(it.index()) + *it + std::to_string(it->size()));
    }
    CHECK(seen == std::vector<std::string>{"0a1", "1b1"});
    CHECK(range.begin() == range.end());
}

TEST_CASE("a result may be moved out and read twice", "[imap]") {
    scene s;
    s.source->put(std::string(100, 'x'));
    auto range = s.range();
    auto it = range.begin();
    CHECK(*it == *it);
    const std::string taken = std::move(*it);
    CHECK(taken.size() == 100);
}

TEST_CASE("the star throws what the call threw, again and again, and ++ goes on", "[imap]") {
    scene s;
    s.source->put_error();
    s.source->put("b");
    auto range = s.range();
    auto it = range.begin();
    CHECK_THROWS_WITH(*it, "bad");
    CHECK_THROWS_WITH(*it, "bad");
    CHECK(it.index() == 0);
    ++it;
    CHECK(*it == "b");
}

TEST_CASE("next_for takes results, errors and time-outs one by one", "[imap]") {
    scene s;
    s.source->put("a");
    s.source->put_error();
    s.source->put("c");
    auto range = s.range();
    s.source->late = true;
    CHECK_THROWS_AS(range.next_for(1ms), tandem::timeout_error);
    s.source->late = false;
    CHECK(range.next_for(1ms) == "a");
    CHECK_THROWS_WITH(range.next_for(1ms), "bad");
    CHECK(range.next_for(1ms) == "c");
    CHECK(range.next_for(1ms) == std::nullopt);
}

TEST_CASE("a loop after next_for begins with the result that comes next", "[imap]") {
    scene s;
    for (const char* text : {"a", "b", "c"}) s.source->put(text);
    auto range = s.range();
    s.source->late = true;
    CHECK_THROWS_AS(range.next_for(1ms), tandem::timeout_error);
    s.source->late = false;
    CHECK(range.next_for(1ms) == "a");
    std::string rest;
    for (const auto& text : range) rest += text;
    CHECK(rest == "bc");
}

TEST_CASE("outcomes are not thrown", "[imap]") {
    scene s;
    s.source->put_error();
    s.source->put("b");
    std::vector<bool> good;
    for (auto& result : s.range().outcomes()) good.push_back(result.has_value());
    CHECK(good == std::vector{false, true});
    s.source->put("c");
    auto range = s.range().outcomes();
    CHECK(range.next_for(1ms)->value() == "c");
}

TEST_CASE("the rest is abandoned when the last of the range and its outcomes goes", "[imap]") {
    scene s;
    {
        auto range = s.range();
        {
            const auto outcomes = range.outcomes();
            const auto moved = std::move(range);
        }
        CHECK(s.abandoned == 1);
    }
    CHECK(s.abandoned == 1);
    {
        auto outcomes = s.range().outcomes();
        CHECK(s.abandoned == 1);
    }
    CHECK(s.abandoned == 2);
}
