// expect: a mutex, an atomic or a condition variable cannot travel
// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/codec.hpp>

#include <condition_variable>

void send(tandem::writer& to, const std::condition_variable& value) { tandem::encode(to, value); }
