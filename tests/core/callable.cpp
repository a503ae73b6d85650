// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/callable.hpp>

#include "../support/catch.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

using tandem::callable;

namespace {

// Counts how many of them are alive.
struct counted {
    explicit counted(int& alive) : alive_(&alive) { ++*alive_; }
    counted(const counted& other) noexcept : alive_(other.alive_) { ++*alive_; }
    counted& operator=(const counted&) = delete;
    ~counted() { --*alive_; }
    int operator()() const { return *alive_; }
    int* alive_;
};

template <std::size_t Bytes>
struct sized {
    std::array<std::byte, Bytes> bytes{};
    const void* operator()() const { return this; }
};

struct throwing_move {
    throwing_move() = default;
    throwing_move(const throwing_move&) = default;
    throwing_move(throwing_move&& other) noexcept(false) : moves(other.moves + 1) {}
    throwing_move& operator=(const throwing_move&) = default;
    ~throwing_move() = default;
    int operator()() const { return moves; }
    int moves = 0;
};

// Small enough for the inside of a callable, but for its alignment.
struct alignas(32) over_aligned {
    std::byte bytes[32]{};
    const void* operator()() const { return this; }
};

struct throws_on_copy {
    throws_on_copy() = default;
    throws_on_copy(const throws_on_copy&) { throw std::runtime_error("copy"); }
    throws_on_copy(throws_on_copy&&) noexcept = default;
    throws_on_copy& operator=(const throws_on_copy&) = delete;
    ~throws_on_copy() = default;
    void operator()() const {}
};

struct account {
    int balance = 3;
    int add(int amount) { return balance += amount; }
    int peek() const noexcept { return balance; }
};

// Different for the two value categories and for const, so that the wrong call shows.
struct picky {
    int operator()() & { return 1; }
    int operator()() const& { return 2; }
    int operator()() && { return 3; }
};

struct hostile {
    void operator&() const = delete;
    int operator()() const { return 5; }
};

int twice(int value) { return 2 * value; }

bool lives_inside(callable<const void*()>& work) {
    const auto* target = static_cast<const std::byte*>(work());
    const auto* self = reinterpret_cast<const std::byte*>(&work);
    return !std::less<>()(target, self) && std::less<>()(target, self + sizeof work);
}

}  // namespace

TEST_CASE("a new callable is empty", "[callable]") {
    callable<void()> none;
    callable<void()> null = nullptr;
    CHECK_FALSE(none);
    CHECK_FALSE(null);
}

TEST_CASE("calling an empty callable throws invalid_state", "[callable]") {
    callable<int(int)> none;
    CHECK_THROWS_AS(none(1), tandem::invalid_state);
    callable<int(int)> moved_from = twice;
    callable<int(int)> other = std::move(moved_from);
    CHECK_THROWS_AS(moved_from(1), tandem::invalid_state);
    CHECK(other(1) == 2);
}

TEST_CASE("a null pointer or an empty callable makes an empty callable", "[callable]") {
    int (*function)(int) = nullptr;
    int (account::*member)(int) = nullptr;
    int account::* data = nullptr;
    CHECK_FALSE(callable<int(int)>(function));
    CHECK_FALSE(callable<int(account&, int)>(member));
    CHECK_FALSE(callable<int(account&)>(data));
    CHECK_FALSE(callable<long(int)>(callable<int(int)>()));
}

TEST_CASE("functions, function pointers and lambdas can be called", "[callable]") {
    callable<int(int)> function = twice;
    callable<int(int)> pointer = &twice;
    callable<int(int)> lambda = [add = 5](int value) { return value + add; };
    CHECK(function(4) == 8);
    CHECK(pointer(4) == 8);
    CHECK(lambda(4) == 9);
}

TEST_CASE("pointers to members can be called on an object or a pointer to it", "[callable]") {
    account mine;
    callable<int(account&, int)> add = &account::add;
    callable<int(account*, int)> add_through = &account::add;
    callable<int(const account&)> peek = &account::peek;
    callable<int&(account&)> balance = &account::balance;
    CHECK(add(mine, 4) == 7);
    CHECK(add_through(&mine, 1) == 8);
    balance(mine) = 20;
    CHECK(peek(mine) == 20);
}

TEST_CASE("the target is called as a non-const lvalue", "[callable]") {
    callable<int()> work = picky();
    CHECK(work() == 1);
}

TEST_CASE("a mutable target keeps its state between calls and moves", "[callable]") {
    callable<int()> count = [n = 0]() mutable { return ++n; };
    CHECK(count() == 1);
    auto moved = std::move(count);
    CHECK(moved() == 2);
}

TEST_CASE("a move-only target is owned", "[callable]") {
    callable<int()> work = [value = std::make_unique<int>(42)] { return *value; };
    callable<int()> moved = std::move(work);
    CHECK(moved() == 42);
    STATIC_REQUIRE(!std::is_copy_constructible_v<callable<int()>>);
    STATIC_REQUIRE(std::is_nothrow_move_constructible_v<callable<int()>>);
    STATIC_REQUIRE(std::is_nothrow_move_assignable_v<callable<int()>>);
}

TEST_CASE("arguments and results may be move-only", "[callable]") {
    callable<std::unique_ptr<int>(std::unique_ptr<int>)> pass = [](std::unique_ptr<int> value) {
        ++*value;
        return value;
    };
    CHECK(*pass(std::make_unique<int>(1)) == 2);
}

TEST_CASE("references pass through as references", "[callable]") {
    int value = 1;
    callable<int&(int&)> same = [](int& it) -> int& { return it; };
    same(value) = 9;
    CHECK(&same(value) == &value);
    CHECK(value == 9);

    callable<void(std::unique_ptr<int>&&)> look = [](std::unique_ptr<int>&& it) { ++*it; };
    auto kept = std::make_unique<int>(1);
    look(std::move(kept));
    REQUIRE(kept);
    CHECK(*kept == 2);
}

TEST_CASE("a result is converted, or dropped when the signature says void", "[callable]") {
    callable<std::string()> text = [] { return "text"; };
    callable<void(int)> dropped = twice;
    CHECK(text() == "text");
    dropped(1);
    STATIC_REQUIRE(!std::is_constructible_v<callable<std::string()>, int (*)()>);
    STATIC_REQUIRE(!std::is_constructible_v<callable<void()>, int (*)(int)>);
}

TEST_CASE("an exception of the target reaches the caller", "[callable]") {
    callable<void()> work = [] { throw std::out_of_range("far"); };
    CHECK_THROWS_AS(work(), std::out_of_range);
    CHECK(work);
}

TEST_CASE("up to 48 bytes live inside, more on the heap", "[callable]") {
    callable<const void*()> small = sized<48>();
    callable<const void*()> large = sized<49>();
    CHECK(lives_inside(small));
    CHECK_FALSE(lives_inside(large));
    STATIC_REQUIRE(sizeof(callable<void()>) <= 64);
}

TEST_CASE("a heap target keeps its address when the callable moves", "[callable]") {
    callable<const void*()> large = sized<100>();
    const void* before = large();
    auto moved = std::move(large);
    CHECK(moved() == before);
}

TEST_CASE("a target whose move may throw is never moved again", "[callable]") {
    callable<int()> work = throwing_move();
    const int moves = work();
    callable<int()> second = std::move(work);
    callable<int()> third;
    third = std::move(second);
    CHECK(third() == moves);
}

TEST_CASE("an over-aligned target is aligned", "[callable]") {
    struct alignas(32) two {
        callable<const void*()> first;
        std::byte shift[16]{};  // so that the insides of the two differ in alignment
        callable<const void*()> second;
    };
    two both{over_aligned(), {}, over_aligned()};
    CHECK(reinterpret_cast<std::uintptr_t>(both.first()) % 32 == 0);
    CHECK(reinterpret_cast<std::uintptr_t>(both.second()) % 32 == 0);
    const auto moved = std::make_unique<two>(std::move(both));
    CHECK(reinterpret_cast<std::uintptr_t>(moved->first()) % 32 == 0);
    CHECK(reinterpret_cast<std::uintptr_t>(moved->second()) % 32 == 0);
}

TEST_CASE("each target is destroyed exactly once", "[callable]") {
    int alive = 0;
    SECTION("inside") {
        {
            callable<int()> work = counted(alive);
            CHECK(alive == 1);
            auto moved = std::move(work);
            CHECK(alive == 1);
            CHECK(moved() == 1);
        }
        CHECK(alive == 0);
    }
    SECTION("on the heap") {
        {
            callable<int()> work = [one = counted(alive), pad = sized<64>()] {
                return one() + static_cast<int>(pad.bytes[0]);
            };
            CHECK(alive == 1);
            auto moved = std::move(work);
            CHECK(alive == 1);
            CHECK(moved() == 1);
        }
        CHECK(alive == 0);
    }
    SECTION("by assignment") {
        callable<int()> work = counted(alive);
        work = [] { return 0; };
        CHECK(alive == 0);
    }
    SECTION("by nullptr") {
        callable<int()> work = counted(alive);
        work = nullptr;
        CHECK(alive == 0);
        CHECK_FALSE(work);
    }
}

TEST_CASE("a callable is already empty while nullptr destroys its target", "[callable]") {
    callable<void()> work;
    bool seen_empty = false;
    struct looks {
        callable<void()>* work;
        bool* seen;
        void operator()() const {}
    };
    auto look = [](looks* it) {
        *it->seen = !*it->work;
        delete it;
    };
    work = [held = std::unique_ptr<looks, decltype(look)>(new looks{&work, &seen_empty}, look)] {};
    work = nullptr;
    CHECK(seen_empty);
}

TEST_CASE("moving a callable onto itself keeps its target", "[callable]") {
    callable<int(int)> work = twice;
    auto& same = work;
    work = std::move(same);
    CHECK(work(3) == 6);
}

TEST_CASE("swap exchanges targets of any kind", "[callable]") {
    callable<int()> small = [] { return 1; };
    callable<int()> large = [pad = sized<64>()] { return 2 + static_cast<int>(pad.bytes[0]); };
    callable<int()> none;
    swap(small, large);
    CHECK(small() == 2);
    CHECK(large() == 1);
    small.swap(none);
    CHECK_FALSE(small);
    CHECK(none() == 2);
    none.swap(none);
    CHECK(none() == 2);
}

TEST_CASE("a constructor that throws leaves nothing behind", "[callable]") {
    const throws_on_copy target;
    CHECK_THROWS_AS(callable<void()>(target), std::runtime_error);
    callable<void()> kept = [] {};
    CHECK_THROWS_AS(kept = target, std::runtime_error);
    CHECK(kept);
}

TEST_CASE("a reference wrapper calls the original", "[callable]") {
    int calls = 0;
    auto count = [&calls] { ++calls; };
    callable<void()> work = std::ref(count);
    work();
    CHECK(calls == 1);
}

TEST_CASE("a callable can hold one of another signature", "[callable]") {
    callable<int(int)> inner = twice;
    callable<long(short)> outer = std::move(inner);
    CHECK_FALSE(inner);
    CHECK(outer(4) == 8);
}

TEST_CASE("a target may overload the address operator", "[callable]") {
    callable<int()> work = hostile();
    auto moved = std::move(work);
    CHECK(moved() == 5);
}
