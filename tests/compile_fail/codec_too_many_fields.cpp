// expect: an aggregate of more than 32 fields cannot travel as it is
// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/codec.hpp>

struct wide {
    int a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11;
    int b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11;
    int c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11;
};

void send(tandem::writer& to, const wide& value) { tandem::encode(to, value); }
