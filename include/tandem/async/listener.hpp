// SPDX-License-Identifier: BSL-1.0
// tandem/async/listener.hpp: accepts connections.        level 3
#pragma once

#include <tandem/async/polled_fd.hpp>
#include <tandem/async/socket_address.hpp>
#include <tandem/async/stream.hpp>
#include <tandem/core/error.hpp>
#include <tandem/core/unique_fd.hpp>

#include <cerrno>
#include <coroutine>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tandem {
namespace detail {

struct listener_core final : polled_fd {
    listener_core(unique_fd fd, stream_options of_streams, bool is_tcp) noexcept
        : polled_fd(std::move(fd), true), options(of_streams), sends_at_once(is_tcp) {}
    stream_options options;
    bool sends_at_once;
};

// Small writes are gathered here, so the system need not: it would wait for the peer's answer.
inline void send_at_once(int fd) noexcept {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

class accept_operation final : public io_operation {
   public:
    explicit accept_operation(listener_core& on) noexcept
        : io_operation(on, ready_to_read), on_(on) {}
    stream await_resume() {
        throw_failure();
        if (on_.sends_at_once) send_at_once(got_.get());
        return stream_access::of_socket(std::move(got_), on_.options);
    }

   private:
    bool attempt() override {
        for (;;) {
            if (!on_.may(ready_to_read)) return false;
            got_.reset(::accept4(on_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
            if (got_) return true;
            const int err = errno;
            if (on_.must_wait(ready_to_read, err)) return false;
            if (!is_of_the_peer(err)) throw_io_error("cannot accept a connection", err);
        }
    }
    // It connected, and is gone: see accept(2).
    static bool is_of_the_peer(int err) noexcept {
        switch (err) {
            case EINTR:
            case ECONNABORTED:
            case EPROTO:
            case ENETDOWN:
            case ENOPROTOOPT:
            case EHOSTDOWN:
            case ENONET:
            case EHOSTUNREACH:
            case ENETUNREACH:
            case EPERM:
                return true;
            default:
                return false;
        }
    }
    listener_core& on_;
    unique_fd got_;
};

struct listener_access;

}  // namespace detail

/// A socket that others connect to: what tcp::listen() and unix_socket::listen() give. serve()
/// runs a handler for each connection.
/// Thread safety: belongs to the thread of the loop that uses it.
class listener {
   public:
    listener(listener&&) noexcept = default;
    listener& operator=(listener&&) noexcept = default;
    /// Closes it.
    ~listener() = default;

    /// `stream s = co_await l.accept()`: the next connection. Python: sock_accept.
    /// Throws: io_error, as for a process that has too many descriptors: the connection then waits
    /// for the next accept; invalid_state if it is closed, also meanwhile; cancelled_error.
    auto accept() {
        return detail::io_request<detail::accept_operation, detail::listener_core>(core());
    }
    /// Where it listens.
    socket_address address() const { return detail::address_by(&::getsockname, core().get()); }
    /// The port, also if it was asked for as 0: any that is free.
    int port() const { return address().port(); }
    /// No more connections: whoever accepts gets invalid_state. Those there are go on.
    void close() noexcept {
        if (core_) core_->close();
    }
    /// Whether it is open.
    bool is_open() const noexcept { return core_ && core_->is_open(); }

   private:
    friend detail::listener_access;
    explicit listener(std::unique_ptr<detail::listener_core> core) noexcept
        : core_(std::move(core)) {}
    detail::listener_core& core() const {
        if (!core_) throw invalid_state("the listener was moved from");
        return *core_;
    }
    std::unique_ptr<detail::listener_core> core_;
};

namespace detail {

struct listener_access {
    static listener make(unique_fd fd, const stream_options& options, bool is_tcp) {
        return listener(std::make_unique<listener_core>(std::move(fd), options, is_tcp));
    }
};

inline unique_fd make_socket(int family, int type) {
    unique_fd made(::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!made) {
        const int err = errno;
        throw_io_error("cannot make a socket", err);
    }
    return made;
}

inline void bind_to(int fd, const socket_address& where) {
    if (::bind(fd, where.data(), where.size()) == 0) return;
    const int err = errno;
    throw_io_error("cannot bind to " + where.text(), err);
}

inline void start_listening(int fd, const socket_address& where, int backlog) {
    if (::listen(fd, backlog > 0 ? backlog : SOMAXCONN) == 0) return;
    const int err = errno;
    throw_io_error("cannot listen on " + where.text(), err);
}

// Connects a socket; done when it is, or failed.
class connect_operation final : public io_operation {
   public:
    connect_operation(polled_fd& socket, const socket_address& to) noexcept
        : io_operation(socket, ready_to_write), socket_(socket), to_(to) {}
    void await_resume() const { throw_failure(); }

   private:
    bool attempt() override {
        if (std::exchange(began_, true)) return ended();
        if (::connect(socket_.get(), to_.data(), to_.size()) == 0) return true;
        const int err = errno;
        if (err != EINPROGRESS && err != EINTR)
            throw_io_error("cannot connect to " + to_.text(), err);
        socket_.not_ready(ready_to_write);
        return false;
    }
    bool ended() {
        int err = 0;
        ::socklen_t size = sizeof err;
        ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &err, &size);
        if (err != 0) throw_io_error("cannot connect to " + to_.text(), err);
        ::sockaddr_storage peer;
        size = sizeof peer;
        if (::getpeername(socket_.get(), reinterpret_cast<::sockaddr*>(&peer), &size) == 0)
            return true;
        socket_.not_ready(ready_to_write);
        return false;
    }
    polled_fd& socket_;
    const socket_address& to_;
    bool began_ = false;
};

// A connected socket, non-blocking.
inline task<unique_fd> connect_to(socket_address to) {
    polled_fd socket(make_socket(to.family(), SOCK_STREAM), true);
    co_await io_request<connect_operation, polled_fd, socket_address>(socket, to);
    co_return socket.release();
}

}  // namespace detail
}  // namespace tandem
