// expect: a pointer to a function cannot travel as data
// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/codec.hpp>

struct job {
    int (*work)(int);
};

void send(tandem::writer& to, const job& value) { tandem::encode(to, value); }
