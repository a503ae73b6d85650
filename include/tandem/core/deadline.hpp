// SPDX-License-Identifier: BSL-1.0
// tandem/core/deadline.hpp: an absolute time limit made from a duration or a time point.        level 0
#pragma once

#include <chrono>
#include <concepts>
#include <type_traits>

namespace tandem {

/// The duration that never ends: the default of every timeout.
inline constexpr std::chrono::nanoseconds forever = std::chrono::nanoseconds::max();

/// A moment at which to stop waiting; every blocking call that can time out takes one.
/// A duration counts from the construction of the deadline; none that does not fit ever ends, and
/// a negative one has passed. A time point of another clock is translated when it is constructed.
/// Thread safety: a value, as int.
class deadline {
   public:
    using clock = std::chrono::steady_clock;

    /// Never passes.
    constexpr deadline() noexcept = default;

    /// Passes after `timeout`.
    template <class Rep, class Period>
    deadline(std::chrono::duration<Rep, Period> timeout) : at_(after(timeout)) {}

    /// Passes at `moment`.
    constexpr deadline(clock::time_point moment) noexcept : at_(moment) {}

    /// Passes at `moment`, translated now if it is of another clock.
    template <class Clock, class Duration>
    deadline(std::chrono::time_point<Clock, Duration> moment) : at_(translated(moment)) {}

    /// The deadline that never passes.
    static constexpr deadline never() noexcept { return {}; }

    /// Whether it never passes.
    constexpr bool is_never() const noexcept { return at_ == clock::time_point::max(); }

    /// Whether it has passed.
    bool expired() const noexcept { return !is_never() && clock::now() >= at_; }

    /// The time that is left: zero once it has passed, `forever` if it never does.
    std::chrono::nanoseconds remaining() const noexcept {
        if (is_never()) return forever;
        const auto now = clock::now();  // compared first: at_ - now overflows for time_point::min()
        return at_ > now ? at_ - now : clock::duration::zero();
    }

    /// The moment itself.
    constexpr clock::time_point time() const noexcept { return at_; }

    friend constexpr auto operator<=>(const deadline&, const deadline&) noexcept = default;

   private:
    // Doubles tell, without overflow, whether the exact arithmetic would fit.
    using seconds = std::chrono::duration<double>;

    // Saturates: now + hours::max() must be "never", not a moment in the past.
    template <class Rep, class Period>
    static clock::time_point after(std::chrono::duration<Rep, Period> timeout) {
        const auto now = clock::now();
        const seconds room = clock::time_point::max() - now - std::chrono::seconds(1);
        // Written so that a timeout that is not a number never ends.
        if (!(std::chrono::duration_cast<seconds>(timeout) < room)) return clock::time_point::max();
        if (timeout <= std::chrono::duration<Rep, Period>::zero()) return now;
        return now + std::chrono::ceil<clock::duration>(timeout);
    }

    template <class Duration>
    static clock::time_point translated(std::chrono::time_point<clock, Duration> moment) {
        const seconds since_epoch = moment.time_since_epoch();
        if (!(since_epoch < seconds(clock::duration::max()) - seconds(1)))
            return clock::time_point::max();
        if (since_epoch < seconds(clock::duration::min()) + seconds(1))
            return clock::time_point::min();
        return std::chrono::ceil<clock::duration>(moment);
    }

    template <class Clock, class Duration>
    static clock::time_point translated(std::chrono::time_point<Clock, Duration> moment) {
        if (moment == moment.max()) return clock::time_point::max();
        const auto now = Clock::now();
        // Far away, as in sys_days of the year 2300, moment - now may overflow; doubles will do.
        const seconds left = seconds(moment.time_since_epoch()) - seconds(now.time_since_epoch());
        const bool near = left > seconds(-1e9) && left < seconds(1e9);
        return near ? after(moment - now) : after(left);
    }

    clock::time_point at_ = clock::time_point::max();
};

}  // namespace tandem
