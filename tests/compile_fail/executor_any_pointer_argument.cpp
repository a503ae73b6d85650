// expect: a pointer cannot travel to another process
// SPDX-License-Identifier: BSL-1.0
#include <tandem/executor/any_executor.hpp>

int run(tandem::any_executor& e, int* number) {
    return e.apply([](int* x) { return *x; }, number);
}
