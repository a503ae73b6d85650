// SPDX-License-Identifier: BSL-1.0
// tandem/async/unix_socket.hpp: connects, and listens, on this machine: by a path, or in pairs.        level 3
#pragma once

#include <tandem/async/listener.hpp>
#include <tandem/async/socket_address.hpp>
#include <tandem/async/stream.hpp>
#include <tandem/core/error.hpp>
#include <tandem/core/unique_fd.hpp>
#include <tandem/coroutine/task.hpp>

#include <cerrno>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tandem {

namespace unix_socket {

/// `stream s = co_await unix_socket::connect(path)`. Python: open_unix_connection.
/// Throws: io_error, also (EAGAIN) if the listener's backlog is full.
inline task<stream> connect(std::string path, stream_options options = {}) {
    auto socket = co_await detail::connect_to(socket_address::of_path(path));
    co_return detail::stream_access::of_socket(std::move(socket), options);
}
/// Listens at a path, which must be free, and which remains the caller's to remove; one that begins
/// with '\0' has no file. Python: start_unix_server. Throws: io_error; std::invalid_argument.
inline listener listen(const std::string& path, stream_options options = {}) {
    const auto address = socket_address::of_path(path);
    auto socket = detail::make_socket(AF_UNIX, SOCK_STREAM);
    detail::bind_to(socket.get(), address);
    detail::start_listening(socket.get(), address, 0);
    return detail::listener_access::make(std::move(socket), options, false);
}
/// Two streams that are connected to each other. Python: socket.socketpair.
/// Throws: io_error.
inline std::pair<stream, stream> pair(stream_options options = {}) {
    auto ends = detail::make_socketpair(SOCK_STREAM | SOCK_NONBLOCK);
    auto first = detail::stream_access::of_socket(std::move(ends.first), options);
    return {std::move(first), detail::stream_access::of_socket(std::move(ends.second), options)};
}

}  // namespace unix_socket

/// A pipe: what is written to the second can be read from the first. Python: os.pipe with
/// connect_read_pipe, connect_write_pipe. Throws: io_error.
inline std::pair<stream, stream> pipe_streams(stream_options options = {}) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        const int err = errno;
        detail::throw_io_error("cannot make a pipe", err);
    }
    unique_fd read_end(ends[0]);
    unique_fd write_end(ends[1]);
    stream first(std::move(read_end), options);
    return {std::move(first), stream(std::move(write_end), options)};
}

}  // namespace tandem
