// SPDX-License-Identifier: BSL-1.0
// tandem/async/reactor.hpp: what an event loop asks of the system: which descriptors are ready, and sleep.        level 3
#pragma once

#include <tandem/core/config.hpp>
#include <tandem/core/deadline.hpp>
#include <tandem/core/unique_fd.hpp>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <string>

#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace tandem::detail {

// What a descriptor is ready for. ready_hung_up comes beside
// them: no more will come from the peer, or there is an error.
enum ready_for : std::uint32_t { ready_to_read = 1, ready_to_write = 2, ready_hung_up = 4 };

// What hears of a descriptor.
class descriptor_watch {
   public:
    descriptor_watch() noexcept = default;
    descriptor_watch(const descriptor_watch&) = delete;
    descriptor_watch& operator=(const descriptor_watch&) = delete;

    // The descriptor became ready for `what`, a set of ready_for; an error or a hang-up is both.
    virtual void on_ready(std::uint32_t what) noexcept = 0;

   protected:
    ~descriptor_watch() = default;
};

// The only part of the loop that knows epoll. Another system needs these six: add, watch_once,
// remove, poll, fd, and who is there at construction to wake it.
// Thread safety: belongs to the loop's thread.
class reactor {
   public:
    // Throws: io_error.
    reactor() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
        if (!epoll_) {
            const int err = errno;
            throw_io_error("cannot make an epoll descriptor", err);
        }
    }

    // From now on the watch hears each time that the descriptor becomes ready for something, and of
    // what it is ready for now. Returns: false if it is always ready, as a file is.
    // Throws: io_error.
    bool add(int fd, descriptor_watch& watch) {
        return control(EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, &watch);
    }
    // The watch hears once, when the descriptor is ready for any of `what`, or at once if it is.
    // Returns: as add(). Throws: io_error.
    bool watch_once(int fd, std::uint32_t what, descriptor_watch& watch) {
        const std::uint32_t events = EPOLLONESHOT |
                                     (what & ready_to_read ? EPOLLIN | EPOLLRDHUP : 0U) |
                                     (what & ready_to_write ? EPOLLOUT : 0U);
        // A descriptor that was closed and made again is no longer known.
        if (try_control(EPOLL_CTL_MOD, fd, events, &watch) == 0) return true;
        return control(EPOLL_CTL_ADD, fd, events, &watch);
    }
    // The watch hears nothing more, also of what happened already. The descriptor may be closed.
    void remove(int fd, descriptor_watch& watch) noexcept {
        try_control(EPOLL_CTL_DEL, fd, 0, nullptr);
        forget(watch);
    }
    void forget(descriptor_watch& watch) noexcept {
        for (int i = at_; i < count_; ++i) {
            if (events_[static_cast<std::size_t>(i)].data.ptr == &watch)
                events_[static_cast<std::size_t>(i)].data.ptr = nullptr;
        }
    }

    // Sleeps until a descriptor is ready, or for `limit`; then tells the watches. Throws: io_error.
    void poll(std::chrono::nanoseconds limit) {
        count_ = wait(limit);
        for (at_ = 0; at_ < count_; ++at_) {
            const auto& event = events_[static_cast<std::size_t>(at_)];
            if (!event.data.ptr) continue;
            std::uint32_t what = 0;
            if (event.events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) what |= ready_to_read;
            if (event.events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) what |= ready_to_write;
            if (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) what |= ready_hung_up;
            static_cast<descriptor_watch*>(event.data.ptr)->on_ready(what);
        }
        at_ = count_ = 0;
    }

    // Readable while poll() has something to tell.
    int fd() const noexcept { return epoll_.get(); }

   private:
    int try_control(int what, int fd, std::uint32_t events, descriptor_watch* watch) noexcept {
        ::epoll_event event{};
        event.events = events;
        event.data.ptr = watch;
        return ::epoll_ctl(epoll_.get(), what, fd, &event) == 0 ? 0 : errno;
    }
    bool control(int what, int fd, std::uint32_t events, descriptor_watch* watch) {
        const int err = try_control(what, fd, events, watch);
        if (err == EPERM) return false;  // not something that one waits for
        if (err != 0) throw_io_error("cannot watch descriptor " + std::to_string(fd), err);
        return true;
    }

    int wait(std::chrono::nanoseconds limit) {
        const int size = static_cast<int>(events_.size());
        int count = -1;
        if (limit == limit.zero()) {
            count = ::epoll_wait(epoll_.get(), events_.data(), size, 0);
        } else if (limit == forever) {
            count = ::epoll_wait(epoll_.get(), events_.data(), size, -1);
        } else {
            count = wait_exactly(limit, size);
        }
        if (count >= 0) return count;
        const int err = errno;
        if (err != EINTR) throw_io_error("cannot wait for descriptors", err);
        return 0;
    }
    int wait_exactly(std::chrono::nanoseconds limit, int size) noexcept {
#if defined(SYS_epoll_pwait2) && __SIZEOF_LONG__ == 8
        if (!is_old_kernel_) {
            const ::timespec left{static_cast<time_t>(limit.count() / 1'000'000'000),
                                  static_cast<long>(limit.count() % 1'000'000'000)};
            const long count = ::syscall(SYS_epoll_pwait2, epoll_.get(), events_.data(), size,
                                         &left, nullptr, std::size_t{0});
            if (count >= 0 || errno != ENOSYS) return static_cast<int>(count);
            is_old_kernel_ = true;
        }
#endif
        // Rounded up: who wakes too early only goes to sleep again.
        const auto ms = std::chrono::ceil<std::chrono::milliseconds>(limit).count();
        return ::epoll_wait(epoll_.get(), events_.data(), size,
                            static_cast<int>(ms < 1'000'000 ? ms : 1'000'000));
    }

    unique_fd epoll_;
    std::array<::epoll_event, 128> events_{};
    int at_ = 0;  // of those, while the watches are told
    int count_ = 0;
    bool is_old_kernel_ = false;  // older than 5.11
};

}  // namespace tandem::detail
