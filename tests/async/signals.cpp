// SPDX-License-Identifier: BSL-1.0
#include <tandem/async/signals.hpp>

#include "tools.hpp"

#include <tandem/async/serve.hpp>
#include <tandem/async/spawn.hpp>
#include <tandem/async/tcp.hpp>
#include <tandem/async/timeout.hpp>
#include <tandem/testing/leak_check.hpp>

#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include <signal.h>

using namespace async_tests;
using tandem::signal_received;
using tandem::signal_watch;
using tandem::task;

namespace {

task<int> next_of(signal_watch& from, frame_mark = {}) { co_return co_await from.next(); }
bool is_default(int signal) {
    struct sigaction now{};
    ::sigaction(signal, nullptr, &now);
    return now.sa_handler == SIG_DFL;
}

}  // namespace

TEST_CASE("a task waits for a signal", "[signals]") {
    const auto main = []() -> task<> {
        auto waits = tandem::spawn(signal_received(SIGUSR1));
        co_await tandem::yield_now();
        CHECK_FALSE(is_default(SIGUSR1));
        ::raise(SIGUSR1);
        co_await std::move(waits);
        CHECK(is_default(SIGUSR1));
    };
    const tandem::testing::leak_check before;
    run(main());
    CHECK(before.check() == "");
}

TEST_CASE("a signal that comes while nobody waits is kept, and each watch gets it", "[signals]") {
    const auto main = []() -> task<> {
        signal_watch first({SIGUSR1, SIGUSR2}), second(SIGUSR1);
        ::raise(SIGUSR2);
        ::raise(SIGUSR1);
        ::raise(SIGUSR1);
        const int a = co_await first.next();
        const int b = co_await first.next();
        const int c = co_await second.next();
        CHECK(a + b == SIGUSR1 + SIGUSR2);
        CHECK(c == SIGUSR1);
        const auto none = co_await tandem::move_on_after(1ms, next_of(first));
        CHECK_FALSE(none);
        signal_watch moved = std::move(first);
        CHECK_THROWS_AS(first.next(), tandem::invalid_state);
        // From another thread, again and again.
        for (int i = 0; i < 20; ++i) {
            std::thread sender([] { ::raise(SIGUSR2); });
            const int d = co_await moved.next();
            CHECK(d == SIGUSR2);
            sender.join();
        }
    };
    run(main());
    CHECK(is_default(SIGUSR1));
    CHECK(is_default(SIGUSR2));
}

TEST_CASE("a wait for a signal can be cancelled", "[signals]") {
    const auto main = []() -> task<> {
        auto waits = tandem::spawn(signal_received(SIGUSR1));
        co_await tandem::yield_now();
        waits.cancel();
        co_await tandem::yield_now();
        CHECK(waits.done());
        CHECK(is_default(SIGUSR1));
    };
    run(main());
}

TEST_CASE("signals that cannot be waited for are told", "[signals]") {
    CHECK_THROWS_AS(signal_watch(SIGKILL), std::invalid_argument);
    CHECK_THROWS_AS(signal_watch(0), std::invalid_argument);
    CHECK_THROWS_AS(signal_watch(64), std::invalid_argument);
    CHECK_THROWS_AS(signal_watch({}), std::invalid_argument);
}

TEST_CASE("SIGTERM ends a server, which lets its handlers end", "[signals]") {
    const auto main = []() -> task<> {
        auto listens = co_await tandem::tcp::listen("127.0.0.1", 0);
        const auto handler = [](tandem::stream peer) -> task<> {
            const auto line = co_await peer.read_line();
            co_await tandem::sleep_for(2ms);
            co_await peer.write(*line + "\n");
        };
        const auto ends = [](tandem::listener& what) -> task<> {
            co_await signal_received(SIGTERM);
            what.close();
        };
        auto stop = tandem::spawn(ends(listens));
        auto serves = tandem::spawn(tandem::serve(listens, handler));
        auto peer = co_await tandem::tcp::connect("127.0.0.1", listens.port());
        co_await peer.write("last words\n");
        co_await tandem::sleep_for(1ms);
        ::raise(SIGTERM);
        const auto answer = co_await peer.read_line();
        CHECK(answer == "last words");
        co_await std::move(serves);
        co_await std::move(stop);
    };
    run(main());
}
