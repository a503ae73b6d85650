// SPDX-License-Identifier: BSL-1.0
#include <tandem/future/help.hpp>

#include "../support/catch.hpp"

#include <tandem/future/state.hpp>

#include <array>
#include <cstddef>
#include <utility>
#include <vector>

using namespace tandem::detail;

namespace {

struct leaf final : state<int> {
    void help() noexcept override { ++asked; }
    int asked = 0;
};

// Waits for the first of its sources that is not ready, then for the next.
struct one_by_one final : state<int> {
    explicit one_by_one(std::array<ref<leaf>, 2> s) : sources(std::move(s)) {}
    bool has_sources() const noexcept override { return true; }
    ref<future_state> source() const noexcept override {
        for (const auto& one : sources) {
            if (!one->ready()) return ref<future_state>(one);
        }
        return {};
    }
    std::array<ref<leaf>, 2> sources;
};

struct all_of final : state<int> {
    explicit all_of(std::vector<ref<future_state>> s) : sources(std::move(s)) {}
    bool has_sources() const noexcept override { return true; }
    future_state* source_at(std::size_t i) const noexcept override {
        return i < sources.size() ? sources[i].get() : nullptr;
    }
    std::vector<ref<future_state>> sources;
};

// Makes the calling thread one that makes a pool's calls.
struct as_in_pool {
    as_in_pool() { ++pools_of_thread; }
    ~as_in_pool() { --pools_of_thread; }
};

}  // namespace

TEST_CASE("a state without sources is helped itself", "[help]") {
    const auto one = make_ref<leaf>();
    one->help_all(*one);
    CHECK(one->asked == 1);
}

TEST_CASE("every source that is not ready is helped once", "[help]") {
    const as_in_pool here;
    const auto a = make_ref<leaf>();
    const auto b = make_ref<leaf>();
    const auto c = make_ref<leaf>();
    const auto inner = make_ref<one_by_one>(std::array<ref<leaf>, 2>{b, c});
    const auto all = make_ref<all_of>(std::vector<ref<future_state>>{a, inner});
    all->help_all(*all);
    CHECK(a->asked == 1);
    CHECK(b->asked == 1);
    CHECK(c->asked == 0);
    REQUIRE(a->claim());
    a->finish_with(1);
    REQUIRE(b->claim());
    b->finish_with(1);
    all->help_all(*all);
    CHECK(a->asked == 1);
    CHECK(b->asked == 1);
    CHECK(c->asked == 1);
}

TEST_CASE("nothing is helped for a state that is ready", "[help]") {
    const as_in_pool here;
    const auto a = make_ref<leaf>();
    const auto all = make_ref<all_of>(std::vector<ref<future_state>>{a});
    REQUIRE(all->claim());
    all->finish_with(1);
    all->help_all(*all);
    CHECK(a->asked == 0);
}

TEST_CASE("a thread that makes no pool's calls looks for none", "[help]") {
    const auto a = make_ref<leaf>();
    const auto all = make_ref<all_of>(std::vector<ref<future_state>>{a});
    all->help_all(*all);
    CHECK(a->asked == 0);
}
