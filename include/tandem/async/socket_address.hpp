// SPDX-License-Identifier: BSL-1.0
// tandem/async/socket_address.hpp: where a socket is, and what a name stands for.        level 3
#pragma once

#include <tandem/async/offload.hpp>
#include <tandem/core/error.hpp>
#include <tandem/coroutine/task.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace tandem {

/// The address of a socket: of IPv4, IPv6, or a local (unix) socket.
/// Thread safety: a value.
class socket_address {
   public:
    /// No address.
    socket_address() noexcept = default;
    /// From what a system call gave.
    socket_address(const ::sockaddr* from, ::socklen_t size) noexcept
        : size_(size < sizeof storage_ ? size : static_cast<::socklen_t>(sizeof storage_)) {
        std::memcpy(&storage_, from, size_);
    }
    /// A local socket; a leading '\0' makes it abstract, without a file.
    /// Throws: std::invalid_argument for a path that is too long.
    static socket_address of_path(std::string_view path) {
        ::sockaddr_un local{};
        local.sun_family = AF_UNIX;
        if (path.empty() || path.size() >= sizeof local.sun_path) {
            throw std::invalid_argument("a local socket cannot be called " + std::string(path));
        }
        path.copy(local.sun_path, path.size());
        const auto size = offsetof(::sockaddr_un, sun_path) + path.size() + (path[0] ? 1 : 0);
        return {reinterpret_cast<const ::sockaddr*>(&local), static_cast<::socklen_t>(size)};
    }

    /// AF_INET, AF_INET6, AF_UNIX, or AF_UNSPEC for none.
    int family() const noexcept { return storage_.ss_family; }
    /// The port; 0 if it has none.
    int port() const noexcept {
        if (family() == AF_INET) return ntohs(as<::sockaddr_in>().sin_port);
        if (family() == AF_INET6) return ntohs(as<::sockaddr_in6>().sin6_port);
        return 0;
    }
    /// "127.0.0.1", "::1", or the path.
    std::string host() const {
        char text[INET6_ADDRSTRLEN] = "";
        if (family() == AF_INET) {
            const auto four = as<::sockaddr_in>();
            ::inet_ntop(AF_INET, &four.sin_addr, text, sizeof text);
        } else if (family() == AF_INET6) {
            const auto six = as<::sockaddr_in6>();
            ::inet_ntop(AF_INET6, &six.sin6_addr, text, sizeof text);
        } else if (family() == AF_UNIX) {
            return path();
        }
        return text;
    }
    /// "127.0.0.1:80", "[::1]:80", or the path.
    std::string text() const {
        const auto port_text = ":" + std::to_string(port());
        if (family() == AF_INET) return host() + port_text;
        if (family() == AF_INET6) return "[" + host() + "]" + port_text;
        return host();
    }

    /// For system calls.
    const ::sockaddr* data() const noexcept {
        return reinterpret_cast<const ::sockaddr*>(&storage_);
    }
    ::socklen_t size() const noexcept { return size_; }

   private:
    template <class T>
    T as() const noexcept {
        T value;
        std::memcpy(&value, &storage_, sizeof value);
        return value;
    }
    std::string path() const {
        constexpr std::size_t before = offsetof(::sockaddr_un, sun_path);
        if (size_ <= before) return "";
        std::string name(reinterpret_cast<const char*>(&storage_) + before, size_ - before);
        if (name[0] != '\0')
            name.resize(name.find('\0') < name.size() ? name.find('\0') : name.size());
        return name;
    }

    ::sockaddr_storage storage_{};
    ::socklen_t size_ = 0;
};

namespace detail {

// The system asks this or that end of a socket.
template <class Call>
socket_address address_by(Call call, int fd) {
    ::sockaddr_storage storage{};
    ::socklen_t size = sizeof storage;
    if (call(fd, reinterpret_cast<::sockaddr*>(&storage), &size) != 0) {
        const int err = errno;
        throw_io_error("cannot tell the address of the socket", err);
    }
    return {reinterpret_cast<const ::sockaddr*>(&storage), size};
}

using address_list = std::vector<socket_address>;

// What getaddrinfo says; its codes for "no such host" and the like have no errno.
struct found_addresses {
    int code = 0;
    int error_number = 0;
    address_list all;
};
inline found_addresses look_up(const std::string& host, int port, int flags, int type) {
    ::addrinfo wanted{};
    wanted.ai_family = AF_UNSPEC;
    wanted.ai_socktype = type;
    wanted.ai_flags = flags | AI_NUMERICSERV;
    ::addrinfo* first = nullptr;
    found_addresses found;
    found.code = ::getaddrinfo(host.empty() ? nullptr : host.c_str(), std::to_string(port).c_str(),
                               &wanted, &first);
    found.error_number = errno;
    for (auto* at = first; at; at = at->ai_next)
        found.all.emplace_back(at->ai_addr, at->ai_addrlen);
    if (first) ::freeaddrinfo(first);
    return found;
}

// What the name stands for, at least one. Asks in a thread, unless it is a number.
inline task<address_list> resolve(std::string host, int port, int flags, int type) {
    if (port < 0 || port > 65535) {
        throw std::invalid_argument("there is no port " + std::to_string(port));
    }
    auto found = look_up(host, port, flags | AI_NUMERICHOST, type);
    if (found.code == EAI_NONAME) found = co_await to_thread(&look_up, host, port, flags, type);
    if (found.code == EAI_SYSTEM) throw_io_error("cannot look up " + host, found.error_number);
    if (found.code != 0) {
        const auto code = std::make_error_code(std::errc::address_not_available);
        throw io_error(code, "cannot look up " + host + ": " + ::gai_strerror(found.code));
    }
    co_return std::move(found.all);
}

}  // namespace detail
}  // namespace tandem
