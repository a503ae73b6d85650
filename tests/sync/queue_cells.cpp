// SPDX-License-Identifier: BSL-1.0
#include <tandem/sync/queue_cells.hpp>

#include "../support/catch.hpp"
#include "../support/counted.hpp"

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using tandem::detail::moves_quietly;
using tandem::detail::slots;

namespace {

template <class T>
constexpr bool quiet = moves_quietly<T, std::allocator<T>>;

struct noexcept_but_foreign {
    noexcept_but_foreign(noexcept_but_foreign&&) noexcept {}
    noexcept_but_foreign& operator=(noexcept_but_foreign&&) noexcept { return *this; }
};
struct foreign_delete {
    void operator()(int*) const noexcept {}
};

}  // namespace

// Only what is known to be short and to run no code of the user's moves under the mutex.
static_assert(quiet<int> && quiet<bool> && quiet<void*> && quiet<std::pair<int, double>>);
static_assert(quiet<std::array<char, 128>> && !quiet<std::array<char, 129>>);
static_assert(quiet<std::string> && quiet<std::vector<std::string>> && quiet<std::optional<int>>);
static_assert(quiet<std::unique_ptr<int>> && quiet<std::shared_ptr<int>>);
static_assert(!quiet<noexcept_but_foreign> && !quiet<std::optional<noexcept_but_foreign>>);
static_assert(!quiet<std::unique_ptr<int, foreign_delete>>);
static_assert(!quiet<const int> && !quiet<counted>);
static_assert(moves_quietly<int, counting_allocator<int>>);
static_assert(!moves_quietly<int, constructing_allocator<int>>);

TEST_CASE("a bounded queue has its slots in one block", "[queue_cells]") {
    allocations::reset();
    {
        slots<counted, counting_allocator<counted>> all(2, {});
        CHECK(allocations::made == 1);
        auto* const a = all.take();
        auto* const b = all.take();
        CHECK(a != b);
        all.give_back(a);
        CHECK(all.take() == a);
        all.construct(a, 7);
        CHECK(a->value.value == 7);
        all.destroy(a);
        all.give_back(a);
        all.give_back(b);
    }
    CHECK(allocations::made == 1);
    CHECK(allocations::freed == 1);
}

TEST_CASE("an unbounded queue keeps some slots and frees the others", "[queue_cells]") {
    allocations::reset();
    {
        slots<counted, counting_allocator<counted>> all(tandem::unbounded, {});
        std::vector<tandem::detail::slot<counted>*> taken;
        for (int i = 0; i < 100; ++i) taken.push_back(all.take());
        CHECK(allocations::made == 100);
        for (auto* one : taken) all.give_back(one);
        CHECK((allocations::freed > 0 && allocations::freed < 100));
        const int before = allocations::made;
        all.give_back(all.take());
        CHECK(allocations::made == before);
    }
    CHECK(allocations::made == allocations::freed);
}
