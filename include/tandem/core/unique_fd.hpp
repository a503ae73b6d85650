// SPDX-License-Identifier: BSL-1.0
// tandem/core/unique_fd.hpp: an owned file descriptor, and the calls that make one.        level 0
#pragma once

#include <tandem/core/config.hpp>
#include <tandem/core/error.hpp>

#if !TANDEM_LINUX
#error "tandem/core/unique_fd.hpp needs Linux: it works with file descriptors and eventfd"
#endif

#include <cerrno>
#include <cstddef>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tandem {

/// Owns a file descriptor and closes it; closing never changes errno.
/// Thread safety: distinct objects are independent; one object is used by one thread at a time.
class unique_fd {
   public:
    /// Owns nothing.
    unique_fd() noexcept = default;
    /// Owns `fd`, or nothing if it is negative.
    explicit unique_fd(int fd) noexcept : fd_(fd) {}

    unique_fd(unique_fd&& other) noexcept : fd_(other.release()) {}
    unique_fd& operator=(unique_fd&& other) noexcept {
        if (this != &other) reset(other.release());
        return *this;
    }
    ~unique_fd() { reset(); }

    /// The descriptor, or a negative number.
    int get() const noexcept { return fd_; }
    /// Whether it owns a descriptor.
    explicit operator bool() const noexcept { return fd_ >= 0; }
    /// Gives the descriptor to the caller, who has to close it.
    [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

    /// Closes the descriptor and owns `fd` instead. The one it owns already stays open.
    void reset(int fd = -1) noexcept {
        const int old = std::exchange(fd_, fd);
        if (old < 0 || old == fd) return;
        const int kept = errno;
        // Not again on EINTR: Linux has closed it by then, and another thread may have its number.
        ::close(old);
        errno = kept;
    }

   private:
    int fd_ = -1;
};

namespace detail {

// Copy errno into a variable first: building `what` may change it.
[[noreturn]] inline void throw_io_error(const std::string& what, int err) {
    throw io_error(std::error_code(err, std::generic_category()), what);
}

// Repeats a system call that a signal interrupted. Not for close, nor for waits with a timeout.
template <class Call>
auto retry_interrupted(Call call) noexcept(noexcept(call())) {
    auto result = call();
    while (result == -1 && errno == EINTR) result = call();
    return result;
}

// The next three move what they can now and report as the system call does: the number of bytes,
// 0 at the end of the input, or -1 and errno (EAGAIN included).
inline ::ssize_t read_some(int fd, std::span<std::byte> into) noexcept {
    return retry_interrupted([&]() noexcept { return ::read(fd, into.data(), into.size()); });
}

inline ::ssize_t write_some(int fd, std::span<const std::byte> from) noexcept {
    return retry_interrupted([&]() noexcept { return ::write(fd, from.data(), from.size()); });
}

// As write_some, but a peer that went away is EPIPE and never the signal SIGPIPE.
inline ::ssize_t send_some(int socket, std::span<const std::byte> from) noexcept {
    return retry_interrupted(
        [&]() noexcept { return ::send(socket, from.data(), from.size(), MSG_NOSIGNAL); });
}

// Two connected local sockets of `type` (SOCK_STREAM, SOCK_SEQPACKET or SOCK_DGRAM; SOCK_NONBLOCK
// may be added), closed on exec.
inline std::pair<unique_fd, unique_fd> make_socketpair(int type) {
    int ends[2];
    if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) != 0) {
        const int err = errno;
        throw_io_error("cannot make a socket pair", err);
    }
    return {unique_fd(ends[0]), unique_fd(ends[1])};
}

// A counter at zero to wake a poll with; does not block, closed on exec.
inline unique_fd make_eventfd() {
    unique_fd made(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!made) {
        const int err = errno;
        throw_io_error("cannot make an eventfd", err);
    }
    return made;
}

inline void set_nonblocking(int fd) {
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags == -1 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1) {
        const int err = errno;
        throw_io_error("cannot make descriptor " + std::to_string(fd) + " non-blocking", err);
    }
}

}  // namespace detail
}  // namespace tandem
