// SPDX-License-Identifier: BSL-1.0
#include <tandem/async/readiness.hpp>

#include "tools.hpp"

#include <tandem/core/unique_fd.hpp>

#include <cstdio>
#include <string>
#include <utility>

#include <sys/socket.h>
#include <unistd.h>

using namespace async_tests;
using tandem::readable;
using tandem::task;
using tandem::writable;
using tandem::detail::make_socketpair;

namespace {

task<> waits_to_read(int fd, std::string& to, frame_mark = {}) {
    co_await readable(fd);
    to += 'r';
}
void put(int fd) { CHECK(::write(fd, "x", 1) == 1); }
void take(int fd) {
    char c;
    CHECK(::read(fd, &c, 1) == 1);
}
// Fills the socket.
void fill(int fd) {
    const std::string much(1 << 16, 'x');
    while (::write(fd, much.data(), much.size()) > 0) {
    }
}

}  // namespace

TEST_CASE("a task waits until a descriptor can be read", "[readiness]") {
    const auto main = []() -> task<> {
        auto [near, far] = make_socketpair(SOCK_STREAM | SOCK_NONBLOCK);
        std::string log;
        auto handle = tandem::spawn(waits_to_read(near.get(), log));
        co_await tandem::sleep_for(1ms);
        CHECK(log.empty());
        put(far.get());
        co_await std::move(handle);
        co_await readable(near.get());  // it still can
        take(near.get());
        far.reset();
        co_await readable(near.get());  // the end can be read too
    };
    run(main());
}

TEST_CASE("one task reads while another one writes", "[readiness]") {
    const auto main = []() -> task<> {
        auto [near, far] = make_socketpair(SOCK_STREAM | SOCK_NONBLOCK);
        std::string log;
        fill(near.get());
        const auto writes = [](int fd, std::string& to) -> task<> {
            co_await writable(fd);
            to += 'w';
        };
        auto reader = tandem::spawn(waits_to_read(near.get(), log));
        auto writer = tandem::spawn(writes(near.get(), log));
        co_await tandem::sleep_for(1ms);
        CHECK(log.empty());
        put(far.get());
        co_await std::move(reader);
        CHECK(log == "r");
        const auto drains = [](int fd) {
            char much[1 << 12];
            while (::read(fd, much, sizeof much) > 0) {
            }
        };
        drains(far.get());
        co_await std::move(writer);
        CHECK(log == "rw");
    };
    run(main());
}

TEST_CASE("a cancel ends the wait, and the descriptor may be closed", "[readiness]") {
    const auto main = []() -> task<> {
        std::string log;
        for (int i = 0; i < 3; ++i) {
            auto [near, far] = make_socketpair(SOCK_STREAM | SOCK_NONBLOCK);
            auto handle = tandem::spawn(waits_to_read(near.get(), log));
            co_await tandem::yield_now();
            handle.cancel();
            co_await tandem::yield_now();
            CHECK(handle.done());
            auto again = tandem::spawn(waits_to_read(near.get(), log));
            co_await tandem::yield_now();
            put(far.get());
            co_await std::move(again);
        }
        CHECK(log == "rrr");
    };
    run(main());
}

TEST_CASE("mistakes with descriptors are told", "[readiness]") {
    const auto main = []() -> task<> {
        auto [near, far] = make_socketpair(SOCK_STREAM | SOCK_NONBLOCK);
        std::string log;
        auto handle = tandem::spawn(waits_to_read(near.get(), log));
        co_await tandem::yield_now();
        auto failure = co_await failure_of(waits_to_read(near.get(), log));
        CHECK(failure.find("two tasks wait for descriptor") == 0);
        failure = co_await failure_of(waits_to_read(-1, log));
        CHECK(failure.find("cannot watch descriptor -1") == 0);
        put(far.get());
        co_await std::move(handle);
    };
    run(main());
}

TEST_CASE("a file is ready at once", "[readiness]") {
    const auto main = []() -> task<> {
        std::FILE* const file = std::tmpfile();
        REQUIRE(file);
        co_await readable(::fileno(file));
        co_await writable(::fileno(file));
        std::fclose(file);
    };
    run(main());
}

TEST_CASE("who waits for a descriptor is destroyed with the loop", "[readiness]") {
    auto [near, far] = make_socketpair(SOCK_STREAM | SOCK_NONBLOCK);
    std::string log;
    {
        tandem::event_loop loop;
        loop.spawn(waits_to_read(near.get(), log));
        loop.poll_once();
        put(far.get());
    }
    CHECK(frame_mark::alive == 0);
    CHECK(log.empty());
}
