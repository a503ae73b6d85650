// expect: a class with constructors or private members cannot travel as it is
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

void send(tandem::writer& to, const std::vector<account>& value) { tandem::encode(to, value); }
