// SPDX-License-Identifier: BSL-1.0
// What generators that delegate do, step by step, is what CPython's do: generator_traces.py is the
// same cases in Python, and says which.
#include <tandem/coroutine/generator.hpp>

#include "../support/catch.hpp"

#include <cstdio>
#include <exception>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>
#include <vector>

using tandem::generator;
using tandem::generator_state;
using tandem::invalid_state;
using tandem::yield_from;

namespace {

std::vector<std::string> lines;
void say(std::string line) { lines.push_back(std::move(line)); }

// Python's `finally`.
class finally {
   public:
    explicit finally(const char* line) noexcept : line_(line) {}
    finally(const finally&) = delete;
    finally& operator=(const finally&) = delete;
    ~finally() { say(line_); }

   private:
    const char* line_;
};

struct spam {};

std::string text(generator_state state) {
    switch (state) {
        case generator_state::created:
            return "created";
        case generator_state::running:
            return "running";
        case generator_state::suspended:
            return "suspended";
        case generator_state::closed:
            break;
    }
    return "closed";
}
std::string text(int number) { return std::to_string(number); }
std::string text(const std::string& words) { return words; }

// Python's next(g, otherwise).
template <class T>
std::string or_else(T* value, const char* otherwise) {
    return value ? text(*value) : otherwise;
}

using words = generator<std::string>;
using talk = generator<std::string, int>;

namespace initial_next {
generator<int> g2() {
    say("Starting g2");
    co_yield 42;
    say("Finishing g2");
}
generator<int> g1() {
    say("Starting g1");
    co_await yield_from(g2());
    say("Finishing g1");
}
void run() {
    for (int x : g1()) say("Yielded " + text(x));
}
}  // namespace initial_next

namespace exception_in_initial_next {
words g2() {
    const finally at_end("Finishing g2");
    say("Starting g2");
    throw std::runtime_error("spanish inquisition occurred");
    co_yield "never";
}
words g1() {
    const finally at_end("Finishing g1");
    say("Starting g1");
    co_await yield_from(g2());
}
void run() {
    try {
        for (const auto& x : g1()) say("Yielded " + x);
        say("subgenerator failed to raise ValueError");
    } catch (const std::runtime_error& e) {
        say(e.what());
    }
}
}  // namespace exception_in_initial_next

namespace next_calls {
words g2() {
    say("Starting g2");
    co_yield "g2 spam";
    co_yield "g2 more spam";
    say("Finishing g2");
}
words g1() {
    say("Starting g1");
    co_yield "g1 ham";
    co_await yield_from(g2());
    co_yield "g1 eggs";
    say("Finishing g1");
}
void run() {
    for (const auto& x : g1()) say("Yielded " + x);
}
}  // namespace next_calls

namespace exception_in_next_call {
words g2() {
    const finally at_end("Finishing g2");
    say("Starting g2");
    co_yield "g2 spam";
    throw std::runtime_error("hovercraft is full of eels");
}
words g1() {
    const finally at_end("Finishing g1");
    say("Starting g1");
    co_yield "g1 ham";
    co_await yield_from(g2());
    co_yield "g1 eggs";
}
void run() {
    try {
        for (const auto& x : g1()) say("Yielded " + x);
    } catch (const std::runtime_error& e) {
        say(e.what());
    }
}
}  // namespace exception_in_next_call

namespace send {
talk g2() {
    say("Starting g2");
    int x = co_yield "g2 spam";
    say("g2 received " + text(x));
    x = co_yield "g2 more spam";
    say("g2 received " + text(x));
    say("Finishing g2");
}
talk g1() {
    say("Starting g1");
    int x = co_yield "g1 ham";
    say("g1 received " + text(x));
    co_await yield_from(g2());
    x = co_yield "g1 eggs";
    say("g1 received " + text(x));
    say("Finishing g1");
}
void run() {
    auto g = g1();
    g.next();
    int x = 1;
    while (const auto* y = g.send(x)) {
        say("Yielded " + *y);
        ++x;
    }
    say("StopIteration");
    say("x = " + text(x));
}
}  // namespace send

namespace exception_while_sending {
talk g2() {
    say("Starting g2");
    const int x = co_yield "g2 spam";
    say("g2 received " + text(x));
    throw std::runtime_error("hovercraft is full of eels");
}
talk g1() {
    say("Starting g1");
    int x = co_yield "g1 ham";
    say("g1 received " + text(x));
    co_await yield_from(g2());
    x = co_yield "g1 eggs";
    say("g1 received " + text(x));
    say("Finishing g1");
}
void run() {
    auto g = g1();
    g.next();
    int x = 1;
    try {
        for (;; ++x) say("Yielded " + *g.send(x));
    } catch (const std::runtime_error& e) {
        say(e.what());
    }
    say("x = " + text(x));
    say(text(g.state()));
}
}  // namespace exception_while_sending

namespace close_and_throw {
words g2() {
    const finally at_end("Finishing g2");
    say("Starting g2");
    co_yield "g2 spam";
    co_yield "g2 more spam";
}
words g1() {
    const finally at_end("Finishing g1");
    say("Starting g1");
    co_yield "g1 ham";
    co_await yield_from(g2());
    co_yield "g1 eggs";
}
void close() {
    auto g = g1();
    for (int i = 0; i < 2; ++i) say("Yielded " + *g.next());
    g.close();
    say(text(g.state()));
    g.close();
    for (const auto& x : g) say("Yielded " + x);
}
void raise() {
    auto g = g1();
    try {
        for (int i = 0; i < 2; ++i) say("Yielded " + *g.next());
        g.raise(std::make_exception_ptr(std::runtime_error("tomato ejected")));
    } catch (const std::runtime_error& e) {
        say(e.what());
    }
    say(text(g.state()));
}
}  // namespace close_and_throw

namespace throw_caught_inside {
generator<std::string, void, std::string> g2() {
    bool caught = false;
    try {
        co_yield "g2 spam";
    } catch (const spam&) {
        caught = true;  // there is no co_yield in a handler
    }
    if (caught) {
        say("Caught in g2");
        co_yield "after g2 caught";
    }
    co_return "done";
}
words g1() {
    bool caught = false;
    try {
        co_yield "g1 ham";
        const auto result = co_await yield_from(g2());
        say("g2 returned " + result);
        co_yield "g1 eggs";
    } catch (const spam&) {
        caught = true;
    }
    if (caught) {
        say("Caught in g1");
        co_yield "after g1 caught";
    }
}
void run() {
    auto g = g1();
    say(*g.next());
    say(*g.next());
    say(*g.raise(std::make_exception_ptr(spam())));
    say(*g.next());
    say(*g.raise(std::make_exception_ptr(spam())));
    say(or_else(g.next(), "StopIteration"));
}
}  // namespace throw_caught_inside

namespace throw_returns {
words g2() {
    try {
        say("Starting g2");
        co_yield "g2 spam";
        co_yield "g2 more spam";
    } catch (const spam&) {
        say("Caught Spam in g2, returning");
    }
}
words g1() {
    const finally at_end("Finishing g1");
    say("Starting g1");
    co_yield "g1 ham";
    co_await yield_from(g2());
    co_yield "g1 eggs";
}
void run() {
    auto g = g1();
    for (int i = 0; i < 2; ++i) say("Yielded " + *g.next());
    say("Yielded " + *g.raise(std::make_exception_ptr(spam())));
}
}  // namespace throw_returns

namespace return_values {
generator<std::string, void, int> g2(int v) {
    say("Starting g2");
    co_yield "g2 spam";
    co_yield "g2 more spam";
    say("Finishing g2");
    co_return v;
}
generator<std::string, void, int> g1() {
    say("Starting g1");
    co_yield "g1 ham";
    int ret = co_await yield_from(g2(0));
    say("g2 returned " + text(ret));
    ret = co_await yield_from(g2(42));
    say("g2 returned " + text(ret));
    co_yield "g1 eggs";
    say("Finishing g1");
    co_return 7;
}
void run() {
    auto g = g1();
    while (const auto* x = g.next()) say("Yielded " + *x);
    say("result " + text(g.result()));
}
}  // namespace return_values

namespace range_delegate {
generator<int, int> g1() {
    const finally at_end("Finishing g1");
    say("Starting g1");
    co_await yield_from(std::views::iota(0, 3));
    co_yield 99;
}
void run() {
    auto g = g1();
    say(text(*g.next()));
    say(text(*g.next()));
    try {
        g.raise(std::make_exception_ptr(std::runtime_error("tomato ejected")));
    } catch (const std::runtime_error& e) {
        say(e.what());
    }
    g = g1();
    say(text(*g.next()));
    try {
        say(text(*g.send(42)));
    } catch (const invalid_state&) {
        say("refused");
    }
    while (const int* x = g.next()) say("Yielded " + text(*x));
    g = g1();
    while (const int* x = g.next()) say("Yielded " + text(*x));
}
}  // namespace range_delegate

namespace loop {
words g2(words& gi) {
    co_yield "y2";
    co_await yield_from(gi);
    co_yield "y3";
}
words g1(words& gi) {
    say("g1: starting");
    co_yield "y1";
    say("g1: about to yield from g2");
    co_await yield_from(g2(gi));
    say("g1 should not be here");
}
void run() {
    words gi;
    gi = g1(gi);
    try {
        for (const auto& y : gi) say("Yielded: " + y);
    } catch (const invalid_state&) {
        say("refused");
    }
}
}  // namespace loop

namespace lent {
generator<int> sub() {
    const finally at_end("Finishing sub");
    for (int i = 0; i < 5; ++i) co_yield i;
}
generator<int> outer(generator<int>& s) {
    const finally at_end("Finishing outer");
    co_await yield_from(s);
}
void run() {
    auto s = sub();
    say(text(*s.next()));
    auto g = outer(s);
    say(text(*g.next()));
    say(text(*g.next()));
    say(text(s.state()));
    for (int x : g) say("Yielded " + text(x));
    say(text(s.state()));
}
}  // namespace lent

namespace states {
generator<int> nothing() { co_return; }
generator<int> one(generator<int>& g) {
    say(text(g.state()));
    co_yield 1;
}
void run() {
    generator<int> g;
    g = one(g);
    say(text(g.state()));
    g.next();
    say(text(g.state()));
    say(or_else(g.next(), "end"));
    say(text(g.state()));
    g = nothing();
    say(or_else(g.next(), "end"));
    say(or_else(g.next(), "end"));

    g = one(g);
    for (int i = 0; i < 2; ++i) {
        try {
            g.raise(std::make_exception_ptr(spam()));
        } catch (const spam&) {
            say("Spam");
        }
        if (i == 0) say(text(g.state()));
    }
    g = one(g);
    g.close();
    say(text(g.state()));
    say(or_else(g.next(), "end"));
}
}  // namespace states

namespace misuse {
generator<int, int> talks() {
    for (;;) {
        const int heard = co_yield 0;
        say("heard " + text(heard));
    }
}
generator<int, int> itself(generator<int, int>& g) {
    try {
        g.next();
    } catch (const invalid_state&) {
        say("refused");
    }
    try {
        g.close();
    } catch (const invalid_state&) {
        say("refused");
    }
    co_yield 1;
}
void run() {
    auto g = talks();
    try {
        g.send(1);
    } catch (const invalid_state&) {
        say("refused");
    }
    g.next();
    g.send(2);
    g = itself(g);
    say(text(*g.next()));
}
}  // namespace misuse

namespace exception_in_the_middle {
words fails(int n) {
    bool caught = false;
    try {
        if (n == 0) {
            co_yield "bottom";
            throw spam();
        }
        co_await yield_from(fails(n - 1));
    } catch (const spam&) {
        say("caught at " + text(n));
        if (n < 2) throw;
        caught = true;
    }
    if (caught) co_yield "recovered at " + text(n);
    say("end of " + text(n));
}
void run() {
    for (const auto& x : fails(4)) say("Yielded " + x);
}
}  // namespace exception_in_the_middle

std::vector<std::string> python(const std::string& script) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(
        ::popen(("python3 -B '" + script + "'").c_str(), "r"), ::pclose);
    std::vector<std::string> said(1);
    for (int c; (c = std::fgetc(pipe.get())) != EOF;) {
        if (c == '\n') {
            said.emplace_back();
        } else {
            said.back() += static_cast<char>(c);
        }
    }
    said.pop_back();
    return said;
}

}  // namespace

TEST_CASE("generators do, step by step, what CPython's do", "[generator]") {
    lines.clear();
    const auto run = [](const char* name, void (*steps)()) {
        say(std::string("== ") + name);
        steps();
    };
    run("initial_next", initial_next::run);
    run("exception_in_initial_next", exception_in_initial_next::run);
    run("next_calls", next_calls::run);
    run("exception_in_next_call", exception_in_next_call::run);
    run("send", send::run);
    run("exception_while_sending", exception_while_sending::run);
    run("close", close_and_throw::close);
    run("throw", close_and_throw::raise);
    run("throw_caught_inside", throw_caught_inside::run);
    run("throw_returns", throw_returns::run);
    run("return_values", return_values::run);
    run("range_delegate", range_delegate::run);
    run("loop", loop::run);
    run("lent", lent::run);
    run("states", states::run);
    run("misuse", misuse::run);
    run("exception_in_the_middle", exception_in_the_middle::run);

    std::string script = __FILE__;
    script.replace(script.rfind('.'), std::string::npos, ".py");
    const auto expected = python(script);
    REQUIRE(expected.size() > 100);
    for (std::size_t i = 0; i < std::min(lines.size(), expected.size()); ++i) {
        INFO("line " << i + 1);
        REQUIRE(lines[i] == expected[i]);
    }
    CHECK(lines.size() == expected.size());
}
