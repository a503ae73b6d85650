// expect: await_transform
// SPDX-License-Identifier: BSL-1.0
#include <tandem/coroutine/generator.hpp>

#include <coroutine>

tandem::generator<int> waits() { co_await std::suspend_always(); }
