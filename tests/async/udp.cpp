// SPDX-License-Identifier: BSL-1.0
#include <tandem/async/udp.hpp>

#include "tools.hpp"

#include <tandem/async/spawn.hpp>
#include <tandem/testing/leak_check.hpp>

#include <string>
#include <string_view>
#include <utility>

using namespace async_tests;
using tandem::task;
namespace udp = tandem::udp;

TEST_CASE("datagrams go there and back, whole", "[udp]") {
    const auto main = []() -> task<> {
        auto server = co_await udp::bind("127.0.0.1", 0);
        auto client = co_await udp::connect("127.0.0.1", server.address().port());
        char room[100];
        const auto receives = [](udp::socket& from, std::span<char> to) -> task<tandem::datagram> {
            co_return co_await from.receive(to);
        };
        auto waits = tandem::spawn(receives(server, room));
        co_await tandem::yield_now();
        co_await client.send("question");
        const auto question = co_await std::move(waits);
        CHECK(std::string_view(room, question.size) == "question");
        CHECK(question.from.text() == client.address().text());
        CHECK_FALSE(question.truncated);
        co_await server.send("", question.from);
        co_await server.send("answer", question.from);
        const auto empty = co_await client.receive(room);
        CHECK(empty.size == 0);
        const auto answer = co_await client.receive(std::span(room, 3));
        CHECK(std::string_view(room, answer.size) == "ans");
        CHECK(answer.truncated);
    };
    const tandem::testing::leak_check before;
    run(main());
    CHECK(before.check() == "");
}

TEST_CASE("a wait for a datagram ends by a cancel, or with the socket", "[udp]") {
    const auto main = []() -> task<> {
        auto server = co_await udp::bind("127.0.0.1", 0);
        const auto receives = [](udp::socket& from) -> task<> {
            char room[10];
            co_await from.receive(room);
        };
        auto first = tandem::spawn(failure_of(receives(server)));
        co_await tandem::yield_now();
        first.cancel();
        const auto cancelled = co_await std::move(first);
        CHECK(cancelled == "cancelled");
        auto second = tandem::spawn(failure_of(receives(server)));
        co_await tandem::yield_now();
        server.close();
        const auto closed = co_await std::move(second);
        CHECK(closed == "it was closed while a task waited");
    };
    run(main());
}

TEST_CASE("too much for a datagram is an error", "[udp]") {
    const auto main = []() -> task<> {
        auto server = co_await udp::bind("127.0.0.1", 0);
        const auto sends = [](udp::socket& by) -> task<> {
            const std::string much(100'000, 'x');
            co_await by.send(much, by.address());
        };
        const auto failure = co_await failure_of(sends(server));
        CHECK(failure == "cannot send a datagram: Message too long");
    };
    run(main());
}
