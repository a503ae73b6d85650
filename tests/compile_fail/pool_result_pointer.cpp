// expect: a pointer
// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/process_pool.hpp>

void ask(tandem::process_pool& pool) {
    pool.apply([]() -> int* { return nullptr; });
}
