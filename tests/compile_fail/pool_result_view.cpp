// expect: string_view
// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/process_pool.hpp>

#include <string_view>

void ask(tandem::process_pool& pool) {
    pool.apply([] { return std::string_view("text"); });
}
