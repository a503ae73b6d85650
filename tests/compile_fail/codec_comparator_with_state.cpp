// expect: a container whose comparator or hash has state cannot travel
// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/codec.hpp>

#include <map>

void send(tandem::writer& to, const std::map<int, int, bool (*)(int, int)>& value) {
    tandem::encode(to, value);
}
