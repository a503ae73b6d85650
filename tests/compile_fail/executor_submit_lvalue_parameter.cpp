// expect: tandem: the callable cannot be called with these arguments
// SPDX-License-Identifier: BSL-1.0
#include <tandem/executor/thread_pool.hpp>

// The call gets a copy: whoever means the original says std::ref.
void run(tandem::thread_pool& pool, int number) {
    static_cast<void>(pool.submit([](int& x) { ++x; }, number));
}
