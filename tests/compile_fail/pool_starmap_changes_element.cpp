// expect: so it may not change them
// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/process_pool.hpp>

#include <tuple>
#include <vector>

void ask(tandem::process_pool& pool, std::vector<std::tuple<int, int>>& pairs) {
    pool.starmap([](int& x, int y) { x += y; }, pairs);
}
