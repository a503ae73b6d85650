// expect: a mutex, an atomic or a condition variable cannot travel
// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/codec.hpp>

#include <mutex>

struct account {
    std::mutex guard;
    int balance;
};

void send(tandem::writer& to, const account& value) { tandem::encode(to, value); }
