// SPDX-License-Identifier: BSL-1.0
#include <tandem/executor/map_work.hpp>

#include "../support/catch.hpp"

#include <tandem/executor/inline_executor.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace tandem::detail;

namespace {

// Keeps what it is told.
class listening_core final : public executor_core {
   public:
    void start(ref<work>, std::size_t, tandem::detail::admission) override {}
    void require_open() const override {}
    void report(std::exception_ptr error) noexcept override { reported.push_back(error); }
    int size() const noexcept override { return 1; }
    const char* kind() const noexcept override { return "listening"; }
    const char* state_name() const noexcept override { return "running"; }
    tandem::pool_stats stats() const override { return {}; }
    void close() override {}
    void join() override {}
    void terminate() override {}
    std::vector<std::exception_ptr> reported;
};

template <class F>
using work_of = map_work<F, std::vector<int>&, false, false, false>;

template <class F>
auto map_of(const ref<listening_core>& core, F f, std::vector<int>& elements,
            std::size_t chunk = 0) {
    return make_ref<work_of<F>>(core, std::move(f), elements, chunk);
}

std::exception_ptr error(const char* text) {
    return std::make_exception_ptr(std::runtime_error(text));
}

}  // namespace

TEST_CASE("calls of a map are claimed in rising order", "[map_work]") {
    const auto core = make_ref<listening_core>();
    std::vector<int> elements{1, 2, 3, 4, 5};
    const auto map = map_of(core, [](int x) { return x * x; }, elements, 2);
    CHECK(map->size() == 5);
    CHECK(map->chunk_size() == 2);
    CHECK(map->unclaimed() == 5);
    CHECK_FALSE(map->running());
    const auto first = map->claim(3);
    CHECK(map->running());
    CHECK(first.first == 0);
    CHECK(first.count == 3);
    const auto second = map->claim(3);
    CHECK(second.first == 3);
    CHECK(second.count == 2);
    CHECK(map->claim(3).count == 0);
    CHECK(map->run(second).thrown == 0);
    CHECK_FALSE(map->ready());
    CHECK(map->run(first).thrown == 0);
    CHECK(map->result().value() == std::vector{1, 4, 9, 16, 25});
}

TEST_CASE("a failed call ends what nobody claimed and the lowest index wins", "[map_work]") {
    const auto core = make_ref<listening_core>();
    std::vector<int> elements{0, 1, 2, 3, 4, 5};
    const auto fails = [](int x) -> int { throw std::runtime_error(std::to_string(x)); };
    const auto map = map_of(core, fails, elements);
    const auto early = map->claim(1);
    const auto late = map->claim(1);
    CHECK(map->run(late).thrown == 1);
    CHECK(map->unclaimed() == 0);
    CHECK_FALSE(map->ready());
    CHECK(map->run(early).thrown == 1);
    CHECK_THROWS_WITH(map->result().value(), "0");
    REQUIRE(core->reported.size() == 1);
    CHECK_THROWS_WITH(std::rethrow_exception(core->reported[0]), "1");
}

TEST_CASE("calls after a failed one that were claimed are not made", "[map_work]") {
    const auto core = make_ref<listening_core>();
    std::vector<int> elements{0, 1, 2, 3};
    int calls = 0;
    const auto map = map_of(
        core,
        [&](int x) {
            ++calls;
            if (x == 1) throw std::runtime_error("one");
            return x;
        },
        elements);
    CHECK(map->run(map->claim(4)).thrown == 1);
    CHECK(calls == 2);
    CHECK_THROWS_WITH(map->result().value(), "one");
}

TEST_CASE("an abandoned map keeps the reason, whatever running calls throw after it",
          "[map_work]") {
    const auto core = make_ref<listening_core>();
    std::vector<int> elements{0, 1, 2};
    const auto map = map_of(
        core,
        [](std::stop_token stop, int) -> int {
            throw std::runtime_error(stop.stop_requested() ? "stopped" : "not asked");
        },
        elements);
    CHECK(map->abandon(error("why")) == 3);
    CHECK_THROWS_WITH(map->result().value(), "why");

    const auto runs = map_of(core, [](int) -> int { throw std::runtime_error("later"); }, elements);
    const auto claimed = runs->claim(1);
    CHECK(runs->abandon(error("why")) == 2);
    CHECK_FALSE(runs->ready());
    runs->run(claimed);
    CHECK_THROWS_WITH(runs->result().value(), "why");
}

TEST_CASE("a call that throws while the map is abandoned is reported", "[map_work]") {
    const auto core = make_ref<listening_core>();
    std::vector<int> elements{0};
    ref<work> self;
    const auto map = map_of(
        core,
        [&](std::stop_token stop, int) -> int {
            self->abandon(error("why"));
            throw std::runtime_error(stop.stop_requested() ? "stopped" : "not asked");
        },
        elements);
    self = ref<work>::share(map.get());
    map->run(map->claim(1));
    self = {};
    CHECK_THROWS_WITH(map->result().value(), "why");
    REQUIRE(core->reported.size() == 1);
    CHECK_THROWS_WITH(std::rethrow_exception(core->reported[0]), "stopped");
}

TEST_CASE("calls that are given back are claimed again", "[map_work]") {
    const auto core = make_ref<listening_core>();
    std::vector<int> elements{0, 1, 2, 3};
    const auto map = map_of(core, [](int x) { return x; }, elements);
    const auto all = map->claim(4);
    map->give_back({2, 2});
    CHECK(map->unclaimed() == 2);
    map->run({all.first, 2});
    CHECK_FALSE(map->ready());
    const auto again = map->claim(10);
    CHECK(again.first == 2);
    CHECK(again.count == 2);
    map->run(again);
    CHECK(map->result().value() == elements);
}

TEST_CASE("calls that are given back after a cancel are ended", "[map_work]") {
    const auto core = make_ref<listening_core>();
    std::vector<int> elements{0, 1, 2, 3};
    const auto map = map_of(core, [](int x) { return x; }, elements);
    const auto all = map->claim(4);
    CHECK_FALSE(map->cancel());
    map->give_back(all);
    CHECK(map->ready());
    CHECK(map->was_cancelled());
    CHECK(core->reported.empty());
}

TEST_CASE("an empty map is done when it is told so", "[map_work]") {
    const auto core = make_ref<listening_core>();
    std::vector<int> none;
    const auto map = map_of(core, [](int x) { return x; }, none);
    CHECK(map->claim(1).count == 0);
    map->finish_if_empty();
    CHECK(map->result().value().empty());
}

TEST_CASE("a map that was failed by its executor throws that", "[map_work]") {
    const auto core = make_ref<listening_core>();
    std::vector<int> elements{0, 1};
    const auto map = map_of(core, [](int x) { return x; }, elements);
    CHECK(map->claim(2).count == 2);
    map->fail(0, error("died"));
    map->run({1, 1});
    CHECK_THROWS_WITH(map->result().value(), "died");
}

TEST_CASE("a cancel that comes with the last call is a cancel or comes too late", "[map_work]") {
    for (int round = 0; round < 500; ++round) {
        const auto core = make_ref<listening_core>();
        std::vector<int> elements{0, 1};
        const auto map = map_of(core, [](int x) { return x; }, elements);
        const auto all = map->claim(2);
        std::thread canceller([&] { map->cancel(); });
        map->run(all);
        canceller.join();
        REQUIRE(map->ready());
        REQUIRE((map->was_cancelled() || map->result().value() == elements));
    }
}
