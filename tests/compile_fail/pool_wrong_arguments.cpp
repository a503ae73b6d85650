// expect: cannot be called with these arguments in another process
// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/process_pool.hpp>

#include <string>

void ask(tandem::process_pool& pool) {
    pool.apply([](int x) { return x; }, std::string("text"));
}
