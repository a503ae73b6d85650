// expect: string_view
// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/process_pool.hpp>

#include <string_view>
#include <vector>

struct line {
    int number;
    std::string_view text;
};

std::size_t ask(tandem::process_pool& pool, const std::vector<line>& lines) {
    return pool.apply([](const std::vector<line>& v) { return v.size(); }, lines);
}
