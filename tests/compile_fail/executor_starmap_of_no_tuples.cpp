// expect: tandem: the callable cannot be called with the elements of this range
// SPDX-License-Identifier: BSL-1.0
#include <tandem/executor/inline_executor.hpp>

#include <vector>

void run(tandem::inline_executor& e, const std::vector<int>& numbers) {
    e.starmap([](int x) { return x; }, numbers);
}
