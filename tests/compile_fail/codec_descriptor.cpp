// expect: a file descriptor cannot travel as data
// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/unique_fd.hpp>
#include <tandem/ipc/codec.hpp>

void send(tandem::writer& to, const tandem::unique_fd& value) { tandem::encode(to, value); }
