// expect: a polymorphic class cannot travel
// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/codec.hpp>

#include <memory>

struct animal {
    virtual ~animal() = default;
};

void send(tandem::writer& to, const std::unique_ptr<animal>& value) { tandem::encode(to, value); }
