// SPDX-License-Identifier: BSL-1.0
#include <tandem/sync/pipeline_run.hpp>

#include "../support/catch.hpp"
#include "../support/within.hpp"

#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using tandem::queue;
using tandem::detail::pipeline_end;
using tandem::detail::pipeline_item;
using tandem::detail::pipeline_sink_order;
using tandem::detail::pipeline_window;

TEST_CASE("the first end closes every queue, with its reason", "[pipeline_run]") {
    queue<pipeline_item<int>> a, b(1);
    pipeline_end end;
    end.closes(a);
    end.closes(b);
    const auto token = end.token();
    b.push({0, 1});
    end.guard([] {});
    CHECK_FALSE(a.is_closed());
    end.guard([] { throw std::runtime_error("first"); });
    end.guard([] { throw std::runtime_error("second"); });
    CHECK(token.stop_requested());
    CHECK_THROWS_WITH(a.pop(), "first");
    CHECK_THROWS_WITH(b.pop(), "first");
    CHECK_FALSE(b.push({1, 1}));
    CHECK_THROWS_WITH(end.rethrow(), "first");
}

TEST_CASE("an end without a reason drops what is queued", "[pipeline_run]") {
    queue<pipeline_item<std::string>> q;
    q.push({0, "a"});
    pipeline_end end;
    end.closes(q);
    end.stop();
    CHECK_FALSE(q.pop());
    CHECK_NOTHROW(end.rethrow());
}

TEST_CASE("the window lets so many in before they are delivered", "[pipeline_run][pinned]") {
    pipeline_window window(3);
    within(60s, [&] {
        for (std::size_t i = 0; i < 3; ++i) CHECK(window.enter(i));
        std::jthread sink([&] { window.deliver(); });
        CHECK(window.enter(3));
        sink.join();
        std::jthread ending([&] { window.end(); });
        CHECK_FALSE(window.enter(4));
        CHECK_FALSE(window.enter(0));
    });
    pipeline_window open(tandem::unbounded);
    CHECK(open.enter(1'000'000));
}

TEST_CASE("items are given in the order of their numbers, or as they come", "[pipeline_run]") {
    for (const bool ordered : {true, false}) {
        pipeline_sink_order<int> order(ordered);
        std::vector<int> seen;
        auto sink = [&](int x) {
            seen.push_back(x);
            return x != 5;
        };
        for (int i : {2, 0, 1, 4, 3}) {
            CHECK(order.give({static_cast<std::size_t>(i), int{i}}, sink));
        }
        if (ordered) {
            CHECK(seen == std::vector{0, 1, 2, 3, 4});
        } else {
            CHECK(seen == std::vector{2, 0, 1, 4, 3});
        }
        CHECK_FALSE(order.give({5, 5}, sink));
    }
}

TEST_CASE("a stage closes what is behind it when its last thread ends", "[pipeline_run]") {
    queue<pipeline_item<int>> in, out;
    pipeline_end end;
    end.closes(in);
    end.closes(out);
    auto call = [](const std::stop_token&, int x) { return 2 * x; };
    within(60s, [&] {
        std::vector<std::jthread> threads;
        tandem::detail::start_stage(threads, end, call, 3, in, out);
        for (std::size_t i = 0; i < 10; ++i) in.emplace(i, static_cast<int>(i));
        in.close();
        int sum = 0;
        while (auto item = out.pop()) {
            CHECK(item->value == 2 * static_cast<int>(item->number));
            sum += item->value;
        }
        CHECK(sum == 90);
    });
}
