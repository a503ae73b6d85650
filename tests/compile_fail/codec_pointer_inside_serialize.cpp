// expect: a pointer cannot travel to another process
// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/codec.hpp>

struct text {
    const char* words = nullptr;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(words);
    }
};

void send(tandem::writer& to, const text& value) { tandem::encode(to, value); }
