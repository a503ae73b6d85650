// SPDX-License-Identifier: BSL-1.0
// tests/support/long_chain.hpp: how many links a chain has that must not need a stack.
#pragma once

#include <tandem/core/config.hpp>

// ThreadSanitizer keeps a record of every mutex and needs minutes for a million of them.
inline constexpr int long_chain = TANDEM_TSAN ? 50'000 : 1'000'000;
