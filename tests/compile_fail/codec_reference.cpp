// expect: a reference cannot travel to another process
// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/codec.hpp>

struct view_of {
    int id;
    const double& value;
};

void send(tandem::writer& to, const view_of& value) { tandem::encode(to, value); }
