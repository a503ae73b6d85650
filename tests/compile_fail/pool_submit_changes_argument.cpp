// expect: so it may not change them
// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/process_pool.hpp>

void ask(tandem::process_pool& pool) {
    int n = 1;
    pool.apply([](int& x) { ++x; }, n);
}
