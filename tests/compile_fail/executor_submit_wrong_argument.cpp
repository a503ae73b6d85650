// expect: tandem: the callable cannot be called with these arguments
// SPDX-License-Identifier: BSL-1.0
#include <tandem/executor/thread_pool.hpp>

#include <string>

void run(tandem::thread_pool& pool) {
    static_cast<void>(pool.submit([](int x) { return x; }, std::string()));
}
