// expect: bitwise(f) needs every capture to be plain data
// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/process_pool.hpp>

#include <string>

int ask(tandem::process_pool& pool, const std::string& s) {
    return pool.apply(tandem::bitwise([s](int x) { return x + static_cast<int>(s.size()); }), 1);
}
