// expect: a pointer
// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/process_pool.hpp>

int ask(tandem::process_pool& pool, int* x) {
    return pool.apply([](int* p) { return *p; }, x);
}
