// expect: frames hold nothing over-aligned
// SPDX-License-Identifier: BSL-1.0
#include <tandem/coroutine/task.hpp>

struct alignas(64) cache_line {
    int value;
};

tandem::task<cache_line> gives() { co_return cache_line{}; }
