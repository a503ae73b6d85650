// SPDX-License-Identifier: BSL-1.0
#include <tandem/coroutine/generator_promise.hpp>

#include <tandem/coroutine/generator.hpp>

#include "../support/catch.hpp"
#include "../support/counted.hpp"

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

using tandem::generator;
using tandem::invalid_state;
using tandem::detail::generator_inbox;

TEST_CASE("an inbox tells a value from nothing", "[generator_promise]") {
    generator_inbox<int> copies;
    copies.put(7);
    CHECK(copies.was_sent());
    CHECK(copies.take() == 7);
    copies.put_nothing();
    CHECK(!copies.was_sent());
    CHECK(copies.take() == 0);

    generator_inbox<std::string> refers;
    std::string sent = "a text that does not fit into the string object itself";
    const char* const where = sent.data();
    refers.put(sent);
    CHECK(refers.was_sent());
    CHECK(refers.take().data() == where);  // moved
    refers.put_nothing();
    CHECK(!refers.was_sent());
    CHECK(refers.take().empty());
}

namespace {

generator<std::string> yields_copy() {
    std::string mine = "a text that does not fit into the string object itself";
    co_yield mine;
    co_yield mine;
    co_yield "converted";
}
generator<const std::string> yields_const() {
    const std::string mine = "mine";
    co_yield mine;
    co_yield "converted";
}
generator<int&> yields_reference(int& out) {
    int mine = 1;
    co_yield mine;
    out = mine;
    co_yield out;
}
generator<const int&> yields_const_reference(const int& it) {
    co_yield it;
    co_yield 2;
}
generator<std::unique_ptr<int>> yields_move_only() {
    co_yield std::make_unique<int>(1);
    auto mine = std::make_unique<int>(2);
    co_yield std::move(mine);
}
generator<std::string&&> yields_rvalue() {
    std::string mine = "mine";
    co_yield std::move(mine);
    co_yield mine + "moved";
}

}  // namespace

TEST_CASE("a variable that is yielded by value is copied", "[generator_promise]") {
    auto g = yields_copy();
    *g.next() = "changed";
    CHECK(*g.next() == "a text that does not fit into the string object itself");
    CHECK(*g.next() == "converted");
    CHECK(g.next() == nullptr);
}

TEST_CASE("what cannot be changed is not copied", "[generator_promise]") {
    auto g = yields_const();
    STATIC_REQUIRE(std::is_same_v<decltype(g.next()), const std::string*>);
    CHECK(*g.next() == "mine");
    CHECK(*g.next() == "converted");
}

TEST_CASE("a reference shows the thing itself", "[generator_promise]") {
    int out = 0;
    auto g = yields_reference(out);
    *g.next() = 5;
    CHECK(g.next() == &out);
    CHECK(out == 5);

    auto c = yields_const_reference(out);
    CHECK(c.next() == &out);
    CHECK(*c.next() == 2);
}

TEST_CASE("what can only be moved is yielded and taken", "[generator_promise]") {
    auto g = yields_move_only();
    CHECK(**g.next() == 1);
    const auto taken = std::move(*g.next());
    CHECK(*taken == 2);
    int sum = 0;
    for (auto& p : yields_move_only()) sum += *std::unique_ptr<int>(std::move(p));
    CHECK(sum == 3);

    auto r = yields_rvalue();
    std::string text(std::move(*r.next()));
    CHECK(text == "mine");
    CHECK(*r.next() == "moved");
    STATIC_REQUIRE(std::is_same_v<decltype(*r.begin()), std::string&&>);
}

namespace {

generator<int, std::unique_ptr<int>> hears_move_only(std::unique_ptr<int>& last) {
    for (;;) {
        auto heard = co_yield 0;
        last = std::move(heard);
    }
}
generator<int, const int&> hears_reference(const int*& last) {
    for (;;) last = &(co_yield 0);
}
struct no_default {
    explicit no_default(int n) : number(n) {}
    int number;
};
generator<int, no_default> hears_no_default() {
    for (int n = 0;;) n = (co_yield n).number;
}
generator<int, breaks_on_the_way_out> hears_what_breaks(bool& failed) {
    for (;;) {
        try {
            const breaks_on_the_way_out heard = co_yield 0;
        } catch (const std::runtime_error&) {
            failed = true;
        }
    }
}

}  // namespace

TEST_CASE("what is sent may be move-only, a reference, or without default", "[generator_promise]") {
    std::unique_ptr<int> last;
    auto g = hears_move_only(last);
    g.next();
    g.send(std::make_unique<int>(3));
    CHECK(*last == 3);
    g.next();
    CHECK(last == nullptr);

    const int* heard = nullptr;
    auto r = hears_reference(heard);
    r.next();
    const int mine = 1;
    r.send(mine);
    CHECK(heard == &mine);
    CHECK_THROWS_AS(r.next(), invalid_state);

    auto n = hears_no_default();
    CHECK(*n.next() == 0);
    CHECK_THROWS_AS(n.next(), invalid_state);
    CHECK(*n.send(no_default(4)) == 4);
}

TEST_CASE("a value that cannot be moved in is an exception inside", "[generator_promise]") {
    counts::reset();
    {
        bool failed = false;
        auto g = hears_what_breaks(failed);
        CHECK(g.next());
        CHECK(g.send(breaks_on_the_way_out(1)));
        CHECK(!failed);
        CHECK(g.send(breaks_on_the_way_out(1, true)));
        CHECK(failed);
    }
    CHECK(counts::alive() == 0);
}

namespace {

generator<int, void, int&> returns_reference(int& it) {
    co_yield 1;
    co_return it;
}
generator<int, void, std::unique_ptr<int>> returns_move_only() {
    co_yield 1;
    co_return std::make_unique<int>(9);
}
generator<int, void, counted> returns_counted(bool breaks) {
    counted mine(3);
    mine.throws_on_copy = mine.throws_on_move = breaks;
    co_yield 1;
    co_return mine;
}

}  // namespace

TEST_CASE("what is returned may be a reference or move-only", "[generator_promise]") {
    int it = 1;
    auto r = returns_reference(it);
    while (r.next()) {
    }
    CHECK(&r.result() == &it);

    auto g = returns_move_only();
    CHECK_THROWS_AS(g.result(), invalid_state);
    while (g.next()) {
    }
    CHECK(*g.result() == 9);
    CHECK(*g.result() == 9);
    const auto taken = std::move(g).result();
    CHECK(*taken == 9);
}

TEST_CASE("a result that cannot be made is what the generator ended with", "[generator_promise]") {
    counts::reset();
    {
        auto g = returns_counted(false);
        while (g.next()) {
        }
        CHECK(g.result().value == 3);
        auto h = returns_counted(true);
        h.next();
        CHECK_THROWS_AS(h.next(), std::runtime_error);
        CHECK(h.next() == nullptr);
        CHECK_THROWS_AS(h.result(), std::runtime_error);
        CHECK_THROWS_AS(h.result(), std::runtime_error);
    }
    CHECK(counts::alive() == 0);
}
