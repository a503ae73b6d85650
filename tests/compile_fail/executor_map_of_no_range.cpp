// expect: no matching
// SPDX-License-Identifier: BSL-1.0
#include <tandem/executor/inline_executor.hpp>

void run(tandem::inline_executor& e) {
    e.map([](int x) { return x; }, 5);
}
