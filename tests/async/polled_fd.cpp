// SPDX-License-Identifier: BSL-1.0
#include <tandem/async/polled_fd.hpp>

#include "tools.hpp"

#include <tandem/async/stream_operations.hpp>
#include <tandem/core/unique_fd.hpp>

#include <utility>

#include <sys/socket.h>
#include <unistd.h>

using namespace async_tests;
using tandem::task;
using tandem::detail::polled_fd;

namespace {

// Takes a byte.
class takes_byte final : public tandem::detail::io_operation {
   public:
    explicit takes_byte(polled_fd& from) noexcept
        : io_operation(from, tandem::detail::ready_to_read), from_(from) {}
    char await_resume() const {
        throw_failure();
        return got_;
    }

   private:
    bool attempt() override {
        ++attempts;
        if (::read(from_.get(), &got_, 1) == 1) return true;
        return !from_.must_wait(tandem::detail::ready_to_read, errno);
    }
    polled_fd& from_;
    char got_ = 0;

   public:
    static inline int attempts = 0;
};
auto byte_of(polled_fd& from) { return tandem::detail::io_request<takes_byte, polled_fd>(from); }

}  // namespace

TEST_CASE("an operation tries first, then waits", "[polled_fd]") {
    const auto main = []() -> task<> {
        auto [near, far] = tandem::detail::make_socketpair(SOCK_STREAM | SOCK_NONBLOCK);
        polled_fd polled(std::move(near), true);
        CHECK(::write(far.get(), "ab", 2) == 2);
        takes_byte::attempts = 0;
        const char a = co_await byte_of(polled);
        CHECK(a == 'a');
        CHECK(takes_byte::attempts == 1);
        const char b = co_await byte_of(polled);
        CHECK(b == 'b');
        const auto takes = [](polled_fd& from) -> task<char> { co_return co_await byte_of(from); };
        auto waits = tandem::spawn(takes(polled));
        co_await tandem::yield_now();
        CHECK_FALSE(waits.done());
        CHECK(::write(far.get(), "c", 1) == 1);
        const char c = co_await std::move(waits);
        CHECK(c == 'c');
        CHECK(polled.release().get() >= 0);
        CHECK_FALSE(polled.is_open());
    };
    run(main());
}
