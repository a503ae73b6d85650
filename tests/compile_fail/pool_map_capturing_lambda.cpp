// expect: captures or state, which cannot be checked for
// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/process_pool.hpp>

#include <vector>

std::vector<int> ask(tandem::process_pool& pool, int n) {
    return pool.map([&n](int x) { return x + n; }, std::vector<int>{1, 2});
}
