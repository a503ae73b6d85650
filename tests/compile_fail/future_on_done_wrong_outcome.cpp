// expect: no matching
// SPDX-License-Identifier: BSL-1.0
#include <tandem/future/future.hpp>

void listen(tandem::future<int> f) {
    f.on_done([](int) {});
}
