// expect: cannot be called with these arguments in another process
// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/process.hpp>

void change(int& x) { ++x; }
void start(int x) { tandem::process child(change, x); }
