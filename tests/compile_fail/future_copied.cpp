// expect: deleted
// SPDX-License-Identifier: BSL-1.0
#include <tandem/future/future.hpp>

tandem::future<int> copy(const tandem::future<int>& f) { return f; }
