// SPDX-License-Identifier: BSL-1.0
// tandem/pool/channel.hpp: values to and fro between two processes.        level 3
#pragma once

#include <tandem/core/deadline.hpp>
#include <tandem/core/error.hpp>
#include <tandem/core/unique_fd.hpp>
#include <tandem/ipc/codec.hpp>
#include <tandem/ipc/passed_descriptors.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

namespace tandem {

/// One end of a connection that carries values of type T both ways, between processes or threads.
/// An end can be an argument of a `process` or of a task; the other process then has a copy of it.
/// Python: multiprocessing.Pipe and its Connection.
/// Thread safety: one thread may push while another pops. Distinct ends are independent.
/// Lifetime: closed by its destructor; the other end then drains what came and is at its end.
template <class T>
class channel {
   public:
    /// The two ends. Throws: io_error.
    static std::pair<channel, channel> make() {
        auto ends = detail::make_socketpair(SOCK_STREAM);
        return {channel(std::move(ends.first)), channel(std::move(ends.second))};
    }

    /// Another handle of the same end: it stays open until all are closed. What was read and not
    /// taken stays with the first. Throws: io_error.
    channel(const channel& other) {
        if (other.is_closed()) return;
        socket_ = unique_fd(::fcntl(other.socket_.get(), F_DUPFD_CLOEXEC, 3));
        if (!socket_) detail::throw_io_error("cannot copy a channel", errno);
    }
    channel(channel&&) noexcept = default;
    channel& operator=(channel other) noexcept {
        socket_ = std::move(other.socket_);
        read_ = std::move(other.read_);
        return *this;
    }

    /// Sends a value. Blocks: while the other end does not take what it was sent.
    /// Returns: false if the other end, or this one, was closed. Throws: codec_error, io_error.
    bool push(const T& value) {
        writer out;
        std::uint64_t size = 0;
        out.write(&size, sizeof size);
        encode(out, value);
        size = out.position() - sizeof size;
        out.patch(0, &size, sizeof size);
        return send(out.bytes());
    }
    /// Takes the next value. Blocks: until there is one.
    /// Returns: nullopt once the other end is closed and all was taken, or this end is closed.
    /// Throws: codec_error for bytes that hold no T, or if the other end went away in between.
    std::optional<T> pop() { return *pop_until(deadline::never()); }
    /// The same, but waits no longer than that. Throws: timeout_error too; nothing is lost then.
    std::optional<T> pop(deadline until) {
        auto value = pop_until(until);
        if (!value) throw timeout_error("the channel brought no value in time");
        return std::move(*value);
    }
    /// Whether pop() would not wait. Python: poll.
    bool ready(deadline until = std::chrono::nanoseconds(0)) {
        return fill(until) != progress::late;
    }

    /// Sends and takes no more. The copy that another process was given stays open; the other end
    /// is at its end when all copies of this one are closed. Idempotent. Python: close.
    void close() noexcept { socket_.reset(); }
    bool is_closed() const noexcept { return !socket_; }

    /// `for (T& value : end)` takes values until the other end is closed.
    class iterator {
       public:
        using value_type = T;
        using difference_type = std::ptrdiff_t;
        using iterator_concept = std::input_iterator_tag;

        iterator() = default;
        explicit iterator(channel& from) : from_(&from), value_(from.pop()) {}
        T& operator*() const noexcept { return *value_; }
        iterator& operator++() {
            value_ = from_->pop();
            return *this;
        }
        void operator++(int) { ++*this; }
        friend bool operator==(const iterator& it, std::default_sentinel_t) noexcept {
            return !it.value_;
        }

       private:
        channel* from_ = nullptr;
        mutable std::optional<T> value_;
    };
    iterator begin() { return iterator(*this); }
    std::default_sentinel_t end() const noexcept { return {}; }

   private:
    friend codec<channel>;
    enum class progress { whole, ended, late };

    explicit channel(unique_fd socket) noexcept : socket_(std::move(socket)) {}

    bool send(std::span<const std::byte> bytes) {
        while (!bytes.empty()) {
            const auto n = detail::send_some(socket_.get(), bytes);
            if (n < 0) {
                const int error = errno;
                if (error == EPIPE || error == ECONNRESET || error == EBADF) return false;
                detail::throw_io_error("a channel cannot send", error);
            }
            bytes = bytes.subspan(static_cast<std::size_t>(n));
        }
        return true;
    }
    // The outer one is null if the time ran out.
    std::optional<std::optional<T>> pop_until(deadline until) {
        switch (fill(until)) {
            case progress::late:
                return std::nullopt;
            case progress::ended:
                return std::optional<std::optional<T>>(std::in_place);
            default:
                break;
        }
        const auto body = std::span(read_).subspan(sizeof(std::uint64_t), body_size());
        const auto whole = static_cast<std::ptrdiff_t>(sizeof(std::uint64_t) + body_size());
        std::optional<T> value;
        try {
            value.emplace(decode<T>(body));
        } catch (...) {
            read_.erase(read_.begin(), read_.begin() + whole);
            throw;
        }
        read_.erase(read_.begin(), read_.begin() + whole);
        return value;
    }
    // Reads until a whole message is there.
    progress fill(deadline until) {
        while (!has_message()) {
            pollfd readable{socket_.get(), POLLIN, 0};
            if (!socket_) return progress::ended;
            const int ready = ::poll(&readable, 1, milliseconds(until));
            if (ready < 0 && errno != EINTR) detail::throw_io_error("a channel cannot wait", errno);
            if (ready == 0 && until.expired()) return progress::late;
            if (ready > 0 && !read_more()) {
                if (read_.empty()) return progress::ended;
                throw codec_error("channel: the other end went away in the middle of a value");
            }
        }
        return progress::whole;
    }
    bool read_more() {
        constexpr std::size_t most = 64 * 1024;
        const auto before = read_.size();
        // Memory follows what has come, not what was announced.
        read_.resize(before + most);
        const auto n = detail::read_some(socket_.get(), std::span(read_).subspan(before));
        read_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
        return n > 0;
    }
    std::size_t body_size() const noexcept {
        std::uint64_t size = 0;
        std::memcpy(&size, read_.data(), sizeof size);
        return static_cast<std::size_t>(size);
    }
    bool has_message() const noexcept {
        return read_.size() >= sizeof(std::uint64_t) &&
               read_.size() - sizeof(std::uint64_t) >= body_size();
    }
    static int milliseconds(deadline until) noexcept {
        if (until.is_never()) return -1;
        constexpr std::int64_t most = 1'000'000'000;
        return static_cast<int>(std::min<std::int64_t>(
            most, std::chrono::ceil<std::chrono::milliseconds>(until.remaining()).count()));
    }

    unique_fd socket_;
    std::vector<std::byte> read_;  // what came and was not taken
};

/// An end travels as a copy of its descriptor; what it has read already stays here.
template <class T>
struct codec<channel<T>> {
    static void encode(writer& out, const channel<T>& end) {
        if (end.is_closed()) throw codec_error("a closed channel cannot travel");
        detail::encode_descriptor(out, end.socket_.get());
    }
    static channel<T> decode(reader& in) { return channel<T>(detail::decode_descriptor(in)); }
};

}  // namespace tandem
