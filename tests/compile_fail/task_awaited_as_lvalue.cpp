// expect: co_await std::move(x)
// SPDX-License-Identifier: BSL-1.0
#include <tandem/coroutine/task.hpp>

tandem::task<int> gives();

tandem::task<> awaits_a_name() {
    auto x = gives();
    co_await x;
}
