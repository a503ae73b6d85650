// expect: a shared_ptr or weak_ptr cannot travel
// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/codec.hpp>

#include <memory>

void send(tandem::writer& to, const std::weak_ptr<int>& value) { tandem::encode(to, value); }
