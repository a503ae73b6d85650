// expect: span
// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/process_pool.hpp>

#include <span>
#include <vector>

struct part {
    std::span<int> numbers;
};

void ask(tandem::process_pool& pool) {
    pool.map([](int) { return part(); }, std::vector<int>{1});
}
