// SPDX-License-Identifier: BSL-1.0
#include <tandem/future/promise.hpp>

#include "../support/catch.hpp"
#include "../support/within.hpp"

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

using namespace std::chrono_literals;
using tandem::future;
using tandem::make_ready_future;
using tandem::promise;

namespace {

template <class T, class Arg>
concept settable = requires(promise<T>& p, Arg&& arg) { p.set_value(std::forward<Arg>(arg)); };

struct base {};
struct derived : base {};

}  // namespace

TEST_CASE("a promise sets the value of its future", "[promise]") {
    promise<int> p;
    auto f = p.get_future();
    CHECK_FALSE(f.ready());
    p.set_value(4);
    CHECK(f.ready());
    CHECK(f.successful());
    CHECK(f.get() == 4);
}

TEST_CASE("a promise sets void, a reference and a move-only value", "[promise]") {
    promise<void> nothing;
    auto done = nothing.get_future();
    nothing.set_value();
    CHECK_NOTHROW(done.get());

    int object = 1;
    promise<int&> refers;
    auto same = refers.get_future();
    refers.set_value(object);
    CHECK(&same.get() == &object);

    promise<std::unique_ptr<int>> owns;
    auto owner = owns.get_future();
    owns.set_value(std::make_unique<int>(3));
    CHECK(*owner.get() == 3);
}

TEST_CASE("a promise takes what makes a value, and no more", "[promise]") {
    STATIC_REQUIRE(settable<std::string, const char*>);
    STATIC_REQUIRE(settable<long, int>);
    STATIC_REQUIRE(!settable<long, int*>);
    STATIC_REQUIRE(!settable<int&, const int&>);
    STATIC_REQUIRE(!settable<int&, int>);
    STATIC_REQUIRE(!settable<derived&, base&>);
    STATIC_REQUIRE(settable<base&, derived&>);
    STATIC_REQUIRE(!settable<void, int>);
}

TEST_CASE("a promise sets an exception", "[promise]") {
    promise<int> p;
    auto f = p.get_future();
    p.set_exception(std::make_exception_ptr(std::out_of_range("far")));
    CHECK_FALSE(f.successful());
    CHECK(f.exception() != nullptr);
    CHECK_THROWS_AS(f.get(), std::out_of_range);
}

TEST_CASE("a null exception is refused and the promise stays unset", "[promise]") {
    promise<int> p;
    auto f = p.get_future();
    CHECK_THROWS_AS(p.set_exception(nullptr), std::invalid_argument);
    p.set_value(1);
    CHECK(f.get() == 1);
}

TEST_CASE("a promise destroyed unset breaks its future", "[promise]") {
    future<int> f;
    {
        promise<int> p;
        f = p.get_future();
    }
    CHECK(f.ready());
    CHECK_THROWS_AS(f.get(), tandem::broken_promise);
}

TEST_CASE("a promise that was started and destroyed unset breaks its future too", "[promise]") {
    future<int> f;
    {
        promise<int> p;
        f = p.get_future();
        CHECK(p.start());
    }
    CHECK_THROWS_AS(f.get(), tandem::broken_promise);
}

TEST_CASE("a promise assigned over breaks the future of the old one", "[promise]") {
    promise<int> p;
    auto first = p.get_future();
    p = promise<int>();
    CHECK_THROWS_AS(first.get(), tandem::broken_promise);
    auto second = p.get_future();
    p.set_value(2);
    CHECK(second.get() == 2);
}

TEST_CASE("a promise set twice throws invalid_state and keeps the first result", "[promise]") {
    promise<int> p;
    auto f = p.get_future();
    p.set_value(1);
    CHECK_THROWS_AS(p.set_value(2), tandem::invalid_state);
    CHECK_THROWS_WITH(p.set_value(2), "the promise is already set");
    CHECK_THROWS_AS(p.set_exception(std::make_exception_ptr(1)), tandem::invalid_state);
    CHECK(f.get() == 1);
}

TEST_CASE("the future can be taken once", "[promise]") {
    promise<int> p;
    auto f = p.get_future();
    CHECK_THROWS_AS(p.get_future(), tandem::invalid_state);
    CHECK(f.valid());
}

TEST_CASE("the future can be taken after the value is set", "[promise]") {
    promise<int> p;
    p.set_value(5);
    CHECK(p.get_future().get() == 5);
}

TEST_CASE("a promise that was moved from has no state", "[promise]") {
    promise<int> p;
    auto moved = std::move(p);
    CHECK_THROWS_AS(p.set_value(1), tandem::invalid_state);  // NOLINT: moved from on purpose
    CHECK_THROWS_AS(p.get_future(), tandem::invalid_state);
    CHECK_THROWS_AS(p.start(), tandem::invalid_state);
    auto f = moved.get_future();
    moved.set_value(1);
    CHECK(f.get() == 1);
    STATIC_REQUIRE(!std::is_copy_constructible_v<promise<int>>);
    STATIC_REQUIRE(std::is_nothrow_move_constructible_v<promise<int>>);
}

TEST_CASE("a started promise cannot be cancelled", "[promise]") {
    promise<int> p;
    auto f = p.get_future();
    CHECK_FALSE(f.running());
    CHECK(p.start());
    CHECK(f.running());
    CHECK_FALSE(f.cancel());
    p.set_value(1);
    CHECK_FALSE(f.running());
    CHECK(f.get() == 1);
}

TEST_CASE("a cancelled promise does not start and cannot be set", "[promise]") {
    promise<int> p;
    auto f = p.get_future();
    CHECK(f.cancel());
    CHECK_FALSE(p.start());
    CHECK_THROWS_AS(p.set_value(1), tandem::invalid_state);
    CHECK_THROWS_WITH(p.set_value(1), "the future was cancelled");
    CHECK_THROWS_AS(f.get(), tandem::cancelled_error);
}

TEST_CASE("a value that throws while it is made becomes the exception", "[promise]") {
    struct picky {
        explicit picky(int x) {
            if (x < 0) throw std::domain_error("negative");
        }
    };
    promise<picky> p;
    auto f = p.get_future();
    p.set_value(-1);
    CHECK_THROWS_AS(f.get(), std::domain_error);
}

TEST_CASE("a callback may destroy the promise that is being set", "[promise]") {
    std::optional<promise<std::string>> p(std::in_place);
    auto f = p->get_future();
    std::string got;
    f.on_done([&](const tandem::outcome<std::string>& result) {
        p.reset();
        got = result.value();
    });
    f = {};
    p->set_value("still here");
    CHECK(got == "still here");
    CHECK_FALSE(p);
}

TEST_CASE("whoever gets the value may destroy the promise at once", "[promise][pinned]") {
    within(120s, [] {
        for (int i = 0; i < 300; ++i) {
            auto p = std::make_unique<promise<int>>();
            auto f = p->get_future();
            std::thread setter([&p] { p->set_value(1); });
            REQUIRE(f.get() == 1);
            setter.join();
            p.reset();
        }
    });
}

TEST_CASE("a ready future is ready from the start", "[promise]") {
    auto f = make_ready_future(5);
    CHECK(f.ready());
    CHECK(f.get() == 5);
    STATIC_REQUIRE(std::is_same_v<decltype(f), future<int>>);
    const std::string text = "text";
    CHECK(make_ready_future(text).get() == "text");
    CHECK(*make_ready_future(std::make_unique<int>(2)).get() == 2);
    CHECK_NOTHROW(make_ready_future().get());
    CHECK_FALSE(make_ready_future(1).cancel());
}
