// expect: a std::function or a callable with state cannot travel
// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/codec.hpp>

void send(tandem::writer& to, int n) {
    const auto add = [n](int x) { return x + n; };
    tandem::encode(to, add);
}
