// expect: captures or state, which cannot be checked for
// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/process_pool.hpp>

struct adder {
    int n;
    int operator()(int x) const { return x + n; }
};

int ask(tandem::process_pool& pool) { return pool.apply(adder{2}, 1); }
