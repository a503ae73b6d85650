// expect: an aggregate with a base class that has fields cannot travel as it is
// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/codec.hpp>

struct named {
    int id;
};
struct person : named {
    int age;
};

void send(tandem::writer& to, const person& value) { tandem::encode(to, value); }
