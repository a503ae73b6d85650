// expect: a pointer to a member cannot travel
// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/codec.hpp>

struct point {
    int x, y;
};
struct choice {
    int point::* which;
};

void send(tandem::writer& to, const choice& value) { tandem::encode(to, value); }
