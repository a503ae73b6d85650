// expect: an iterator cannot travel to another process
// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/codec.hpp>

#include <utility>
#include <vector>

void send(tandem::writer& to, const std::pair<int, std::vector<int>::iterator>& value) {
    tandem::encode(to, value);
}
