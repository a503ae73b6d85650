// expect-ok
// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/codec.hpp>

#include <vector>

class account {
   public:
    explicit account(int balance) : balance_(balance) {}
    int balance() const { return balance_; }

   private:
    int balance_;
};

template <>
struct tandem::codec<account> {
    static void encode(writer& to, const account& value) { tandem::encode(to, value.balance()); }
    static account decode(reader& from) { return account(tandem::decode<int>(from)); }
};

void send(tandem::writer& to, const std::vector<account>& value) { tandem::encode(to, value); }
