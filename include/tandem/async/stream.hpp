// SPDX-License-Identifier: BSL-1.0
// tandem/async/stream.hpp: bytes from and to a socket or a pipe.        level 3
#pragma once

#include <tandem/async/loop_core.hpp>
#include <tandem/async/spawn.hpp>
#include <tandem/async/stream_core.hpp>
#include <tandem/async/stream_operations.hpp>
#include <tandem/async/timeout.hpp>
#include <tandem/core/error.hpp>
#include <tandem/core/unique_fd.hpp>
#include <tandem/coroutine/task.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace tandem {

namespace detail {
struct stream_access;
}

/// What can be read from and written to as a `stream` is: what a TLS layer is, and wraps.
template <class S>
concept byte_stream = requires(S& s, std::span<char> room, std::string_view bytes) {
    s.read_some(room);
    s.write(bytes);
    s.shutdown_write();
    s.close();
};

/// What can be chosen about a stream; 0 is the default.
/// Thread safety: a value.
struct stream_options {
    /// The longest line, or what read_until() reads, in bytes without the separator: 65536.
    int line_limit = 0;
    /// How many bytes write() keeps for a peer that does not read, before it waits: 65536.
    int high_water = 0;
    /// How long close() goes on, in the background, to send what was kept.
    std::chrono::milliseconds linger = std::chrono::seconds(5);
};

/// Bytes from and to a socket, a pipe or a terminal, for tasks. One task may read while another one
/// writes; `co_await` everything but close(). Python: StreamReader and StreamWriter in one.
///
/// Throws: io_error where the system says so, as for a peer that is gone; invalid_state if two
/// tasks read, or write, at once, if it is closed, or belongs to another loop that lives.
/// Cancellation: ends any of the waits; a read that is cancelled takes nothing, of a write a part
/// may have gone.
/// Thread safety: belongs to the thread of the loop that uses it.
class stream {
    template <class Operation, class... Args>
    using request = detail::io_request<Operation, detail::stream_core, Args...>;

   public:
    /// Takes over a descriptor, and makes it non-blocking. Throws: io_error; std::invalid_argument
    /// for negative options.
    explicit stream(unique_fd fd, stream_options options = {})
        : stream(non_blocking(std::move(fd)), options, nullptr) {}
    stream(stream&&) noexcept = default;
    stream& operator=(stream&& other) noexcept {
        if (this == &other) return *this;
        close();
        core_ = std::move(other.core_);
        linger_ = other.linger_;
        return *this;
    }
    /// Closes it.
    ~stream() { close(); }

    /// `std::size_t n = co_await s.read_some(room)`: some bytes, as soon as there are any; 0 at the
    /// end. Python: read(n).
    auto read_some(std::span<char> room) {
        return request<detail::read_some_operation, std::span<char>>(core(), room);
    }
    auto read_some(std::span<std::byte> room) {
        return read_some(std::span(reinterpret_cast<char*>(room.data()), room.size()));
    }
    /// `std::string s = co_await s.read_exactly(n)`. Throws: incomplete_read, which has what came
    /// before the end. Python: readexactly.
    auto read_exactly(std::size_t count) {
        return request<detail::read_exactly_operation, std::size_t>(core(), count);
    }
    /// `std::optional<std::string> line = co_await s.read_line()`: without its end, "\n" or
    /// "\r\n"; nullopt at the end of the stream. Throws: incomplete_read if the stream ends within
    /// a line; line_too_long, and the next read_line gives the line behind that one.
    /// Python: readline.
    auto read_line() {
        return request<detail::read_until_operation, std::string, bool>(core(), "\n", true);
    }
    /// The same up to a separator, which is part of the result. Python: readuntil.
    auto read_until(std::string separator) {
        if (separator.empty()) throw std::invalid_argument("read_until of an empty separator");
        return request<detail::read_until_operation, std::string, bool>(
            core(), std::move(separator), false);
    }
    /// `std::string s = co_await s.read_all()`: up to the end, however much. Python: read().
    auto read_all() { return request<detail::read_all_operation>(core()); }

    /// `co_await s.write(bytes)`: sends what the peer takes now, keeps what is below the high-water
    /// mark, and waits while there is more. The first write of a turn of the loop goes out at once,
    /// others are gathered until its end. An error of what was kept is thrown by the next write.
    /// Python: write and drain.
    auto write(std::string_view bytes) {
        return request<detail::write_operation, std::string_view>(core(), bytes);
    }
    auto write(std::span<const std::byte> bytes) {
        return write(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    }
    /// Waits until the system has all that was written.
    auto flush() { return request<detail::flush_operation, bool>(core(), false); }
    /// Flushes, then tells the peer that no more will come. It can still be read from.
    /// Python: write_eof.
    auto shutdown_write() { return request<detail::flush_operation, bool>(core(), true); }

    /// Closes it; may be called twice. Whoever waits for it gets invalid_state. What was written
    /// and is kept here still goes out, for as long as `linger` says; the loop's end waits for it.
    void close() noexcept;
    /// Whether it is open.
    bool is_open() const noexcept { return core_ && core_->is_open(); }
    /// How many bytes were written that the system has not taken yet.
    std::size_t unsent() const { return core().unsent(); }
    /// The descriptor, which remains the stream's. Throws: invalid_state if it was moved from.
    int fd() const { return core().get(); }

   private:
    friend struct detail::stream_access;

    // The descriptor is non-blocking. `known`: what it is, or null.
    stream(unique_fd fd, const stream_options& options, const detail::stream_core::kind* known)
        : linger_(options.linger) {
        const auto is = known ? *known : detail::stream_core::kind_of(fd.get());
        core_ = std::make_unique<detail::stream_core>(std::move(fd), is, limit(options.line_limit),
                                                      limit(options.high_water));
    }
    static unique_fd non_blocking(unique_fd fd) {
        detail::set_nonblocking(fd.get());
        return fd;
    }
    static std::size_t limit(int chosen) {
        if (chosen < 0) throw std::invalid_argument("a stream's limit is negative");
        return chosen == 0 ? 65536 : static_cast<std::size_t>(chosen);
    }
    detail::stream_core& core() const {
        if (!core_) throw invalid_state("the stream was moved from");
        return *core_;
    }

    std::unique_ptr<detail::stream_core> core_;
    std::chrono::milliseconds linger_{0};
};

namespace detail {

struct stream_access {
    static stream of_socket(unique_fd non_blocking, const stream_options& options) {
        const auto known = stream_core::kind::socket;
        return stream(std::move(non_blocking), options, &known);
    }
};

// Owns the stream's rest until it is sent, or time is over.
class lingering {
   public:
    explicit lingering(std::unique_ptr<stream_core> core) noexcept : core_(std::move(core)) {}
    stream_core& core() const noexcept { return *core_; }

   private:
    std::unique_ptr<stream_core> core_;
};
inline task<> flush_all(stream_core& core) {
    co_await io_request<flush_operation, stream_core, bool>(core, false);
}
inline task<> linger_on(lingering rest, std::chrono::milliseconds limit) {
    try {
        co_await move_on_after(limit, flush_all(rest.core()));
    } catch (const error&) {
        // The peer is gone, and with it whoever wanted to know.
    }
}

}  // namespace detail

inline void stream::close() noexcept {
    if (!is_open()) return;
    auto& core = *core_;
    core.end_waits();
    if (core.unsent() != 0 && detail::scheduler::current() && linger_ > linger_.zero()) {
        try {
            auto rest = spawn(detail::linger_on(detail::lingering(std::move(core_)), linger_));
            // A loop that ends cancels what is left: not this, which ends by itself.
            detail::handle_access::task_of(rest).add_shield();
            return;
        } catch (...) {
            // No memory for it: what was kept is lost, as it is without a loop.
        }
    }
    if (core_) core_->close();
}

}  // namespace tandem
