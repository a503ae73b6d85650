// SPDX-License-Identifier: BSL-1.0
#include <tandem/async/reactor.hpp>

#include "../support/catch.hpp"
#include "../support/within.hpp"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

using namespace std::chrono_literals;
using tandem::detail::descriptor_watch;
using tandem::detail::make_socketpair;
using tandem::detail::reactor;
using tandem::detail::ready_hung_up;
using tandem::detail::ready_to_read;
using tandem::detail::ready_to_write;

namespace {

struct notes final : descriptor_watch {
    std::vector<std::uint32_t> heard;
    reactor* from = nullptr;
    std::pair<int, descriptor_watch*> removes{-1, nullptr};

    void on_ready(std::uint32_t what) noexcept override {
        heard.push_back(what);
        if (removes.second) from->remove(removes.first, *removes.second);
    }
};

void put(int fd) { REQUIRE(::write(fd, "x", 1) == 1); }

}  // namespace

TEST_CASE("a watch hears of each change once", "[reactor]") {
    reactor r;
    auto [near, far] = make_socketpair(SOCK_STREAM | SOCK_NONBLOCK);
    notes watch;
    CHECK(r.add(near.get(), watch));
    r.poll(0ns);
    CHECK(watch.heard == std::vector<std::uint32_t>{ready_to_write});
    r.poll(0ns);
    CHECK(watch.heard.size() == 1);
    put(far.get());
    r.poll(5s);
    CHECK((watch.heard.back() & ready_to_read) != 0);
    r.poll(0ns);
    CHECK(watch.heard.size() == 2);
    far.reset();
    r.poll(5s);
    CHECK(watch.heard.back() == (ready_to_read | ready_to_write | ready_hung_up));
    r.remove(near.get(), watch);
}

TEST_CASE("watch_once tells of what is ready already, and once", "[reactor]") {
    reactor r;
    auto [near, far] = make_socketpair(SOCK_STREAM | SOCK_NONBLOCK);
    notes watch;
    put(far.get());
    for (std::size_t times = 1; times < 4; ++times) {
        CHECK(r.watch_once(near.get(), ready_to_read, watch));
        r.poll(5s);
        r.poll(0ns);
        CHECK(watch.heard.size() == times);
    }
    CHECK(r.watch_once(near.get(), ready_to_write, watch));
    r.poll(5s);
    CHECK((watch.heard.back() & ready_to_write) != 0);
}

TEST_CASE("a descriptor that was closed and made again can be watched", "[reactor]") {
    reactor r;
    notes watch;
    for (int i = 0; i < 3; ++i) {
        auto [near, far] = make_socketpair(SOCK_STREAM | SOCK_NONBLOCK);
        put(far.get());
        CHECK(r.watch_once(near.get(), ready_to_read, watch));
        r.poll(5s);
    }
    CHECK(watch.heard.size() == 3);
}

TEST_CASE("a watch that is removed while others are told hears nothing", "[reactor]") {
    reactor r;
    auto [a, b] = make_socketpair(SOCK_STREAM | SOCK_NONBLOCK);
    notes first, second;
    first.from = second.from = &r;
    first.removes = {b.get(), &second};
    second.removes = {a.get(), &first};
    r.add(a.get(), first);
    r.add(b.get(), second);
    r.poll(5s);
    CHECK(first.heard.size() + second.heard.size() == 1);
}

TEST_CASE("a file is always ready, what is not open is an error", "[reactor]") {
    reactor r;
    notes watch;
    std::FILE* const file = std::tmpfile();
    REQUIRE(file);
    CHECK_FALSE(r.watch_once(::fileno(file), ready_to_read, watch));
    CHECK_FALSE(r.add(::fileno(file), watch));
    std::fclose(file);
    CHECK_THROWS_AS(r.add(-1, watch), tandem::io_error);
}

TEST_CASE("a poll ends when its time is over", "[reactor]") {
    reactor r;
    const auto began = std::chrono::steady_clock::now();
    within(60s, [&] { r.poll(3ms); });
    CHECK(std::chrono::steady_clock::now() - began >= 3ms);
}
