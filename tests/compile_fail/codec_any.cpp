// expect: a std::any cannot travel
// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/codec.hpp>

#include <any>
#include <tuple>

void send(tandem::writer& to, const std::tuple<int, std::any>& value) { tandem::encode(to, value); }
