// expect: a polymorphic class cannot travel
// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/codec.hpp>

#include <optional>

struct animal {
    virtual ~animal() = default;
    int legs = 4;
};

void send(tandem::writer& to, const std::optional<animal>& value) { tandem::encode(to, value); }
