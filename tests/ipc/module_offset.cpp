// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/module_offset.hpp>

#include "support/catch.hpp"

#include <cstdlib>
#include <limits>
#include <memory>

#include <dlfcn.h>

using namespace tandem::detail;

namespace {

int code(int x) { return x + 1; }
int written_data = 5;
const int constant_data = 6;

}  // namespace

TEST_CASE("a function and a variable of the program are found again", "[module_offset]") {
    const void* const function = reinterpret_cast<const void*>(&code);
    CHECK(address_of(offset_of(function), PF_X) == function);
    CHECK(address_of(offset_of(&written_data), PF_R) == &written_data);
    CHECK(address_of(offset_of(&constant_data), PF_R) == &constant_data);
}

TEST_CASE("a function of a shared library is found again", "[module_offset]") {
    void* const function = ::dlsym(RTLD_DEFAULT, "gnu_get_libc_version");
    REQUIRE(function);
    const auto place = offset_of(function);
    CHECK(address_of(place, PF_X) == function);
    CHECK(place.module != offset_of(&written_data).module);
}

TEST_CASE("data is not found as code", "[module_offset]") {
    CHECK(address_of(offset_of(&written_data), PF_X) == nullptr);
}

TEST_CASE("a place that no module has is nowhere", "[module_offset]") {
    const auto place = offset_of(&written_data);
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    for (const auto& wrong :
         {module_offset{place.module + 1, place.offset}, module_offset{place.module, most},
          module_offset{place.module, most / 2}, module_offset{0, 0}, module_offset{most, most}}) {
        CHECK(address_of(wrong, PF_R) == nullptr);
    }
}

TEST_CASE("what is in no module cannot travel", "[module_offset]") {
    const int on_the_stack = 0;
    const auto on_the_heap = std::make_unique<int>(1);
    CHECK_THROWS_AS(offset_of(&on_the_stack), tandem::codec_error);
    CHECK_THROWS_AS(offset_of(on_the_heap.get()), tandem::codec_error);
    CHECK_THROWS_AS(offset_of(nullptr), tandem::codec_error);
}
