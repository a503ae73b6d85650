// expect: captures or state, which cannot be checked for
// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/process_pool.hpp>

struct number {
    int value = 0;
    int get() const { return value; }
};

int ask(tandem::process_pool& pool) { return pool.apply(&number::get, number{2}); }
