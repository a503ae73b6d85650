// SPDX-License-Identifier: BSL-1.0
// tandem/subprocess/poll.hpp: waits for descriptors until a deadline.        level 1
#pragma once

#include <tandem/core/config.hpp>
#include <tandem/core/deadline.hpp>
#include <tandem/core/error.hpp>
#include <tandem/core/unique_fd.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <span>

#include <poll.h>

namespace tandem::detail {

// Waits until one of the descriptors is ready; signals do not end it. Returns: how many are ready,
// 0 if the time is up. Throws: io_error.
inline int poll_until(std::span<pollfd> fds, deadline until) {
    // The kernel takes a time of any length, emulations of it do not.
    constexpr std::chrono::nanoseconds longest = std::chrono::hours(24);
    while (true) {
        const auto left = until.remaining();
        const auto wait = std::min(left, longest);
        const timespec limit{static_cast<time_t>(wait.count() / 1'000'000'000),
                             static_cast<long>(wait.count() % 1'000'000'000)};
        const int ready =
            ::ppoll(fds.data(), fds.size(), until.is_never() ? nullptr : &limit, nullptr);
        if (ready > 0 || (ready == 0 && left <= longest)) return ready;
        if (ready < 0 && errno != EINTR) throw_io_error("cannot poll", errno);
    }
}

// The same for one descriptor. Returns: whether it is ready.
inline bool poll_one(int fd, short events, deadline until) {
    pollfd one{fd, events, 0};
    return poll_until({&one, 1}, until) != 0;
}

}  // namespace tandem::detail
