// SPDX-License-Identifier: BSL-1.0
// tandem/async/tcp.hpp: connects, and listens, over TCP.        level 3
#pragma once

#include <tandem/async/listener.hpp>
#include <tandem/async/socket_address.hpp>
#include <tandem/async/stream.hpp>
#include <tandem/core/error.hpp>
#include <tandem/coroutine/task.hpp>

#include <cerrno>
#include <exception>
#include <string>
#include <utility>

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace tandem::tcp {

/// What can be chosen about a socket that listens; 0 is the default.
/// Thread safety: a value.
struct listen_options {
    /// How many connections the system keeps for accept(): as many as it allows.
    int backlog = 0;
    /// Whether others, which say so too, may listen there as well, and share the connections.
    bool reuse_port = false;
    /// Of the streams that are accepted.
    stream_options streams = {};
};

/// `stream s = co_await tcp::connect("example.org", 80)`: tries the addresses that the name stands
/// for in turn. Names are looked up in a thread. Python: asyncio.open_connection.
/// Throws: io_error, that of the last address; cancelled_error. Cancellation: ends it.
inline task<stream> connect(std::string host, int port, stream_options options = {}) {
    const auto all = co_await detail::resolve(std::move(host), port, AI_ADDRCONFIG, SOCK_STREAM);
    std::exception_ptr failure;
    for (const auto& address : all) {
        try {
            auto socket = co_await detail::connect_to(address);
            detail::send_at_once(socket.get());
            co_return detail::stream_access::of_socket(std::move(socket), options);
        } catch (const io_error&) {
            failure = std::current_exception();
        }
    }
    std::rethrow_exception(failure);
}

/// `listener l = co_await tcp::listen("localhost", 0)`: on the first address of the name that can
/// be had; "" is all addresses of the machine, port 0 one that is free. An address that was in use
/// a moment ago may be used again. Python: the socket of asyncio.start_server.
/// Throws: io_error, that of the last address.
inline task<listener> listen(std::string host, int port, listen_options options = {}) {
    const auto all = co_await detail::resolve(std::move(host), port, AI_PASSIVE, SOCK_STREAM);
    std::exception_ptr failure;
    for (const auto& address : all) {
        try {
            auto socket = detail::make_socket(address.family(), SOCK_STREAM);
            const int on = 1;
            ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
            if (options.reuse_port) {
                ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
            }
            detail::bind_to(socket.get(), address);
            detail::start_listening(socket.get(), address, options.backlog);
            co_return detail::listener_access::make(std::move(socket), options.streams, true);
        } catch (const io_error&) {
            failure = std::current_exception();
        }
    }
    std::rethrow_exception(failure);
}

}  // namespace tandem::tcp
