// expect: tandem: this callable has captures or state
// SPDX-License-Identifier: BSL-1.0
#include <tandem/executor/any_executor.hpp>

int run(tandem::any_executor& e, int offset) {
    return e.apply([offset](int x) { return x + offset; }, 1);
}
