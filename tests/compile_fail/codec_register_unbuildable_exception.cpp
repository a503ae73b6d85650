// expect: an exception type can be registered if it has a codec
// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/exception_codec.hpp>

#include <exception>

class failure : public std::exception {
   public:
    failure(int code, int line) : code_(code + line) {}
    int code() const { return code_; }

   private:
    int code_;
};

const bool registered = tandem::register_exception<failure>();
