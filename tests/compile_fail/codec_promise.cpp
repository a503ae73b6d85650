// expect: a future or promise cannot travel to another process
// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/codec.hpp>

#include <future>

void send(tandem::writer& to, const std::promise<int>& value) { tandem::encode(to, value); }
