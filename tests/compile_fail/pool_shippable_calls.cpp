// expect-ok
// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/process_pool.hpp>

#include <string>
#include <string_view>
#include <tuple>
#include <vector>

int twice(int x) { return 2 * x; }

int ask(tandem::process_pool& pool, const std::vector<int>& numbers) {
    const int n = static_cast<int>(numbers.size());
    auto all = pool.map(twice, numbers);
    pool.for_each([](const int& x) { return x; }, numbers);
    pool.apply([](std::string_view s) { return s.size(); }, "a literal");
    auto sums =
        pool.starmap([](int a, int b) { return a + b; }, std::vector<std::tuple<int, int>>{{1, 2}});
    return all[0] + sums[0] + pool.apply(tandem::bitwise([n](int x) { return x + n; }), 1) +
           pool.apply(tandem::fn<twice>, 2);
}
