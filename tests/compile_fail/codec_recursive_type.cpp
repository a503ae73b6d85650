// expect-ok
// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/codec.hpp>

#include <memory>
#include <vector>

struct tree {
    int value;
    std::vector<tree> children;
    std::unique_ptr<tree> other;
};

void send(tandem::writer& to, const tree& value) { tandem::encode(to, value); }
tree receive(tandem::reader& from) { return tandem::decode<tree>(from); }
