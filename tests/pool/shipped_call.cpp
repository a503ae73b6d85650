// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/shipped_call.hpp>

#include "support/catch.hpp"

#include <string>
#include <type_traits>
#include <vector>

using tandem::call;
using tandem::shipped_call;

namespace {

std::string made;
void note(std::string_view name, int number, const std::vector<int>& more) {
    made = std::string(name) + std::to_string(number) + std::to_string(more.size());
}
// Makes the call as a worker does.
void run(const shipped_call& shipped) {
    tandem::reader name(shipped.name());
    tandem::detail::module_offset token;
    token.module = tandem::decode<std::uint64_t>(name);
    token.offset = tandem::decode<std::uint64_t>(name);
    const auto* code = tandem::detail::thunk::find(token);
    REQUIRE(code);
    tandem::reader arguments(shipped.arguments());
    tandem::writer nothing;
    code->run(name, arguments, nothing);
}

}  // namespace

TEST_CASE("no call is no call", "[shipped_call]") { CHECK_FALSE(shipped_call()); }

TEST_CASE("a bound call travels with its arguments, a literal as a string", "[shipped_call]") {
    const shipped_call shipped = call(note, "abc", 4, std::vector<int>{1, 2});
    REQUIRE(shipped);
    run(shipped);
    CHECK(made == "abc42");
}

TEST_CASE("a callable without arguments travels by itself", "[shipped_call]") {
    const shipped_call shipped = [] { made = "here"; };
    run(shipped);
    CHECK(made == "here");
}

TEST_CASE("a typed call is a bound call too", "[shipped_call]") {
    const tandem::bound_call bound = call(note, "x", 1, std::vector<int>());
    bound();
    CHECK(made == "x10");
}
