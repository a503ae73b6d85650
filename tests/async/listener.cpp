// SPDX-License-Identifier: BSL-1.0
#include <tandem/async/listener.hpp>

#include "tools.hpp"

#include <tandem/async/spawn.hpp>
#include <tandem/async/tcp.hpp>
#include <tandem/testing/leak_check.hpp>

#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace async_tests;
using tandem::listener;
using tandem::stream;
using tandem::task;

namespace {

task<stream> accept_one(listener& from, frame_mark = {}) { co_return co_await from.accept(); }
task<> accept_and_drop(listener& from, frame_mark = {}) { co_await from.accept(); }

}  // namespace

TEST_CASE("a listener has the port that was free", "[listener]") {
    const auto main = []() -> task<> {
        auto listens = co_await tandem::tcp::listen("127.0.0.1", 0);
        CHECK(listens.port() > 0);
        CHECK(listens.address().text() == "127.0.0.1:" + std::to_string(listens.port()));
        auto accepts = tandem::spawn(accept_one(listens));
        auto near = co_await tandem::tcp::connect("127.0.0.1", listens.port());
        auto far = co_await std::move(accepts);
        co_await near.write("hello\n");
        const auto line = co_await far.read_line();
        CHECK(line == "hello");
    };
    const tandem::testing::leak_check before;
    run(main());
    CHECK(before.check() == "");
}

TEST_CASE("to close a listener, or to cancel, ends an accept", "[listener]") {
    const auto main = []() -> task<> {
        auto listens = co_await tandem::tcp::listen("127.0.0.1", 0);
        auto first = tandem::spawn(failure_of(accept_and_drop(listens)));
        co_await tandem::yield_now();
        const auto second = co_await failure_of(accept_and_drop(listens));
        CHECK(second.find("two tasks read from") == 0);
        first.cancel();
        const auto cancelled = co_await std::move(first);
        CHECK(cancelled == "cancelled");
        auto third = tandem::spawn(failure_of(accept_and_drop(listens)));
        co_await tandem::yield_now();
        listens.close();
        const auto closed = co_await std::move(third);
        CHECK(closed == "it was closed while a task waited");
        CHECK_FALSE(listens.is_open());
        const auto again = co_await failure_of(accept_and_drop(listens));
        CHECK(again == "it is closed");
    };
    const tandem::testing::leak_check before;
    run(main());
    CHECK(before.check() == "");
}

TEST_CASE("an accept without descriptors is an error, and the connection waits", "[listener]") {
    const auto main = []() -> task<> {
        auto listens = co_await tandem::tcp::listen("127.0.0.1", 0);
        auto near = co_await tandem::tcp::connect("127.0.0.1", listens.port());
        const tandem::unique_fd spare(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        ::rlimit before{};
        ::getrlimit(RLIMIT_NOFILE, &before);
        ::rlimit none = before;
        none.rlim_cur = 0;
        ::setrlimit(RLIMIT_NOFILE, &none);
        const auto failure = co_await failure_of(accept_and_drop(listens));
        ::setrlimit(RLIMIT_NOFILE, &before);
        CHECK(failure == "cannot accept a connection: Too many open files");
        auto far = co_await listens.accept();
        co_await near.write("still there");
        const auto got = co_await far.read_exactly(11);
        CHECK(got == "still there");
    };
    run(main());
}
