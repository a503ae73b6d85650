// SPDX-License-Identifier: BSL-1.0
#include <tandem/executor/result_slots.hpp>

#include "../support/catch.hpp"

#include <memory>
#include <optional>
#include <vector>

using tandem::detail::result_slots;

TEST_CASE("result slots take plain, bool, move-only and undefaultable values", "[result_slots]") {
    struct no_default {
        explicit no_default(int v) : value(v) {}
        int value;
    };
    result_slots<int> plain(2);
    plain.set(1, 5);
    plain.set(0, 4);
    CHECK(plain.take() == std::vector{4, 5});
    result_slots<bool> bits(2);
    bits.set(0, true);
    bits.set(1, false);
    CHECK(bits.take() == std::vector{true, false});
    result_slots<std::unique_ptr<int>> owners(1);
    owners.set(0, std::make_unique<int>(3));
    CHECK(*owners.take()[0] == 3);
    result_slots<no_default> others(1);
    others.set(0, no_default(6));
    CHECK(others.take()[0].value == 6);
    result_slots<std::optional<int>> maybe(2);
    maybe.set(0, std::optional<int>());
    maybe.set(1, std::optional<int>(7));
    CHECK(maybe.take() == std::vector<std::optional<int>>{std::nullopt, 7});
}

TEST_CASE("small plain results may be put in several at a time", "[result_slots]") {
    static_assert(result_slots<int>::in_blocks && !result_slots<bool>::in_blocks &&
                  !result_slots<std::unique_ptr<int>>::in_blocks);
    result_slots<int> slots(5);
    const int some[] = {1, 2, 3};
    slots.set_block(1, some, 3);
    slots.set(0, 9);
    slots.set(4, 4);
    CHECK(slots.take() == std::vector{9, 1, 2, 3, 4});
}
