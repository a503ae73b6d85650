// expect: send
// SPDX-License-Identifier: BSL-1.0
#include <tandem/coroutine/generator.hpp>

tandem::generator<int> numbers() { co_yield 1; }
void talks() { numbers().send(1); }
