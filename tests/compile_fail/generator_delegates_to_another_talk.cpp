// expect: await_transform
// SPDX-License-Identifier: BSL-1.0
#include <tandem/coroutine/generator.hpp>

#include <string>

tandem::generator<int, std::string> hears_strings() { co_yield 1; }
tandem::generator<int, int> hears_numbers() { co_await tandem::yield_from(hears_strings()); }
