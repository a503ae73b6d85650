// expect: tandem: the callable cannot be called with the elements of this range
// SPDX-License-Identifier: BSL-1.0
#include <tandem/executor/thread_pool.hpp>

#include <vector>

void run(tandem::thread_pool& pool, const std::vector<int>& numbers) {
    pool.for_each([](int& x) { ++x; }, numbers);
}
