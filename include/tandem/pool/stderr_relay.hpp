// SPDX-License-Identifier: BSL-1.0
// tandem/pool/stderr_relay.hpp: passes workers' stderr on and remembers the end of it.        level 3
#pragma once

#include <tandem/core/error.hpp>
#include <tandem/core/unique_fd.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace tandem::detail {

// The reading end of one worker's stderr, and the last bytes that came.
struct stderr_tail {
    unique_fd pipe;
    std::string last;

    // Returns the end for the worker. Throws: io_error.
    unique_fd open() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) throw_io_error("cannot make a pipe for stderr", errno);
        pipe.reset(ends[0]);
        unique_fd theirs(ends[1]);
        set_nonblocking(pipe.get());
        return theirs;
    }
};

// What has come from the workers of one pool and could not be written yet. Never waits: while our
// own stderr takes nothing, nothing is read, and workers wait as they would for a full pipe.
// Thread safety: belongs to the pool's manager.
class stderr_relay {
   public:
    explicit stderr_relay(std::size_t tail) noexcept : tail_(tail) {}

    bool on() const noexcept { return tail_ != 0; }
    // Whether our own stderr must take something first.
    bool stuck() const noexcept { return !waiting_.empty(); }

    // Reads what there is, as long as it can be passed on. False: the pipe has ended.
    bool read(stderr_tail& from) noexcept {
        char part[4096];
        while (from.pipe && !stuck()) {
            const auto n = ::read(from.pipe.get(), part, sizeof part);
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) return true;
            if (n == 0) {
                from.pipe.reset();
                return false;
            }
            const auto size = static_cast<std::size_t>(n);
            from.last.append(part, size);
            if (from.last.size() > tail_) from.last.erase(0, from.last.size() - tail_);
            waiting_.append(part, size);
            write();
        }
        return true;
    }
    // Writes what our own stderr takes now. What it refuses for good is dropped.
    void write() noexcept {
        while (stuck()) {
            pollfd ready{STDERR_FILENO, POLLOUT, 0};
            if (::poll(&ready, 1, 0) == 0) return;
            // A pipe that can be written to takes so much without waiting.
            constexpr std::size_t most = 4096;
            const auto n = ::write(STDERR_FILENO, waiting_.data(), std::min(waiting_.size(), most));
            if (n < 0 && errno == EINTR) continue;
            if (n < 0 && errno == EAGAIN) return;
            waiting_.erase(0, n < 0 ? waiting_.size() : static_cast<std::size_t>(n));
        }
    }

   private:
    const std::size_t tail_;
    std::string waiting_;
};

}  // namespace tandem::detail
