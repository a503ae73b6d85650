// SPDX-License-Identifier: BSL-1.0
// tandem/subprocess/pipes.hpp: our ends of the pipes to and from a program.        level 1
#pragma once

#include <tandem/core/config.hpp>
#include <tandem/core/deadline.hpp>
#include <tandem/core/error.hpp>
#include <tandem/core/unique_fd.hpp>
#include <tandem/subprocess/poll.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <ctime>
#include <iterator>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace tandem {

namespace detail {

struct pipe_access;

// While it lives, writing to a pipe that nobody reads is EPIPE and no signal, for this thread.
class no_sigpipe {
   public:
    no_sigpipe() noexcept {
        ::sigemptyset(&pipe_);
        ::sigaddset(&pipe_, SIGPIPE);
        sigset_t pending;
        ::sigpending(&pending);
        was_pending_ = ::sigismember(&pending, SIGPIPE) == 1;
        ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
    }
    no_sigpipe(const no_sigpipe&) = delete;
    no_sigpipe& operator=(const no_sigpipe&) = delete;
    ~no_sigpipe() {
        const int kept = errno;
        // The one that we raised is taken back. Who had it blocked does so already.
        constexpr timespec now{0, 0};
        while (raised_ && !was_pending_ && ::sigtimedwait(&pipe_, nullptr, &now) < 0 &&
               errno == EINTR) {
        }
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
        errno = kept;
    }
    // As write_some.
    ::ssize_t write(int fd, std::span<const std::byte> from) noexcept {
        const auto bytes = write_some(fd, from);
        raised_ = raised_ || (bytes < 0 && errno == EPIPE);
        return bytes;
    }

   private:
    sigset_t pipe_;
    sigset_t before_;
    bool was_pending_ = false;
    bool raised_ = false;
};

}  // namespace detail

/// Writes to a program's standard input. Python: Popen.stdin.
/// Thread safety: one thread at a time, which need not be the one that reads.
class pipe_writer {
   public:
    /// Not open.
    pipe_writer() noexcept = default;

    /// Whether there is a pipe, and nobody closed it.
    bool is_open() const noexcept { return static_cast<bool>(fd_); }
    /// Writes all of it. Returns: false if the program reads no more.
    /// Blocks: while the pipe is full.
    /// Throws: invalid_state if it is not open, timeout_error (some may be written), io_error.
    bool write(std::string_view text, deadline until = deadline::never());
    /// Ends the program's input.
    void close() noexcept { fd_.reset(); }
    /// The descriptor, or -1; it does not block.
    int fd() const noexcept { return fd_.get(); }

   private:
    friend struct detail::pipe_access;
    unique_fd fd_;
};

class line_iterator;

/// Reads a program's output. The output ends when everybody who has it has closed it; or, where
/// something that the program started keeps it open, some time (`linger`) after the program.
/// Python: Popen.stdout, Popen.stderr.
/// Thread safety: one thread at a time, which need not be the one that writes.
class pipe_reader {
   public:
    /// Not open.
    pipe_reader() noexcept = default;

    /// Whether there is a pipe, and nobody closed it.
    bool is_open() const noexcept { return static_cast<bool>(fd_); }
    /// What there is, at most `max` bytes of it. Returns: an empty string at the end.
    /// Blocks: until there is something. Throws: invalid_state if it is not open, timeout_error,
    /// io_error.
    std::string read(std::size_t max = 65536, deadline until = deadline::never());
    /// Everything up to the end. Throws: the same; what was read before a time-out can be read
    /// again.
    std::string read_all(deadline until = deadline::never());

    /// The lines, without their ends, as a range: `for (auto& line : p.out().lines())`.
    /// A line longer than `max` comes in pieces of `max` bytes. An input range, to be read once.
    class line_range;
    line_range lines(std::size_t max = 1 << 20);

    /// Gives the pipe up; the program gets SIGPIPE if it goes on writing.
    void close() noexcept {
        fd_.reset();
        buffer_.clear();
        at_ = 0;
    }
    /// The descriptor, or -1; it does not block.
    int fd() const noexcept { return fd_.get(); }

   private:
    friend struct detail::pipe_access;
    friend class line_iterator;

    std::string_view buffered() const noexcept { return std::string_view(buffer_).substr(at_); }
    std::string take(std::size_t bytes, std::size_t skip = 0) {
        std::string taken(buffered().substr(0, bytes));
        at_ += bytes + skip;
        if (at_ == buffer_.size()) buffer_.clear(), at_ = 0;
        return taken;
    }
    bool fill(deadline until);
    std::size_t wait(deadline until);
    bool next_line(std::string& line, bool& partial, std::size_t max);

    unique_fd fd_;
    int exit_fd_ = -1;  // readable when the program has ended; its owner's
    std::chrono::nanoseconds linger_ = forever;
    bool exited_ = false;
    deadline give_up_;              // set when the program has ended
    std::size_t last_ = unbounded;  // when that has passed: how much is still to be read
    std::string buffer_;            // read, and from at_ on not yet given away
    std::size_t at_ = 0;
};

/// Goes through the lines of a pipe.
class line_iterator {
   public:
    using value_type = std::string;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;

    line_iterator(pipe_reader& pipe, std::size_t max) : pipe_(&pipe), max_(max) { ++*this; }
    const std::string& operator*() const noexcept { return line_; }
    /// Whether the line goes on in the next piece.
    bool partial() const noexcept { return partial_; }
    line_iterator& operator++() {
        if (!pipe_->next_line(line_, partial_, max_)) pipe_ = nullptr;
        return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const line_iterator& at, std::default_sentinel_t) noexcept {
        return !at.pipe_;
    }

   private:
    pipe_reader* pipe_;
    std::size_t max_;
    std::string line_;
    bool partial_ = false;
};

class pipe_reader::line_range {
   public:
    line_range(pipe_reader& pipe, std::size_t max) noexcept : pipe_(pipe), max_(max) {}
    line_iterator begin() const { return {pipe_, max_}; }
    std::default_sentinel_t end() const noexcept { return {}; }

   private:
    pipe_reader& pipe_;
    std::size_t max_;
};

namespace detail {

struct pipe_access {
    static void open(pipe_writer& pipe, unique_fd fd) noexcept { pipe.fd_ = std::move(fd); }
    static void open(pipe_reader& pipe, unique_fd fd) noexcept { pipe.fd_ = std::move(fd); }
    static void end_with(pipe_reader& pipe, int exit_fd, std::chrono::nanoseconds linger) noexcept {
        pipe.exit_fd_ = exit_fd;
        pipe.linger_ = linger;
    }
    static unique_fd& fd(pipe_reader& pipe) noexcept { return pipe.fd_; }
    static std::string_view buffered(const pipe_reader& pipe) noexcept { return pipe.buffered(); }
    static std::string take_buffered(pipe_reader& pipe) {
        return pipe.take(pipe.buffered().size());
    }
};

}  // namespace detail

inline bool pipe_writer::write(std::string_view text, deadline until) {
    if (!fd_) throw invalid_state("pipe_writer: there is no pipe, or it was closed");
    detail::no_sigpipe quiet;
    auto left = std::as_bytes(std::span(text));
    while (!left.empty()) {
        const auto bytes = quiet.write(fd_.get(), left);
        if (bytes >= 0) {
            left = left.subspan(static_cast<std::size_t>(bytes));
        } else if (errno == EPIPE) {
            return false;
        } else if (errno != EAGAIN) {
            detail::throw_io_error("cannot write to a program", errno);
        } else if (!detail::poll_one(fd_.get(), POLLOUT, until)) {
            throw timeout_error("a program did not read its input in time");
        }
    }
    return true;
}

// Waits for something to read. Returns: how much of it to read at most; 0 at the end.
inline std::size_t pipe_reader::wait(deadline until) {
    while (true) {
        pollfd fds[2] = {{fd_.get(), POLLIN, 0}, {exited_ ? -1 : exit_fd_, POLLIN, 0}};
        const int ready = detail::poll_until(fds, std::min(until, give_up_));
        if (fds[1].revents != 0) {
            exited_ = true;
            give_up_ = deadline(linger_);
        }
        if (exited_ && give_up_.expired()) {
            // What the program wrote is there by now; whoever still writes is not waited for.
            int there = 0;
            if (last_ == unbounded && ::ioctl(fd_.get(), FIONREAD, &there) == 0) {
                last_ = static_cast<std::size_t>(there);
            }
            return last_;
        }
        if (fds[0].revents != 0) return unbounded;
        if (ready == 0) throw timeout_error("a program wrote nothing in time");
    }
}
// Reads more into the buffer. Returns: false at the end.
inline bool pipe_reader::fill(deadline until) {
    if (!fd_) throw invalid_state("pipe_reader: there is no pipe, or it was closed");
    std::byte bytes[65536];
    while (const std::size_t most = std::min(wait(until), sizeof bytes)) {
        const auto count = detail::read_some(fd_.get(), std::span(bytes, most));
        if (count == 0) return false;
        if (count < 0 && errno == EAGAIN) continue;
        if (count < 0) detail::throw_io_error("cannot read from a program", errno);
        const auto got = static_cast<std::size_t>(count);
        if (last_ != unbounded) last_ -= got;
        buffer_.erase(0, std::exchange(at_, 0));
        buffer_.append(reinterpret_cast<const char*>(bytes), got);
        return true;
    }
    return false;
}
inline std::string pipe_reader::read(std::size_t max, deadline until) {
    if (max != 0 && buffered().empty()) fill(until);
    return take(std::min(max, buffered().size()));
}
inline std::string pipe_reader::read_all(deadline until) {
    while (fill(until)) {
    }
    return take(buffered().size());
}
inline pipe_reader::line_range pipe_reader::lines(std::size_t max) {
    if (max == 0) throw std::invalid_argument("lines: the longest line has 0 bytes");
    return {*this, std::min(max, unbounded - 1)};
}
inline bool pipe_reader::next_line(std::string& line, bool& partial, std::size_t max) {
    std::size_t looked_at = 0;
    while (true) {
        const auto text = buffered();
        const auto end = text.substr(0, max + 1).find('\n', looked_at);
        partial = end == text.npos && text.size() > max;
        if (end != text.npos || partial) {
            line = partial ? take(max) : take(end, 1);
            return true;
        }
        looked_at = text.size();
        if (fill(deadline::never())) continue;
        line = take(looked_at);
        return !line.empty();
    }
}

}  // namespace tandem
