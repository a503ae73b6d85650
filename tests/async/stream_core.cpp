// SPDX-License-Identifier: BSL-1.0
#include <tandem/async/stream_core.hpp>

#include "tools.hpp"

#include <string>
#include <string_view>
#include <utility>

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

using namespace async_tests;
using tandem::task;
using tandem::detail::stream_core;

TEST_CASE("a stream knows what its descriptor is", "[stream_core]") {
    const auto [near, far] = tandem::detail::make_socketpair(SOCK_STREAM);
    CHECK(stream_core::kind_of(near.get()) == stream_core::kind::socket);
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const tandem::unique_fd first(ends[0]), second(ends[1]);
    CHECK(stream_core::kind_of(ends[0]) == stream_core::kind::pipe);
    CHECK(stream_core::kind_of(-1) == stream_core::kind::other);
}

TEST_CASE("a broken pipe is no signal, and a signal that waits is left alone", "[stream_core]") {
    ::sigset_t pipe, waiting;
    ::sigemptyset(&pipe);
    ::sigaddset(&pipe, SIGPIPE);
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const tandem::unique_fd out(ends[1]);
    ::close(ends[0]);
    {
        const tandem::detail::no_sigpipe guard;
        CHECK(::write(out.get(), "x", 1) == -1);
        CHECK(errno == EPIPE);
    }
    ::sigpending(&waiting);
    CHECK(::sigismember(&waiting, SIGPIPE) == 0);
}

TEST_CASE("a stream sends the first bytes of a turn at once", "[stream_core]") {
    const auto main = []() -> task<> {
        auto [near, far] = tandem::detail::make_socketpair(SOCK_STREAM | SOCK_NONBLOCK);
        stream_core core(std::move(near), stream_core::kind::socket, 100, 100);
        std::string_view first = "first", second = "second";
        CHECK(core.take(first));
        CHECK(core.unsent() == 0);
        CHECK(core.take(second));
        CHECK(core.unsent() == 6);
        co_await tandem::yield_now();
        CHECK(core.unsent() == 0);
        char room[100];
        CHECK(::read(far.get(), room, sizeof room) == 11);
    };
    run(main());
}
