// expect: mutex
// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/process_pool.hpp>

#include <mutex>

void ask(tandem::process_pool& pool, std::mutex& m) {
    pool.apply([](std::mutex& given) { given.lock(); }, m);
}
