// expect: deleted
// SPDX-License-Identifier: BSL-1.0
#include <tandem/executor/thread_pool.hpp>

tandem::thread_pool copy(const tandem::thread_pool& pool) { return pool; }
