// SPDX-License-Identifier: BSL-1.0
#include <tandem/async/serve.hpp>

#include "tools.hpp"

#include <tandem/async/spawn.hpp>
#include <tandem/async/tcp.hpp>
#include <tandem/coroutine/when_all.hpp>
#include <tandem/testing/leak_check.hpp>

#include <fcntl.h>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

using namespace async_tests;
using tandem::listener;
using tandem::stream;
using tandem::task;
namespace tcp = tandem::tcp;

namespace {

task<> echo(stream peer) {
    while (auto line = co_await peer.read_line()) co_await peer.write(*line + "\n");
}
task<std::string> ask(int port, std::string text, frame_mark = {}) {
    auto server = co_await tcp::connect("127.0.0.1", port);
    co_await server.write(text + "\n");
    co_return (co_await server.read_line()).value_or("the end");
}
// Runs a server, and a client, which closes the listener in the end.
template <class Handler, class Client>
task<> with_server(Handler handler, Client client, tandem::serve_options options = {}) {
    auto listens = co_await tcp::listen("127.0.0.1", 0);
    auto serves = tandem::spawn(tandem::serve(listens, handler, options));
    co_await client(listens.port());
    listens.close();
    co_await std::move(serves);
}

struct notes_errors {
    tandem::event_loop_options options() {
        tandem::event_loop_options made;
        made.on_error = [this](std::exception_ptr error) {
            try {
                std::rethrow_exception(error);
            } catch (const std::exception& e) {
                texts.push_back(e.what());
            }
        };
        return made;
    }
    std::vector<std::string> texts;
};

}  // namespace

TEST_CASE("each connection has a handler", "[serve]") {
    const auto client = [](int port) -> task<> {
        auto [a, b, c] = co_await tandem::when_all(ask(port, "a"), ask(port, "b"), ask(port, "c"));
        CHECK(a + b + c == "abc");
    };
    const tandem::testing::leak_check before;
    run(with_server(echo, client));
    CHECK(before.check() == "");
}

TEST_CASE("a handler that throws hurts nobody else", "[serve]") {
    notes_errors noted;
    const auto handler = [](stream peer) -> task<> {
        const auto line = co_await peer.read_line();
        if (line == "bad") throw std::runtime_error("a bad line");
        co_await peer.write("fine\n");
    };
    const auto client = [](int port) -> task<> {
        const auto bad = co_await ask(port, "bad");
        CHECK(bad == "the end");
        const auto good = co_await ask(port, "good");
        CHECK(good == "fine");
    };
    run(with_server(handler, client), noted.options());
    CHECK(noted.texts == std::vector<std::string>{"a bad line"});
}

TEST_CASE("no more handlers run than may", "[serve]") {
    int now = 0, most = 0;
    const auto handler = [&](stream peer) -> task<> {
        most = std::max(most, ++now);
        const auto line = co_await peer.read_line();
        co_await tandem::sleep_for(100us);
        --now;
        co_await peer.write(*line + "\n");
    };
    const auto client = [](int port) -> task<> {
        std::vector<task<std::string>> asks;
        for (int i = 0; i < 20; ++i) asks.push_back(ask(port, std::to_string(i)));
        const auto answers = co_await tandem::when_all(std::move(asks));
        CHECK(answers.back() == "19");
    };
    run(with_server(handler, client, {.max_connections = 3}));
    CHECK(most == 3);
}

TEST_CASE("a closed listener lets its handlers end, or cancels them", "[serve]") {
    std::string log;
    const auto main = [](std::string& to, std::chrono::milliseconds grace) -> task<> {
        const auto handler = [&to](stream peer) -> task<> {
            const auto line = co_await peer.read_line();
            co_await notes_end(*line == "short" ? 5ms : 10min, to);
            co_await peer.write("done\n");
        };
        auto listens = co_await tcp::listen("127.0.0.1", 0);
        auto serves = tandem::spawn(tandem::serve(listens, handler, {.grace = grace}));
        auto a = tandem::spawn(ask(listens.port(), "short"));
        auto b = tandem::spawn(ask(listens.port(), "long"));
        co_await tandem::sleep_for(2ms);
        listens.close();
        const auto short_one = co_await std::move(a);
        CHECK(short_one == "done");
        const auto long_one = co_await std::move(b);
        CHECK(long_one == "the end");
        co_await std::move(serves);
    };
    run(main(log, 300ms));
    CHECK(log == "slept cancelled ");
}

TEST_CASE("a cancelled server cancels its handlers", "[serve]") {
    std::string log;
    const auto main = [](std::string& to) -> task<> {
        bool began = false;
        const auto handler = [&](stream peer) -> task<> {
            co_await peer.read_line();
            began = true;
            co_await notes_end(10min, to);
        };
        auto listens = co_await tcp::listen("127.0.0.1", 0);
        auto serves = tandem::spawn(tandem::serve(listens, handler));
        auto asks = tandem::spawn(ask(listens.port(), "x"));
        while (!began) co_await tandem::sleep_for(1ms);
        serves.cancel();
        const auto answer = co_await std::move(asks);
        CHECK(answer == "the end");
        co_await tandem::yield_now();
        CHECK(serves.done());
        CHECK(listens.is_open());
    };
    run(main(log));
    CHECK(log == "cancelled ");
}

TEST_CASE("without descriptors a server waits for some", "[serve]") {
    notes_errors noted;
    const auto main = []() -> task<> {
        auto listens = co_await tcp::listen("127.0.0.1", 0);
        auto serves = tandem::spawn(tandem::serve(listens, echo));
        auto server = co_await tcp::connect("127.0.0.1", listens.port());
        // Before the server has a turn.
        ::rlimit before{};
        ::getrlimit(RLIMIT_NOFILE, &before);
        ::rlimit none = before;
        none.rlim_cur = 0;
        ::setrlimit(RLIMIT_NOFILE, &none);
        co_await server.write("x\n");
        co_await tandem::sleep_for(60ms);
        ::setrlimit(RLIMIT_NOFILE, &before);
        const auto answer = co_await server.read_line();
        CHECK(answer == "x");
        server.close();
        listens.close();
        co_await std::move(serves);
    };
    run(main(), noted.options());
    REQUIRE(noted.texts.size() <= 1);
    for (const auto& text : noted.texts) {
        CHECK(text == "cannot accept a connection: Too many open files");
    }
}

TEST_CASE("mistakes with a server are told", "[serve]") {
    const auto main = []() -> task<> {
        auto listens = co_await tcp::listen("127.0.0.1", 0);
        CHECK_THROWS_AS(tandem::serve(listens, echo, {.max_connections = -1}),
                        std::invalid_argument);
        listens.close();
        co_await tandem::serve(listens, echo);  // ends at once
    };
    run(main());
}
