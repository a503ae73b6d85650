// SPDX-License-Identifier: BSL-1.0
// tandem/async/udp.hpp: datagrams.        level 3
#pragma once

#include <tandem/async/listener.hpp>
#include <tandem/async/polled_fd.hpp>
#include <tandem/async/socket_address.hpp>
#include <tandem/async/stream_operations.hpp>
#include <tandem/core/error.hpp>
#include <tandem/core/unique_fd.hpp>
#include <tandem/coroutine/task.hpp>

#include <cerrno>
#include <cstddef>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <netdb.h>
#include <sys/socket.h>

namespace tandem {

/// What a udp::socket received.
/// Thread safety: a value.
struct datagram {
    /// How many bytes were put into the room.
    std::size_t size = 0;
    /// Who sent it.
    socket_address from;
    /// Whether it was longer than the room, and the rest is lost.
    bool truncated = false;
};

namespace detail {

class receive_operation final : public io_operation {
   public:
    receive_operation(polled_fd& from, std::span<char> room) noexcept
        : io_operation(from, ready_to_read), from_(from), room_(room) {}
    datagram await_resume() const {
        throw_failure();
        return got_;
    }

   private:
    bool attempt() override {
        if (!from_.may(ready_to_read)) return false;
        ::sockaddr_storage sender{};
        ::iovec part{room_.data(), room_.size()};
        ::msghdr message{};
        message.msg_name = &sender;
        message.msg_namelen = sizeof sender;
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        const auto size =
            retry_interrupted([&]() noexcept { return ::recvmsg(from_.get(), &message, 0); });
        if (size < 0) {
            const int err = errno;
            if (from_.must_wait(ready_to_read, err)) return false;
            throw_io_error("cannot receive a datagram", err);
        }
        got_.size = static_cast<std::size_t>(size);
        got_.truncated = (message.msg_flags & MSG_TRUNC) != 0;
        got_.from =
            socket_address(reinterpret_cast<const ::sockaddr*>(&sender), message.msg_namelen);
        return true;
    }
    polled_fd& from_;
    std::span<char> room_;
    datagram got_;
};

class send_operation final : public io_operation {
   public:
    send_operation(polled_fd& by, std::string_view bytes, const socket_address& to) noexcept
        : io_operation(by, ready_to_write), by_(by), bytes_(bytes), to_(to) {}
    void await_resume() const { throw_failure(); }

   private:
    bool attempt() override {
        if (!by_.may(ready_to_write)) return false;
        const auto sent = retry_interrupted([&]() noexcept {
            return ::sendto(by_.get(), bytes_.data(), bytes_.size(), MSG_NOSIGNAL,
                            to_.size() ? to_.data() : nullptr, to_.size());
        });
        if (sent >= 0) return true;
        const int err = errno;
        if (by_.must_wait(ready_to_write, err)) return false;
        throw_io_error("cannot send a datagram", err);
    }
    polled_fd& by_;
    std::string_view bytes_;
    const socket_address& to_;
};

}  // namespace detail

namespace udp {

/// Sends and receives datagrams, which may get lost, doubled and out of order on their way.
/// One task may receive while another one sends. Python: create_datagram_endpoint.
/// Thread safety: belongs to the thread of the loop that uses it.
class socket {
   public:
    /// `datagram d = co_await s.receive(room)`. Throws: io_error; cancelled_error.
    auto receive(std::span<char> room) {
        return request<detail::receive_operation, std::span<char>>(core(), room);
    }
    /// `co_await s.send(bytes, d.from)`, or without an address to whom connect() named.
    /// Throws: io_error, also of what was sent before; cancelled_error.
    auto send(std::string_view bytes, socket_address to = {}) {
        return request<detail::send_operation, std::string_view, socket_address>(core(), bytes, to);
    }
    /// Where it is.
    socket_address address() const { return detail::address_by(&::getsockname, core().get()); }
    /// Closes it: whoever waits gets invalid_state.
    void close() noexcept {
        if (core_) core_->close();
    }

   private:
    friend task<socket> bind(std::string host, int port);
    friend task<socket> connect(std::string host, int port);
    template <class Operation, class... Args>
    using request = detail::io_request<Operation, detail::polled_fd, Args...>;

    explicit socket(unique_fd fd)
        : core_(std::make_unique<detail::polled_fd>(std::move(fd), false)) {}
    detail::polled_fd& core() const {
        if (!core_) throw invalid_state("the socket was moved from");
        return *core_;
    }
    std::unique_ptr<detail::polled_fd> core_;
};

/// `udp::socket s = co_await udp::bind("localhost", 0)`: receives what is sent there; "" is all
/// addresses of the machine, port 0 one that is free. Throws: io_error.
inline task<socket> bind(std::string host, int port) {
    const auto all = co_await detail::resolve(std::move(host), port, AI_PASSIVE, SOCK_DGRAM);
    auto made = detail::make_socket(all.front().family(), SOCK_DGRAM);
    detail::bind_to(made.get(), all.front());
    co_return socket(std::move(made));
}
/// `udp::socket s = co_await udp::connect("example.org", 53)`: sends there, and receives from there
/// only. Throws: io_error.
inline task<socket> connect(std::string host, int port) {
    const auto all = co_await detail::resolve(std::move(host), port, AI_ADDRCONFIG, SOCK_DGRAM);
    auto made = detail::make_socket(all.front().family(), SOCK_DGRAM);
    if (::connect(made.get(), all.front().data(), all.front().size()) != 0) {
        const int err = errno;
        detail::throw_io_error("cannot connect to " + all.front().text(), err);
    }
    co_return socket(std::move(made));
}

}  // namespace udp
}  // namespace tandem
