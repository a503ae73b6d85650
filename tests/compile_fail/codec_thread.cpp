// expect: a thread cannot travel to another process
// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/codec.hpp>

#include <thread>
#include <vector>

void send(tandem::writer& to, const std::vector<std::thread>& value) { tandem::encode(to, value); }
