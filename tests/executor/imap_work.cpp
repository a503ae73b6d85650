// SPDX-License-Identifier: BSL-1.0
#include <tandem/executor/imap_work.hpp>

#include "../support/catch.hpp"
#include "../support/within.hpp"

#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using namespace tandem::detail;
using tandem::deadline;

namespace {

// Keeps the works that it is given, for the test to run.
class manual_core final : public executor_core {
   public:
    void start(ref<work> calls, std::size_t, tandem::detail::admission from) override {
        if (!open) throw tandem::pool_closed("closed");
        CHECK(from == tandem::detail::admission::continued);
        given.push_back(std::move(calls));
    }
    void require_open() const override {}
    int size() const noexcept override { return 2; }
    const char* kind() const noexcept override { return "manual"; }
    const char* state_name() const noexcept override { return "running"; }
    tandem::pool_stats stats() const override { return {}; }
    void close() override {}
    void join() override {}
    void terminate() override {}
    std::vector<ref<work>> given;
    bool open = true;
};

// A core whose works, which refer to it, go with the test.
class manual_pool {
   public:
    manual_pool() = default;
    manual_pool(const manual_pool&) = delete;
    manual_pool& operator=(const manual_pool&) = delete;
    ~manual_pool() { core_->given.clear(); }
    manual_core* operator->() const { return core_.get(); }
    operator const ref<manual_core>&() const { return core_; }

   private:
    ref<manual_core> core_ = make_ref<manual_core>();
};

template <class F>
using work_of = imap_work<F, std::vector<int>&, false>;

template <class F>
auto lazy(const ref<manual_core>& core, F f, std::vector<int>& elements, std::size_t window,
          bool ordered = true, deadline until = deadline::never()) {
    return make_ref<work_of<F>>(core, std::move(f), elements, 0U, window, ordered, until);
}

int same(int x) { return x; }

}  // namespace

TEST_CASE("the window is filled before the first result is waited for", "[imap_work]") {
    const manual_pool core;
    std::vector<int> elements{5, 6, 7, 8};
    const auto map = lazy(core, same, elements, 3);
    CHECK(map->unclaimed() == 0);
    CHECK_THROWS_AS(map->next(deadline(0s)), tandem::timeout_error);
    CHECK(map->unclaimed() == 3);
    REQUIRE(core->given.size() == 1);
    map->run(map->claim(1));
    auto first = map->next(deadline(0s));
    REQUIRE(first);
    CHECK(first->index == 0);
    CHECK(first->result.value() == 5);
    CHECK_THROWS_AS(map->next(deadline(0s)), tandem::timeout_error);
    CHECK(map->unclaimed() == 3);
    map->abandon_rest();
}

TEST_CASE("results wait for those before them, or not", "[imap_work]") {
    const manual_pool core;
    std::vector<int> elements{5, 6};
    for (const bool ordered : {true, false}) {
        const auto map = lazy(core, same, elements, 2, ordered);
        map->fill();
        const auto first = map->claim(1);
        const auto second = map->claim(1);
        map->run(second);
        if (ordered) {
            CHECK_THROWS_AS(map->next(deadline(0s)), tandem::timeout_error);
            map->run(first);
            CHECK(map->next(deadline(0s))->index == 0);
            CHECK(map->next(deadline(0s))->index == 1);
        } else {
            CHECK(map->next(deadline(0s))->index == 1);
            map->run(first);
            CHECK(map->next(deadline(0s))->index == 0);
        }
        CHECK_FALSE(map->next(deadline(0s)));
        map->abandon_rest();
    }
}

TEST_CASE("an executor that takes no more fails what was read and ends", "[imap_work]") {
    const manual_pool core;
    std::vector<int> elements{1, 2, 3};
    const auto map = lazy(core, same, elements, 1);
    map->fill();
    map->run(map->claim(1));
    core->open = false;
    CHECK(map->next(deadline(0s))->result.value() == 1);
    CHECK_THROWS_AS(map->next(deadline(0s))->result.value(), tandem::pool_closed);
    CHECK_FALSE(map->next(deadline(0s)));
    map->abandon_rest();
}

TEST_CASE("abandoning ends what nobody claimed", "[imap_work]") {
    const manual_pool core;
    std::vector<int> elements{1, 2, 3};
    const auto map = lazy(core, same, elements, 3);
    map->fill();
    map->run(map->claim(1));
    CHECK(map->abandon(std::make_exception_ptr(std::runtime_error("why"))) == 2);
    CHECK(map->claim(3).count == 0);
    CHECK(map->next(deadline(0s))->result.value() == 1);
    CHECK_THROWS_WITH(map->next(deadline(0s))->result.value(), "why");
    CHECK_THROWS_WITH(map->next(deadline(0s))->result.value(), "why");
    map->abandon_rest();
}

TEST_CASE("calls that are given back are claimed again, or ended after a cancel", "[imap_work]") {
    const manual_pool core;
    std::vector<int> elements{1, 2, 3};
    const auto map = lazy(core, same, elements, 3);
    map->fill();
    const auto all = map->claim(3);
    CHECK(map->unclaimed() == 0);
    map->give_back({1, 2});
    CHECK(map->unclaimed() == 2);
    map->run({all.first, 1});
    const auto again = map->claim(1);
    CHECK(again.first == 1);
    map->abandon(std::make_exception_ptr(std::runtime_error("why")));
    map->give_back(again);
    CHECK(map->next(deadline(0s))->result.value() == 1);
    CHECK_THROWS_WITH(map->next(deadline(0s))->result.value(), "why");
    within(10s, [&] { map->abandon_rest(); });
}

TEST_CASE("a time for all that is over cancels what has not begun", "[imap_work]") {
    const manual_pool core;
    std::vector<int> elements{1, 2, 3};
    const auto map = lazy(core, same, elements, 2, true, deadline(1ms));
    within(30s, [&] { CHECK_THROWS_AS(map->next(deadline::never()), tandem::timeout_error); });
    CHECK(map->unclaimed() == 0);
    CHECK_THROWS_AS(map->next(deadline(0s))->result.value(), tandem::cancelled_error);
    map->abandon_rest();
}

TEST_CASE("an automatic window grows when calls are short", "[imap_work]") {
    const manual_pool core;
    std::vector<int> elements(100'000, 1);
    const auto map = lazy(core, same, elements, 0);
    map->fill();
    const auto before = map->unclaimed();
    CHECK(before >= 2);
    CHECK(before <= 64);
    map->run(map->claim(before));
    for (std::size_t i = 0; i < before; ++i) CHECK(map->next(deadline(0s))->index == i);
    map->fill();
    CHECK(map->unclaimed() >= before);
    CHECK(map->unclaimed() <= 16'384);
    map->abandon_rest();
}
