// expect: string_view
// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/process_pool.hpp>

#include <string_view>
#include <vector>

std::vector<std::size_t> ask(tandem::process_pool& pool,
                             const std::vector<std::string_view>& words) {
    return pool.map([](std::string_view s) { return s.size(); }, words);
}
