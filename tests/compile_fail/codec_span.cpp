// expect: a view or a reference (string_view, span
// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/codec.hpp>

#include <span>

void send(tandem::writer& to, const std::span<int>& value) { tandem::encode(to, value); }
