// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/thunk.hpp>

#include "support/catch.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

using namespace tandem::detail;
using tandem::bitwise;
using tandem::codec_error;
using tandem::fn;
using tandem::reader;
using tandem::writer;

namespace {

int add(int a, int b) { return a + b; }
int not_code = 0;

// What a worker does with the bytes of a call.
void run(const writer& call, const writer& args, writer& result) {
    reader state(call.bytes());
    module_offset token;
    token.module = tandem::decode<std::uint64_t>(state);
    token.offset = tandem::decode<std::uint64_t>(state);
    const auto* code = thunk::find(token);
    REQUIRE(code);
    reader in(args.bytes());
    code->run(state, in, result);
}

// Makes the call of submit(f, args...) from its bytes.
template <class F, class... Args>
auto by_bytes(F f, Args... args) {
    using R = shipped_result_t<F&, Args...>;
    writer call;
    encode_call<submitted_call<F, Args...>>(call, f);
    writer arguments;
    (tandem::encode(arguments, args), ...);
    writer result;
    run(call, arguments, result);
    reader out(result.bytes());
    return decode_result<R>(out);
}
template <bool Star, bool Discard, class F, class T>
std::size_t element_by_bytes(F f, const T& element, writer& result) {
    writer call;
    encode_call<element_call<F, T, Star, Discard>>(call, f);
    writer arguments;
    tandem::encode(arguments, element);
    run(call, arguments, result);
    return result.position();
}

module_offset token_of_add() {
    writer call;
    encode_call<submitted_call<int (*)(int, int), int, int>>(call, &add);
    reader in(call.bytes());
    module_offset token;
    token.module = tandem::decode<std::uint64_t>(in);
    token.offset = tandem::decode<std::uint64_t>(in);
    return token;
}

}  // namespace

TEST_CASE("a call is made from its bytes", "[thunk]") {
    CHECK(by_bytes(&add, 2, 3) == 5);
    CHECK(by_bytes(fn<add>, 2, 3) == 5);
    CHECK(by_bytes([](std::string_view s) { return s.size(); }, std::string("four")) == 4);
    int n = 10;
    CHECK(by_bytes(bitwise([n](int x) { return x + n; }), 1) == 11);
    by_bytes([] {});
    const auto moved = by_bytes([](std::unique_ptr<int> p) { return p; }, std::make_unique<int>(5));
    CHECK(*moved == 5);
}

TEST_CASE("a call gets a stop_token if it takes one", "[thunk]") {
    CHECK(by_bytes([](std::stop_token stop, int x) { return stop.stop_requested() ? 0 : x; }, 3) ==
          3);
}

TEST_CASE("an element is one argument, or a tuple of them, and its result may be unwanted",
          "[thunk]") {
    writer result;
    CHECK(element_by_bytes<false, false>([](int x) { return x; }, 4, result) == sizeof(int));
    const std::tuple<int, int> both{1, 2};
    CHECK(element_by_bytes<true, false>(&add, both, result) == 2 * sizeof(int));
    reader out(result.bytes());
    CHECK(tandem::decode<int>(out) == 4);
    CHECK(tandem::decode<int>(out) == 3);
    writer none;
    CHECK(element_by_bytes<true, true>(&add, both, none) == 0);
}

TEST_CASE("what a call throws comes out of its thunk", "[thunk]") {
    CHECK_THROWS_AS(by_bytes([] { throw std::out_of_range("there"); }), std::out_of_range);
}

TEST_CASE("bad bytes are a codec_error", "[thunk]") {
    writer call;
    encode_call<submitted_call<int (*)(int, int), int, int>>(call, &add);
    writer half;
    tandem::encode(half, 1);
    writer result;
    CHECK_THROWS_AS(run(call, half, result), codec_error);
    writer too_much;
    tandem::encode(too_much, std::int64_t{0});
    reader two(too_much.bytes());
    CHECK_THROWS_AS(decode_result<int>(two), codec_error);
    reader some(too_much.bytes());
    CHECK_THROWS_AS(decode_result<void>(some), codec_error);
    reader none(std::span<const std::byte>{});
    CHECK_NOTHROW(decode_result<void>(none));
}

TEST_CASE("a token finds the thunk that is registered under it and no other", "[thunk]") {
    const auto token = token_of_add();
    const auto* const code = thunk::find(token);
    REQUIRE(code);
    CHECK(code->token() == token);
    for (std::uint64_t step = 1; step < 64; ++step) {
        const auto* near = thunk::find({token.module, token.offset + step});
        CHECK(
            (near == nullptr || near->token() == module_offset{token.module, token.offset + step}));
        CHECK(near != code);
    }
    CHECK(thunk::find({token.module + 1, token.offset}) == nullptr);
    CHECK(thunk::find({0, 0}) == nullptr);
}

TEST_CASE("no number is taken for a thunk by accident", "[thunk]") {
    const auto token = token_of_add();
    std::mt19937_64 random(3);
    int found = 0;
    for (int i = 0; i < 20'000; ++i) {
        const module_offset guess{i % 2 ? token.module : random(), random() >> (i % 64)};
        const auto* code = thunk::find(guess);
        if (!code) continue;
        ++found;
        CHECK(code->token() == guess);
    }
    CHECK(found < 200);
}

TEST_CASE("a function's place that holds no code is refused", "[thunk]") {
    const auto data = offset_of(&not_code);
    for (const auto& place : {data, module_offset{0, 0}, module_offset{data.module + 1, 16}}) {
        writer call;
        encode_call<submitted_call<int (*)(int, int), int, int>>(call, &add);
        call.truncate(2 * sizeof(std::uint64_t));
        tandem::encode(call, place.module);
        tandem::encode(call, place.offset);
        writer arguments;
        tandem::encode(arguments, 1);
        tandem::encode(arguments, 2);
        writer result;
        CHECK_THROWS_AS(run(call, arguments, result), codec_error);
    }
}

TEST_CASE("two lambdas that look alike have two tokens", "[thunk]") {
    const auto one = [](int x) { return x + 1; };
    const auto two = [](int x) { return x + 2; };
    CHECK(by_bytes(one, 1) == 2);
    CHECK(by_bytes(two, 1) == 3);
}
