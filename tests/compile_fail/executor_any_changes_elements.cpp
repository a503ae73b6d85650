// expect: so it may not change them
// SPDX-License-Identifier: BSL-1.0
#include <tandem/executor/any_executor.hpp>

#include <vector>

void run(tandem::any_executor& e, std::vector<int>& numbers) {
    e.for_each([](int& x) { ++x; }, numbers);
}
