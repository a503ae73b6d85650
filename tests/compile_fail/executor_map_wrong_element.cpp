// expect: tandem: the callable cannot be called with the elements of this range
// SPDX-License-Identifier: BSL-1.0
#include <tandem/executor/inline_executor.hpp>

#include <string>
#include <vector>

void run(tandem::inline_executor& e, const std::vector<std::string>& texts) {
    e.map([](int x) { return x; }, texts);
}
