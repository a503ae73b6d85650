// expect: a view or a reference (string_view, span
// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/codec.hpp>

#include <string_view>

std::string_view receive(tandem::reader& from) { return tandem::decode<std::string_view>(from); }
