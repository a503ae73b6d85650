// SPDX-License-Identifier: BSL-1.0
// tandem/future/spinner.hpp: look again and again for a few microseconds before going to sleep.        level 1
#pragma once

#include <tandem/core/spin.hpp>

#include <chrono>

namespace tandem::detail {

// Spins for a condition, longer where that paid off and hardly where it did not: a wake-up of a
// sleeping thread costs many microseconds, and a spin that ends in one costs its time besides.
// Thread safety: belongs to one thread.
class spinner {
   public:
    static constexpr std::chrono::nanoseconds longest = std::chrono::microseconds(20);

    // Looks until `done()` holds or the time is up. Returns whether it holds.
    template <class Done>
    bool until(Done done) noexcept {
        if (done()) return true;
        if (!spinning_pays()) return false;
        const auto begun = clock::now();
        const auto limit = begun + longest_at(begun);
        auto now = begun;
        do {
            for (int i = 0; i < 8; ++i) {
                relax();
                if (done()) {
                    misses_ = 0;
                    return true;
                }
            }
            now = clock::now();
        } while (now < limit);
        ++misses_;
        last_miss_ = now;
        return false;
    }

   private:
    using clock = std::chrono::steady_clock;

    // After some misses a sixteenth of it. In full one time in sixteen, for it may pay off again;
    // and after a while without, for what takes a hundredth of the time need not pay off.
    std::chrono::nanoseconds longest_at(clock::time_point now) const noexcept {
        if (misses_ % 16 == 0 || now - last_miss_ > 100 * longest) return longest;
        return longest / (1 << (misses_ < 4 ? misses_ : 4));
    }

    clock::time_point last_miss_{};
    unsigned misses_ = 0;  // in a row
};

}  // namespace tandem::detail
