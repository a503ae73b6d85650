// expect: a pointer
// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/process_pool.hpp>

#include <string>

std::size_t ask(tandem::process_pool& pool, const char* text) {
    return pool.apply([](const std::string& s) { return s.size(); }, text);
}
