// expect: a union cannot travel
// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/codec.hpp>

union number {
    int whole;
    double real;
};

void send(tandem::writer& to, const number& value) { tandem::encode(to, value); }
