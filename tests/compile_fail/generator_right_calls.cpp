// expect-ok
// SPDX-License-Identifier: BSL-1.0
// The twin of the generator_*.cpp beside it.
#include <tandem/coroutine/generator.hpp>

tandem::generator<int, int> inner() { co_yield 1; }
tandem::generator<int, int> outer() { co_await tandem::yield_from(inner()); }
void talks() {
    auto g = outer();
    g.next();
    g.send(1);
}
