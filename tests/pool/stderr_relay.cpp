// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/stderr_relay.hpp>

#include "pool/tools.hpp"

#include <string>

#include <fcntl.h>
#include <unistd.h>

using namespace tandem::detail;
using tandem::unique_fd;

namespace {

// Puts another file in the place of stderr.
class instead_of_stderr {
   public:
    explicit instead_of_stderr(int fd) : kept_(::fcntl(2, F_DUPFD_CLOEXEC, 3)) { ::dup2(fd, 2); }
    ~instead_of_stderr() { ::dup2(kept_.get(), 2); }

   private:
    unique_fd kept_;
};
void put(const unique_fd& fd, const std::string& text) {
    REQUIRE(::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

}  // namespace

TEST_CASE("what a worker writes is passed on, and its end remembered", "[stderr_relay]") {
    tools::leaves_nothing([] {
        int out[2];
        REQUIRE(::pipe2(out, O_CLOEXEC) == 0);
        const unique_fd in(out[0]);
        const unique_fd to(out[1]);
        stderr_relay relay(5);
        stderr_tail tail;
        auto worker = tail.open();
        {
            const instead_of_stderr here(to.get());
            put(worker, "abc");
            CHECK(relay.read(tail));
            put(worker, "defg");
            worker.reset();
            CHECK_FALSE(relay.read(tail));
        }
        CHECK(tail.last == "cdefg");
        CHECK_FALSE(tail.pipe);
        char text[8] = {};
        CHECK(::read(in.get(), text, sizeof text) == 7);
        CHECK(text == std::string("abcdefg"));
    });
}

TEST_CASE("a full stderr holds up nobody but those who write to it", "[stderr_relay]") {
    tools::leaves_nothing([] {
        int out[2];
        REQUIRE(::pipe2(out, O_CLOEXEC) == 0);
        unique_fd in(out[0]);
        const unique_fd to(out[1]);
        stderr_relay relay(5);
        stderr_tail tail;
        const auto worker = tail.open();
        const instead_of_stderr here(to.get());
        set_nonblocking(to.get());
        std::string block(4096, 'x');
        while (::write(to.get(), block.data(), block.size()) > 0) {
        }
        put(worker, "late");
        CHECK(relay.read(tail));
        CHECK(relay.stuck());
        CHECK(tail.last == "late");
        put(worker, "r");
        CHECK(relay.read(tail));
        CHECK(tail.last == "late");  // not read while it is stuck
        CHECK(::read(in.get(), block.data(), block.size()) == 4096);
        relay.write();
        CHECK_FALSE(relay.stuck());
        CHECK(relay.read(tail));
        CHECK(tail.last == "later");
    });
}
