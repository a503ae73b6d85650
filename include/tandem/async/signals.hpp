// SPDX-License-Identifier: BSL-1.0
// tandem/async/signals.hpp: tasks that wait for signals.        level 3
#pragma once

#include <tandem/async/polled_fd.hpp>
#include <tandem/async/stream_operations.hpp>
#include <tandem/core/error.hpp>
#include <tandem/core/unique_fd.hpp>
#include <tandem/coroutine/task.hpp>

#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include <signal.h>
#include <unistd.h>

namespace tandem {
namespace detail {

// A watch, as a handler sees it.
struct signal_place {
    // Signals that are wanted, a bit each; 0: the place is free. Set and cleared under mutex().
    std::atomic<std::uint64_t> wanted{0};
    // Those that came; set by handlers, taken by the watch.
    std::atomic<std::uint64_t> came{0};
    // An eventfd, written to by handlers; valid while something is wanted.
    std::atomic<int> wakes{-1};
    // All of them seq_cst: a handler has no order of its own.
};

// Who waits for which signals, as a handler can read it: a handler may lock nothing.
// Thread safety: all of it may be called concurrently; on_signal() in a signal handler.
class signal_table {
   public:
    using place = signal_place;

    // Throws: invalid_state if too many watch; std::system_error, io_error if the system says no.
    static place& claim(std::uint64_t signals, int wakes) {
        const std::lock_guard hold(mutex());
        for (auto& one : places_) {
            if (one.wanted.load() != 0) continue;
            one.came.store(0);
            one.wakes.store(wakes);
            one.wanted.store(signals);
            for (int signal = 1; signal < 64; ++signal) {
                if (!(signals >> signal & 1) || users_[static_cast<std::size_t>(signal)]++ != 0) {
                    continue;
                }
                if (!install(signal)) {
                    const int err = errno;
                    --users_[static_cast<std::size_t>(signal)];
                    leave(one, signals & ((std::uint64_t{1} << signal) - 1));
                    throw_io_error("cannot handle signal " + std::to_string(signal), err);
                }
            }
            return one;
        }
        throw invalid_state("more than 64 watch for signals");
    }
    static void give_back(place& one) noexcept {
        const std::lock_guard hold(mutex());
        leave(one, one.wanted.load());
    }

   private:
    static std::mutex& mutex() noexcept {
        static std::mutex guards_places_and_users;
        return guards_places_and_users;
    }
    static bool install(int signal) noexcept {
        struct sigaction ours{};
        ours.sa_handler = &on_signal;
        ours.sa_flags = SA_RESTART;
        ::sigfillset(&ours.sa_mask);
        return ::sigaction(signal, &ours, &before_[static_cast<std::size_t>(signal)]) == 0;
    }
    static void leave(place& one, std::uint64_t installed) noexcept {
        for (int signal = 1; signal < 64; ++signal) {
            const auto index = static_cast<std::size_t>(signal);
            if ((installed >> signal & 1) && --users_[index] == 0) {
                ::sigaction(signal, &before_[index], nullptr);
            }
        }
        one.wanted.store(0);
        one.wakes.store(-1);
        // A handler that saw the place is short, and on another thread.
        while (inside_.load() != 0) std::this_thread::yield();
    }
    static void on_signal(int signal) noexcept {
        const int kept = errno;
        inside_.fetch_add(1);
        const auto bit = std::uint64_t{1} << signal;
        for (auto& one : places_) {
            if ((one.wanted.load() & bit) == 0) continue;
            one.came.fetch_or(bit);
            const std::uint64_t count = 1;
            const int fd = one.wakes.load();
            if (fd >= 0) static_cast<void>(!::write(fd, &count, sizeof count));
        }
        inside_.fetch_sub(1);
        errno = kept;
    }

    static inline std::array<place, 64> places_;
    static inline std::array<int, 64> users_{};                // watches of each signal
    static inline std::array<struct sigaction, 64> before_{};  // what was there before them
    // How many handlers run now. seq_cst: whoever clears a place sees who looked before.
    static inline std::atomic<int> inside_{0};
};

// The eventfd, and the place that leads to it.
class signal_core final : public polled_fd {
   public:
    explicit signal_core(std::uint64_t signals)
        : polled_fd(make_eventfd(), false), place_(signal_table::claim(signals, get())) {}
    ~signal_core() { signal_table::give_back(place_); }

    // Returns: the least signal that came; 0 if none did.
    int take() noexcept {
        const auto came = place_.came.load();
        if (came == 0) return 0;
        const int signal = std::countr_zero(came);
        place_.came.fetch_and(~(std::uint64_t{1} << signal));
        return signal;
    }

   private:
    signal_table::place& place_;
};

class signal_operation final : public io_operation {
   public:
    explicit signal_operation(signal_core& from) noexcept
        : io_operation(from, ready_to_read), from_(from) {}
    int await_resume() const {
        throw_failure();
        return got_;
    }

   private:
    bool attempt() override {
        got_ = from_.take();
        if (got_ != 0) return true;
        // The count is emptied before another look, so one that comes in between is an event.
        std::uint64_t count = 0;
        static_cast<void>(!::read(from_.get(), &count, sizeof count));
        got_ = from_.take();
        if (got_ == 0) from_.not_ready(ready_to_read);
        return got_ != 0;
    }
    signal_core& from_;
    int got_ = 0;
};

}  // namespace detail

/// Catches signals while it lives, for tasks: what they did before does not happen meanwhile, and
/// happens again afterwards. One that comes while nobody waits is kept; the same one twice is one.
/// Several may watch for the same: each gets it. Python: loop.add_signal_handler.
///
/// Not for signals of errors, as SIGSEGV, nor SIGKILL and SIGSTOP.
/// Thread safety: belongs to the thread of the loop that uses it; signals may come on any.
class signal_watch {
   public:
    /// `signal_watch stop({SIGTERM, SIGINT});` Throws: std::invalid_argument; io_error;
    /// invalid_state if there are 64 of them.
    explicit signal_watch(std::initializer_list<int> signals) : core_(make(signals)) {}
    explicit signal_watch(int signal) : signal_watch({signal}) {}
    signal_watch(signal_watch&&) noexcept = default;
    signal_watch& operator=(signal_watch&&) noexcept = default;
    ~signal_watch() = default;

    /// `int which = co_await stop.next()`. Throws: cancelled_error; invalid_state if it was moved
    /// from.
    auto next() {
        if (!core_) throw invalid_state("the signal_watch was moved from");
        return detail::io_request<detail::signal_operation, detail::signal_core>(*core_);
    }

   private:
    static std::unique_ptr<detail::signal_core> make(std::initializer_list<int> signals) {
        std::uint64_t set = 0;
        for (const int signal : signals) {
            if (signal < 1 || signal > 63 || signal == SIGKILL || signal == SIGSTOP) {
                throw std::invalid_argument("nobody can wait for signal " + std::to_string(signal));
            }
            set |= std::uint64_t{1} << signal;
        }
        if (set == 0) throw std::invalid_argument("a signal_watch of no signal");
        return std::make_unique<detail::signal_core>(set);
    }
    std::unique_ptr<detail::signal_core> core_;
};

/// `co_await signal_received(SIGTERM)`: until the signal comes, which then does nothing else.
/// Before it is awaited, and afterwards, the signal does what it did; see signal_watch to catch it
/// throughout. Throws: as signal_watch; cancelled_error.
inline task<> signal_received(int signal) {
    signal_watch watch(signal);
    co_await watch.next();
}

}  // namespace tandem
