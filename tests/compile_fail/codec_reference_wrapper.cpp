// expect: a view or a reference (string_view, span
// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/codec.hpp>

#include <functional>

struct job {
    std::reference_wrapper<int> total;
};

void send(tandem::writer& to, const job& value) { tandem::encode(to, value); }
