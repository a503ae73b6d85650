// SPDX-License-Identifier: BSL-1.0
// tandem/async/stream_core.hpp: the descriptor of a stream, and the bytes on their way.        level 3
#pragma once

#include <tandem/async/polled_fd.hpp>
#include <tandem/async/stream_buffer.hpp>
#include <tandem/core/error.hpp>
#include <tandem/core/unique_fd.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

namespace tandem::detail {

// A write to a pipe that nobody reads is EPIPE, and never the signal SIGPIPE.
class no_sigpipe {
   public:
    no_sigpipe() noexcept {
        ::sigset_t waiting;
        ::sigemptyset(&pipe_);
        ::sigaddset(&pipe_, SIGPIPE);
        ::sigpending(&waiting);
        was_waiting_ = ::sigismember(&waiting, SIGPIPE) == 1;
        ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
    }
    no_sigpipe(const no_sigpipe&) = delete;
    no_sigpipe& operator=(const no_sigpipe&) = delete;
    ~no_sigpipe() {
        const int kept = errno;
        const ::timespec now{0, 0};
        if (kept == EPIPE && !was_waiting_) ::sigtimedwait(&pipe_, nullptr, &now);
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
        errno = kept;
    }

   private:
    ::sigset_t pipe_, before_;
    bool was_waiting_ = false;
};

// The first write of a turn is sent at once. Those that follow in the same turn are gathered, and
// sent at its end, or when they are many: that is what `run` of the runnable is for.
// Thread safety: belongs to the loop's thread.
class stream_core final : public polled_fd, public runnable {
   public:
    enum class kind { socket, pipe, other };
    static kind kind_of(int fd) noexcept {
        struct stat is{};
        if (::fstat(fd, &is) != 0) return kind::other;
        return S_ISSOCK(is.st_mode)   ? kind::socket
               : S_ISFIFO(is.st_mode) ? kind::pipe
                                      : kind::other;
    }
    stream_core(unique_fd fd, kind is, std::size_t line_limit, std::size_t high_water)
        : polled_fd(std::move(fd), is != kind::other),
          line_limit_(line_limit),
          high_water_(high_water),
          is_socket_(is == kind::socket) {}
    ~stream_core() {
        if (linked()) unlink();
    }

    // What came in.

    enum class filled { some, nothing, end };
    // Reads into the buffer what is there. Throws: io_error.
    filled fill() {
        if (ended_) return filled::end;
        if (!may(ready_to_read)) return has_nothing();
        const auto got = read_into(input_.room());
        if (got < 0) return has_nothing();
        if (got == 0) return filled::end;
        input_.commit(static_cast<std::size_t>(got));
        return filled::some;
    }
    // Reads past the buffer. Returns: the bytes, 0 at the end, -1 if there are none yet.
    // Throws: io_error.
    ::ssize_t read_into(std::span<char> room) {
        if (ended_) return 0;
        if (!may(ready_to_read)) return -1;
        const auto bytes = std::as_writable_bytes(room);
        const auto got = is_socket_ ? retry_interrupted([&]() noexcept {
            return ::recv(get(), room.data(), room.size(), 0);
        })
                                    : read_some(get(), bytes);
        if (got < 0) {
            const int err = errno;
            if (must_wait(ready_to_read, err)) return -1;
            throw_io_error("cannot read from the stream", err);
        }
        if (got == 0) ended_ = true;
        if (static_cast<std::size_t>(got) < room.size()) read_short();
        return got;
    }
    stream_buffer& input() noexcept { return input_; }
    std::size_t line_limit() const noexcept { return line_limit_; }

    // Whether the beginning of a line that was too long was thrown away.
    bool skips_line() const noexcept { return skips_line_; }
    void skip_line(bool skips) noexcept { skips_line_ = skips; }

    // What goes out.

    // Sends or keeps as much of `rest` as may be kept. Returns: whether that is all of it.
    // Throws: io_error, also of what was kept before.
    bool take(std::string_view& rest) {
        check_write_error();
        auto& loop = loop_core::here();
        const bool is_first = std::exchange(wrote_in_, loop.turn_number()) != loop.turn_number();
        if (output_.size() + rest.size() >= gathered || (output_.empty() && is_first)) {
            push(rest);
            check_write_error();
            if (rest.empty() && output_.empty()) return true;
        }
        if (!linked()) loop.make_ready(*this);
        if (output_.size() + rest.size() > high_water_) {
            push(rest);
            check_write_error();
            if (output_.size() + rest.size() > high_water_) return false;
        }
        if (!rest.empty()) output_.append(std::exchange(rest, {}));
        return true;
    }
    // Sends what was kept. Returns: whether that is all of it. Throws: as take().
    bool flush() {
        std::string_view nothing;
        push(nothing);
        check_write_error();
        return output_.empty();
    }
    std::size_t unsent() const noexcept { return output_.size(); }
    bool write_failed() const noexcept { return write_error_ != 0; }
    // The peer sees the end. Throws: io_error.
    void end_writing() {
        if (write_ended_) return;
        write_ended_ = true;
        if (!is_socket_) return close();
        if (::shutdown(get(), SHUT_WR) != 0) {
            const int err = errno;
            if (err != ENOTCONN) throw_io_error("cannot end the stream", err);
        }
    }

    void on_ready(std::uint32_t what) noexcept override {
        if (what & ready_to_write) {
            // Before the one who waits with more, which it would otherwise copy.
            polled_fd::on_ready(what & ~std::uint32_t{ready_to_read});
            send_rest();
            what &= ~std::uint32_t{ready_to_write};
        }
        polled_fd::on_ready(what);
    }
    // The end of the turn.
    void run() noexcept override {
        if (is_open()) send_rest();
    }

   private:
    static constexpr std::size_t gathered = 16384;

    filled has_nothing() noexcept {
        input_.release_if_empty();
        return filled::nothing;
    }

    void send_rest() noexcept {
        if (output_.empty()) return;
        std::string_view nothing;
        push(nothing);
        if (output_.empty()) return output_.release_if_empty();
        try {
            if (!write_failed()) watch();
        } catch (const io_error& error) {
            write_error_ = error.code().value();
        } catch (...) {
            write_error_ = EINVAL;  // another loop has it
        }
    }
    // Until the system takes no more.
    void push(std::string_view& rest) noexcept {
        while (!write_failed() && may(ready_to_write) && !(output_.empty() && rest.empty())) {
            const auto sent = send_both(output_.view(), rest);
            if (sent < 0) {
                const int err = errno;
                if (!must_wait(ready_to_write, err)) fail(err);
                return;
            }
            const auto of_kept = std::min(static_cast<std::size_t>(sent), output_.size());
            output_.consume(of_kept);
            rest.remove_prefix(static_cast<std::size_t>(sent) - of_kept);
        }
    }
    ::ssize_t send_both(std::string_view kept, std::string_view rest) noexcept {
        if (is_socket_ && (kept.empty() || rest.empty())) {
            const auto bytes = kept.empty() ? rest : kept;
            return send_some(get(), std::as_bytes(std::span(bytes.data(), bytes.size())));
        }
        ::iovec parts[2] = {{const_cast<char*>(kept.data()), kept.size()},
                            {const_cast<char*>(rest.data()), rest.size()}};
        ::msghdr message{};
        message.msg_iov = kept.empty() ? parts + 1 : parts;
        message.msg_iovlen = static_cast<std::size_t>(!kept.empty()) + (rest.empty() ? 0U : 1U);
        if (is_socket_) {
            return retry_interrupted(
                [&]() noexcept { return ::sendmsg(get(), &message, MSG_NOSIGNAL); });
        }
        const no_sigpipe guard;
        return retry_interrupted([&]() noexcept {
            return ::writev(get(), message.msg_iov, static_cast<int>(message.msg_iovlen));
        });
    }
    void fail(int err) noexcept {
        write_error_ = err;
        output_.consume(output_.size());
        output_.release_if_empty();
    }
    void check_write_error() const {
        if (write_ended_) throw invalid_state("the stream's writing side was shut down");
        if (write_failed()) throw_io_error("cannot write to the stream", write_error_);
    }

    stream_buffer input_;
    stream_buffer output_;
    std::size_t line_limit_;
    std::size_t high_water_;
    std::uint64_t wrote_in_ = 0;  // the turn of the last write
    int write_error_ = 0;         // of what was kept: the next write tells
    bool is_socket_;
    bool ended_ = false;
    bool skips_line_ = false;
    bool write_ended_ = false;
};

}  // namespace tandem::detail
