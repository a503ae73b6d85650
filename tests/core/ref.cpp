// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/ref.hpp>

#include "../support/catch.hpp"

#include <atomic>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

using tandem::detail::make_ref;
using tandem::detail::ref;
using tandem::detail::ref_counted;

namespace {

struct counted : ref_counted {
    explicit counted(std::atomic<int>& alive) : alive_(alive) { ++alive_; }
    ~counted() override { --alive_; }
    std::atomic<int>& alive_;
    int value = 7;
};
struct derived final : counted {
    using counted::counted;
};

}  // namespace

TEST_CASE("the object lives as long as its last owner", "[ref]") {
    std::atomic<int> alive{0};
    auto first = make_ref<counted>(alive);
    {
        const auto second = first;
        CHECK(alive == 1);
        CHECK(second.get() == first.get());
    }
    CHECK(alive == 1);
    first = nullptr;
    CHECK(alive == 0);
}

TEST_CASE("a moved-from owner is empty", "[ref]") {
    std::atomic<int> alive{0};
    auto first = make_ref<counted>(alive);
    auto second = std::move(first);
    CHECK_FALSE(first);  // NOLINT: the moved-from state is what is tested
    CHECK(second->value == 7);
    CHECK((*second).value == 7);
    first = std::move(second);
    CHECK(first);
    CHECK(alive == 1);
}

TEST_CASE("assigning to itself keeps the object", "[ref]") {
    std::atomic<int> alive{0};
    auto owner = make_ref<counted>(alive);
    auto& same = owner;
    owner = same;
    CHECK(alive == 1);
    owner = std::move(same);
    CHECK(alive == 1);
    CHECK(owner->value == 7);
}

TEST_CASE("assigning another object lets the first go", "[ref]") {
    std::atomic<int> first{0};
    std::atomic<int> second{0};
    auto owner = make_ref<counted>(first);
    owner = make_ref<counted>(second);
    CHECK(first == 0);
    CHECK(second == 1);
}

TEST_CASE("adopt takes a reference over and share adds one", "[ref]") {
    std::atomic<int> alive{0};
    auto* raw = new counted(alive);
    auto owner = ref<counted>::adopt(raw);
    {
        auto other = ref<counted>::share(raw);
        owner = {};
        CHECK(alive == 1);
    }
    CHECK(alive == 0);
    CHECK_FALSE(ref<counted>::share(nullptr));
}

TEST_CASE("release gives the reference to the caller", "[ref]") {
    std::atomic<int> alive{0};
    auto owner = make_ref<counted>(alive);
    auto* raw = owner.release();
    CHECK_FALSE(owner);
    CHECK(alive == 1);
    raw->drop_ref();
    CHECK(alive == 0);
}

TEST_CASE("an owner of a derived object becomes one of its base, not the other way", "[ref]") {
    std::atomic<int> alive{0};
    auto special = make_ref<derived>(alive);
    ref<counted> general = special;
    CHECK(general.get() == special.get());
    special = {};
    CHECK(alive == 1);
    general = {};
    CHECK(alive == 0);
    STATIC_REQUIRE(std::is_convertible_v<ref<derived>, ref<counted>>);
    STATIC_REQUIRE(!std::is_convertible_v<ref<counted>, ref<derived>>);
}

TEST_CASE("owners compare by the object", "[ref]") {
    std::atomic<int> alive{0};
    const auto first = make_ref<counted>(alive);
    const auto same = first;
    const auto other = make_ref<counted>(alive);
    CHECK(first == same);
    CHECK(first != other);
    CHECK(first != nullptr);
    CHECK(ref<counted>() == nullptr);
}

TEST_CASE("many threads may own one object and let it go at once", "[ref]") {
    std::atomic<int> alive{0};
    for (int round = 0; round < 200; ++round) {
        auto owner = make_ref<counted>(alive);
        std::vector<std::thread> threads;
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([mine = owner]() mutable {
                const auto copy = mine;
                mine = {};
            });
        }
        owner = {};
        for (auto& thread : threads) thread.join();
        REQUIRE(alive == 0);
    }
}
