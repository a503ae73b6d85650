// expect: delegation
// SPDX-License-Identifier: BSL-1.0
#include <tandem/coroutine/generator.hpp>

#include <utility>

tandem::generator<int> inner() { co_yield 1; }
tandem::generator<int> outer() {
    auto kept = tandem::yield_from(inner());  // inner() is gone
    co_await std::move(kept);
}
