// SPDX-License-Identifier: BSL-1.0
#include <tandem/future/callback.hpp>

#include "../support/catch.hpp"

#include <exception>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

using tandem::detail::callback;
using tandem::detail::callback_list;
using tandem::detail::future_state;

namespace {

struct numbered final : callback {
    numbered(int n, int& a) : number(n), alive(a) { ++alive; }
    ~numbered() override { --alive; }
    void call(future_state&) override {}
    int number;
    int& alive;
};

std::vector<int> drain(callback_list& list) {
    std::vector<int> numbers;
    while (const auto item = list.pop()) {
        numbers.push_back(static_cast<const numbered&>(*item).number);
    }
    return numbers;
}

}  // namespace

TEST_CASE("a list of callbacks owns them, in order", "[callback]") {
    int alive = 0;
    {
        callback_list list;
        CHECK(list.empty());
        for (const int n : {3, 2, 1}) list.push_front(std::make_unique<numbered>(n, alive));
        CHECK(alive == 3);
        callback_list later;
        later.push_front(std::make_unique<numbered>(4, alive));
        list.append(std::move(later));
        CHECK(list.pop() != nullptr);
        CHECK(alive == 3);
        CHECK(drain(list) == std::vector{2, 3, 4});
        CHECK(list.pop() == nullptr);
        list.push_front(std::make_unique<numbered>(5, alive));
    }
    CHECK(alive == 0);
}

TEST_CASE("a list of callbacks that moves leaves nothing behind", "[callback]") {
    int alive = 0;
    callback_list list;
    list.push_front(std::make_unique<numbered>(1, alive));
    callback_list moved = std::move(list);
    CHECK(list.empty());  // NOLINT: moved from on purpose
    CHECK_FALSE(moved.empty());
    callback_list other;
    other = std::move(moved);
    CHECK(drain(other) == std::vector{1});
    CHECK(alive == 0);
}

TEST_CASE("a list that is released owns nothing, one made of what was released does",
          "[callback]") {
    int alive = 0;
    callback_list list;
    for (const int n : {2, 1}) list.push_front(std::make_unique<numbered>(n, alive));
    callback* first = list.release();
    CHECK(list.empty());
    CHECK(alive == 2);
    callback_list again(first);
    CHECK(drain(again) == std::vector{1, 2});
}

TEST_CASE("a list of a million callbacks ends without a stack", "[callback]") {
    int alive = 0;
    {
        callback_list list;
        for (int i = 0; i < 1'000'000; ++i) list.push_front(std::make_unique<numbered>(i, alive));
    }
    CHECK(alive == 0);
}

TEST_CASE("a callback is the user's and wanted, unless it says otherwise", "[callback]") {
    int alive = 0;
    const numbered mine(1, alive);
    CHECK_FALSE(mine.is_internal());
    CHECK_FALSE(mine.is_dropped());
}

TEST_CASE("what nobody hears of is said on stderr", "[callback]") {
    using tandem::detail::report_unheard;
    CHECK_NOTHROW(report_unheard(std::make_exception_ptr(std::runtime_error("this is expected"))));
    CHECK_NOTHROW(report_unheard(std::make_exception_ptr(5)));
}
