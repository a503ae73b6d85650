// expect: captures or state, which cannot be checked for
// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/process_pool.hpp>

int ask(tandem::process_pool& pool, int n) {
    return pool.submit([n](int x) { return x + n; }, 1).get();
}
