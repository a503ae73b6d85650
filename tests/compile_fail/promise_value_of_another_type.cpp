// expect: no matching
// SPDX-License-Identifier: BSL-1.0
#include <tandem/future/promise.hpp>

void set(tandem::promise<long>& p, int* number) { p.set_value(number); }
