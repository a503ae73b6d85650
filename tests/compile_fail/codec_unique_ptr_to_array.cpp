// expect: a pointer cannot travel to another process
// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/codec.hpp>

#include <memory>

void send(tandem::writer& to, const std::unique_ptr<int[]>& value) { tandem::encode(to, value); }
