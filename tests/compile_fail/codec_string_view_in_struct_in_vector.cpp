// expect: a view or a reference (string_view, span
// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/codec.hpp>

#include <string_view>
#include <vector>

struct line {
    int number;
    std::string_view text;
};

void send(tandem::writer& to, const std::vector<line>& value) { tandem::encode(to, value); }
