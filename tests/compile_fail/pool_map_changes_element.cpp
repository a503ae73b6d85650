// expect: so it may not change them
// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/process_pool.hpp>

#include <vector>

void ask(tandem::process_pool& pool, std::vector<int>& numbers) {
    pool.for_each([](int& x) { ++x; }, numbers);
}
