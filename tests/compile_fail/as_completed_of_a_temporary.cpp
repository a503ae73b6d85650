// expect: no matching
// SPDX-License-Identifier: BSL-1.0
#include <tandem/future/as_completed.hpp>

#include <vector>

std::vector<tandem::future<int>> make();

void read() {
    for (auto item : tandem::as_completed(make())) static_cast<void>(item);
}
