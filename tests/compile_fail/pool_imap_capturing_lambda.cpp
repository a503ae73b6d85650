// expect: captures or state, which cannot be checked for
// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/process_pool.hpp>

#include <vector>

void ask(tandem::process_pool& pool, int n) {
    for (int x : pool.imap([n](int y) { return y + n; }, std::vector<int>{1, 2})) n += x;
}
