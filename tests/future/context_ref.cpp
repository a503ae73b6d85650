// SPDX-License-Identifier: BSL-1.0
#include <tandem/future/context_ref.hpp>

#include "../support/catch.hpp"

#include <thread>
#include <vector>

using namespace tandem::detail;

namespace {

class counted_context final : public executor_context {
   public:
    explicit counted_context(int& count) : alive_(count) { ++alive_; }
    ~counted_context() override { --alive_; }

   private:
    int& alive_;
};

}  // namespace

TEST_CASE("a context lives while anybody refers to it", "[context_ref]") {
    int alive = 0;
    auto first = make_ref<counted_context>(alive);
    std::vector<ref<counted_context>> many;
    for (int i = 0; i < 500; ++i) many.push_back(context_ref::take(*first));
    first = nullptr;
    while (!many.empty()) {
        CHECK(alive == 1);
        context_ref::drop(many.back().release());
        many.pop_back();
    }
    context_ref::flush();
    CHECK(alive == 0);
}

TEST_CASE("references taken here may be dropped in another thread", "[context_ref][pinned]") {
    int alive = 0;
    for (int round = 0; round < 50; ++round) {
        auto first = make_ref<counted_context>(alive);
        std::vector<ref<counted_context>> many;
        for (int i = 0; i < 300; ++i) many.push_back(context_ref::take(*first));
        first = nullptr;
        std::thread([&] {
            context_ref::drop(context_ref::take(*many.back()).release());
            for (auto& one : many) context_ref::drop(one.release());
        }).join();
        context_ref::flush();
        REQUIRE(alive == 0);
    }
}

TEST_CASE("a thread that uses several contexts in turn loses none", "[context_ref]") {
    int alive = 0;
    {
        auto a = make_ref<counted_context>(alive);
        auto b = make_ref<counted_context>(alive);
        for (int i = 0; i < 100; ++i) {
            const context_ref::scope keep_a(*a);
            const context_ref::scope keep_b(*b);
        }
        context_ref::drop(nullptr);
    }
    context_ref::flush();
    CHECK(alive == 0);
}

TEST_CASE("what a thread kept goes with the thread", "[context_ref]") {
    int alive = 0;
    auto first = make_ref<counted_context>(alive);
    std::thread([&] { const context_ref::scope keep(*first); }).join();
    first = nullptr;
    CHECK(alive == 0);
}
