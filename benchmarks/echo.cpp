// SPDX-License-Identifier: BSL-1.0
// echo.cpp: 64 bytes there and back over loopback, both ends in one thread.
//
// echo/LIBRARY/CONNECTIONS: a client writes 64 bytes and reads them back, 20 times an iteration.
// stream/LIBRARY: a writer sends messages of 512 bytes, one write each, to a reader.
#include <benchmark/benchmark.h>
#include <tandem/async/event_loop.hpp>
#include <tandem/async/spawn.hpp>
#include <tandem/async/sync_wait.hpp>
#include <tandem/async/tcp.hpp>
#include <tandem/coroutine/when_all.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#if __has_include(<boost/asio/awaitable.hpp>)
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#define HAS_ASIO 1
namespace asio = boost::asio;
#endif

namespace {

constexpr std::size_t message_size = 64;
constexpr int rounds = 20;
constexpr std::size_t long_size = 512;
constexpr int long_count = 20'000;
const std::string message(message_size, 'x');
const std::string long_message(long_size, 'x');

void count(benchmark::State& state, long per_iteration) {
    state.SetItemsProcessed(state.iterations() * per_iteration);
}

// A connected pair of TCP sockets.
struct tcp_pair {
    int near, far;
};
tcp_pair connected(int flags) {
    const int listens = ::socket(AF_INET, SOCK_STREAM, 0);
    ::sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::socklen_t size = sizeof where;
    auto* const address = reinterpret_cast<::sockaddr*>(&where);
    if (::bind(listens, address, size) != 0 || ::listen(listens, 1) != 0) std::abort();
    ::getsockname(listens, address, &size);
    const int near = ::socket(AF_INET, SOCK_STREAM, 0);
    if (::connect(near, address, size) != 0) std::abort();
    const int far = ::accept4(listens, nullptr, nullptr, flags);
    ::close(listens);
    const int on = 1;
    for (const int fd : {near, far}) {
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    return {near, far};
}

// A bare epoll loop: level-triggered, registered once, no buffers, no errors handled.

void echo_epoll(benchmark::State& state) {
    const int poller = ::epoll_create1(0);
    const auto connections = static_cast<std::size_t>(state.range(0));
    std::vector<tcp_pair> pairs;
    std::vector<int> left(connections);
    for (std::size_t i = 0; i < connections; ++i) {
        pairs.push_back(connected(0));
        ::epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = 2 * i;
        ::epoll_ctl(poller, EPOLL_CTL_ADD, pairs[i].near, &event);
        event.data.u64 = 2 * i + 1;
        ::epoll_ctl(poller, EPOLL_CTL_ADD, pairs[i].far, &event);
    }
    std::array<::epoll_event, 128> events{};
    std::array<char, 4096> room;
    for (auto _ : state) {
        std::size_t busy = connections;
        for (std::size_t i = 0; i < connections; ++i) {
            left[i] = rounds;
            if (::send(pairs[i].near, message.data(), message_size, 0) < 0) std::abort();
        }
        while (busy != 0) {
            const int ready =
                ::epoll_wait(poller, events.data(), static_cast<int>(events.size()), -1);
            for (int e = 0; e < ready; ++e) {
                const auto id = events[static_cast<std::size_t>(e)].data.u64;
                const auto i = static_cast<std::size_t>(id / 2);
                const int fd = id % 2 == 0 ? pairs[i].near : pairs[i].far;
                const auto got = ::recv(fd, room.data(), room.size(), 0);
                if (id % 2 == 0 && --left[i] == 0) {
                    --busy;
                } else if (::send(fd, room.data(), static_cast<std::size_t>(got), 0) < 0) {
                    std::abort();
                }
            }
        }
    }
    for (const auto& pair : pairs) {
        ::close(pair.near);
        ::close(pair.far);
    }
    ::close(poller);
    count(state, state.range(0) * rounds);
}

// tandem

tandem::task<> tandem_server(tandem::stream peer) {
    std::array<char, 4096> room;
    while (const auto size = co_await peer.read_some(room)) {
        co_await peer.write(std::string_view(room.data(), size));
    }
}
tandem::task<> tandem_client(tandem::stream& server) {
    std::array<char, 4096> room;
    for (int i = 0; i < rounds; ++i) {
        co_await server.write(message);
        for (std::size_t got = 0; got < message_size;) got += co_await server.read_some(room);
    }
}
tandem::task<> tandem_echo(benchmark::State& state) {
    std::vector<tandem::stream> clients;
    for (int i = 0; i < state.range(0); ++i) {
        const auto [near, far] = connected(0);
        clients.emplace_back(tandem::unique_fd(near));
        tandem::spawn(tandem_server(tandem::stream(tandem::unique_fd(far))));
    }
    for (auto _ : state) {
        std::vector<tandem::task<>> all;
        for (auto& one : clients) all.push_back(tandem_client(one));
        co_await tandem::when_all(std::move(all));
    }
    count(state, state.range(0) * rounds);
}
void echo_tandem(benchmark::State& state) { tandem::sync_wait(tandem_echo(state)); }

tandem::task<> tandem_writer(tandem::stream& to) {
    for (int i = 0; i < long_count; ++i) co_await to.write(long_message);
}
tandem::task<> tandem_stream(benchmark::State& state) {
    const auto [near, far] = connected(0);
    tandem::stream from{tandem::unique_fd(near)}, to{tandem::unique_fd(far)};
    for (auto _ : state) {
        auto writer = tandem::spawn(tandem_writer(to));
        for (int i = 0; i < long_count; ++i) {
            benchmark::DoNotOptimize(co_await from.read_exactly(long_size));
        }
        co_await std::move(writer);
    }
    count(state, long_count);
}
void stream_tandem(benchmark::State& state) { tandem::sync_wait(tandem_stream(state)); }

#ifdef HAS_ASIO

using asio::ip::tcp;
asio::awaitable<void> asio_server(tcp::socket peer) {
    std::array<char, 4096> room;
    try {
        for (;;) {
            const auto size =
                co_await peer.async_read_some(asio::buffer(room), asio::use_awaitable);
            co_await asio::async_write(peer, asio::buffer(room, size), asio::use_awaitable);
        }
    } catch (const std::exception&) {
    }
}
asio::awaitable<void> asio_client(tcp::socket& server, int& busy) {
    std::array<char, 4096> room;
    for (int i = 0; i < rounds; ++i) {
        co_await asio::async_write(server, asio::buffer(message), asio::use_awaitable);
        for (std::size_t got = 0; got < message_size;) {
            got += co_await server.async_read_some(asio::buffer(room), asio::use_awaitable);
        }
    }
    --busy;
}
void echo_asio(benchmark::State& state) {
    asio::io_context loop(1);
    std::vector<tcp::socket> clients;
    for (int i = 0; i < state.range(0); ++i) {
        const auto [near, far] = connected(0);
        clients.emplace_back(loop, tcp::v4(), near);
        asio::co_spawn(loop, asio_server(tcp::socket(loop, tcp::v4(), far)), asio::detached);
    }
    for (auto _ : state) {
        int busy = static_cast<int>(clients.size());
        for (auto& one : clients) asio::co_spawn(loop, asio_client(one, busy), asio::detached);
        while (busy != 0) loop.run_one();
    }
    count(state, state.range(0) * rounds);
}

asio::awaitable<void> asio_writer(tcp::socket& to) {
    for (int i = 0; i < long_count; ++i) {
        co_await asio::async_write(to, asio::buffer(long_message), asio::use_awaitable);
    }
}
asio::awaitable<void> asio_reader(tcp::socket& from, bool& ended) {
    std::array<char, long_size> room;
    for (int i = 0; i < long_count; ++i) {
        co_await asio::async_read(from, asio::buffer(room), asio::use_awaitable);
    }
    ended = true;
}
void stream_asio(benchmark::State& state) {
    asio::io_context loop(1);
    const auto [near, far] = connected(0);
    tcp::socket from(loop, tcp::v4(), near), to(loop, tcp::v4(), far);
    for (auto _ : state) {
        bool ended = false;
        asio::co_spawn(loop, asio_writer(to), asio::detached);
        asio::co_spawn(loop, asio_reader(from, ended), asio::detached);
        while (!ended) loop.run_one();
    }
    count(state, long_count);
}
#endif

}  // namespace

BENCHMARK(echo_epoll)->Name("echo/epoll")->Arg(1)->Arg(100)->Arg(1000);
BENCHMARK(echo_tandem)->Name("echo/tandem")->Arg(1)->Arg(100)->Arg(1000);
#ifdef HAS_ASIO
BENCHMARK(echo_asio)->Name("echo/asio")->Arg(1)->Arg(100)->Arg(1000);
#endif
BENCHMARK(stream_tandem)->Name("stream/tandem");
#ifdef HAS_ASIO
BENCHMARK(stream_asio)->Name("stream/asio");
#endif

BENCHMARK_MAIN();
