// SPDX-License-Identifier: BSL-1.0
#include <tandem/async/tcp.hpp>

#include "tools.hpp"

#include <tandem/async/serve.hpp>
#include <tandem/async/spawn.hpp>
#include <tandem/testing/leak_check.hpp>

#include <string>
#include <utility>

#include <sys/socket.h>

using namespace async_tests;
using tandem::stream;
using tandem::task;
namespace tcp = tandem::tcp;

namespace {

task<> connect_to(std::string host, int port, frame_mark = {}) {
    co_await tcp::connect(host, port);
}
task<> listen_on(std::string host, int port, tcp::listen_options options = {}, frame_mark = {}) {
    co_await tcp::listen(host, port, options);
}
task<> read_line_of(stream& from, frame_mark = {}) { co_await from.read_line(); }

}  // namespace

TEST_CASE("a name is connected to, whichever of its addresses listens", "[tcp]") {
    const auto main = []() -> task<> {
        auto listens = co_await tcp::listen("127.0.0.1", 0);
        // "localhost" may stand for ::1 too, where nobody listens.
        auto near = co_await tcp::connect("localhost", listens.port());
        auto far = co_await listens.accept();
        co_await far.write("x\n");
        const auto line = co_await near.read_line();
        CHECK(line == "x");
    };
    run(main());
}

TEST_CASE("nobody there is an error that names the address", "[tcp]") {
    const auto main = []() -> task<> {
        auto listens = co_await tcp::listen("127.0.0.1", 0);
        const int port = listens.port();
        const auto in_use = co_await failure_of(listen_on("127.0.0.1", port));
        CHECK(in_use ==
              "cannot bind to 127.0.0.1:" + std::to_string(port) + ": Address already in use");
        listens.close();
        const auto refused = co_await failure_of(connect_to("127.0.0.1", port));
        CHECK(refused ==
              "cannot connect to 127.0.0.1:" + std::to_string(port) + ": Connection refused");
    };
    const tandem::testing::leak_check before;
    run(main());
    CHECK(before.check() == "");
}

TEST_CASE("a port can be shared by those who say so", "[tcp]") {
    const auto main = []() -> task<> {
        auto first = co_await tcp::listen("127.0.0.1", 0, {.reuse_port = true});
        const auto second =
            co_await failure_of(listen_on("127.0.0.1", first.port(), {.reuse_port = true}));
        CHECK(second == "");
    };
    run(main());
}

TEST_CASE("a connect can be cancelled, at once or while it waits", "[tcp]") {
    const auto main = []() -> task<> {
        // Nobody accepts, and the backlog is full: the system drops what comes.
        auto listens = co_await tcp::listen("127.0.0.1", 0, {.backlog = 1});
        std::vector<tandem::task_handle<>> many;
        std::vector<stream> connected;
        for (int i = 0; i < 8; ++i) {
            many.push_back(tandem::spawn(connect_to("127.0.0.1", listens.port())));
        }
        co_await tandem::sleep_for(5ms);
        int waiting = 0;
        for (auto& one : many) waiting += one.cancel() ? 1 : 0;
        CHECK(waiting > 0);
        co_await tandem::yield_now();
        for (auto& one : many) CHECK(one.done());
        auto early = tandem::spawn(connect_to("127.0.0.1", listens.port()));
        early.cancel();
        co_await tandem::yield_now();
        CHECK(early.done());
    };
    const tandem::testing::leak_check before;
    run(main());
    CHECK(before.check() == "");
}

TEST_CASE("a reset by the peer is an error of the reader", "[tcp]") {
    const auto main = []() -> task<> {
        auto listens = co_await tcp::listen("127.0.0.1", 0);
        auto near = co_await tcp::connect("127.0.0.1", listens.port());
        auto far = co_await listens.accept();
        auto reads = tandem::spawn(failure_of(read_line_of(far)));
        co_await tandem::yield_now();
        const ::linger at_once{1, 0};
        ::setsockopt(near.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        near.close();
        const auto failure = co_await std::move(reads);
        CHECK(failure == "cannot read from the stream: Connection reset by peer");
    };
    run(main());
}
