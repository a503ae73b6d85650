// expect: a pointer cannot travel to another process
// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/codec.hpp>

#include <vector>

void send(tandem::writer& to, const std::vector<const char*>& value) { tandem::encode(to, value); }
