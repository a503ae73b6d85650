// SPDX-License-Identifier: BSL-1.0
#include <tandem/async/unix_socket.hpp>

#include "tools.hpp"

#include <tandem/async/spawn.hpp>
#include <tandem/testing/leak_check.hpp>

#include <string>
#include <utility>

#include <unistd.h>

using namespace async_tests;
using tandem::task;
namespace unix_socket = tandem::unix_socket;

namespace {

task<> connect_to(std::string path, frame_mark = {}) { co_await unix_socket::connect(path); }

}  // namespace

TEST_CASE("two tasks talk over a local socket", "[unix_socket]") {
    const auto main = [](std::string path) -> task<> {
        auto listens = unix_socket::listen(path);
        CHECK(listens.address().host() == path);
        auto near = co_await unix_socket::connect(path);
        auto far = co_await listens.accept();
        co_await near.write("there\n");
        const auto there = co_await far.read_line();
        CHECK(there == "there");
        co_await far.write("back\n");
        const auto back = co_await near.read_line();
        CHECK(back == "back");
    };
    const tandem::testing::leak_check before;
    run(main(std::string("\0tandem test ", 13) + std::to_string(::getpid())));
    const auto file = "/tmp/tandem_test_" + std::to_string(::getpid());
    run(main(file));
    CHECK(::unlink(file.c_str()) == 0);
    CHECK(run(failure_of(connect_to(file))) ==
          "cannot connect to " + file + ": No such file or directory");
    CHECK(before.check() == "");
}

TEST_CASE("a pipe has a reading and a writing end", "[unix_socket]") {
    const auto main = []() -> task<> {
        auto [in, out] = tandem::pipe_streams();
        co_await out.write("a line\n");
        const auto line = co_await in.read_line();
        CHECK(line == "a line");
        out.close();
        const auto end = co_await in.read_line();
        CHECK_FALSE(end);
    };
    run(main());
}
