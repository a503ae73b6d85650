// expect: captures or state, which cannot be checked for
// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/process_pool.hpp>

void start(int n) {
    tandem::process_pool pool({.workers = 1, .initializer = tandem::call([n] { return n; })});
}
