// expect: a std::function or a callable with state cannot travel
// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/codec.hpp>

#include <functional>

void send(tandem::writer& to, const std::function<int(int)>& value) { tandem::encode(to, value); }
