// expect: a pointer cannot travel to another process
// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/codec.hpp>

void send(tandem::writer& to, int* value) { tandem::encode(to, value); }
