// expect: captures or state, which cannot be checked for
// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/process_pool.hpp>

#include <functional>

int ask(tandem::process_pool& pool, const std::function<int(int)>& f) { return pool.apply(f, 1); }
