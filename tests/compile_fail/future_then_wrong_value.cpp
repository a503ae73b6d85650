// expect: tandem: then() needs a callable that takes the future's value
// SPDX-License-Identifier: BSL-1.0
#include <tandem/future/future.hpp>

#include <string>

void chain(tandem::future<int> f) {
    static_cast<void>(f.then([](const std::string&) {}));
}
