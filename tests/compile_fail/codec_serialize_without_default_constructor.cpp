// expect: a class that is loaded by serialize(archive) must be default
// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/codec.hpp>

class score {
   public:
    explicit score(int points) : points_(points) {}
    template <class Archive>
    void serialize(Archive& archive) {
        archive(points_);
    }

   private:
    int points_;
};

void send(tandem::writer& to, const score& value) { tandem::encode(to, value); }
