// SPDX-License-Identifier: BSL-1.0
// tandem/observe/progress_text.hpp: what there is to say about how far a loop has come.        level 4
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <string>

namespace tandem::detail {

struct progress_state {
    std::size_t done = 0;
    std::size_t total = 0;  // 0: not known
    std::chrono::nanoseconds elapsed{0};
    std::optional<std::size_t> busy{};  // workers that make calls
};

// "4:05", or "1:02:03" from an hour on.
inline std::string clock_text(double seconds) {
    constexpr double most = 359'999;  // 99:59:59
    const auto all = static_cast<long>(std::clamp(seconds, 0.0, most));
    std::array<char, 32> text{};
    if (all < 3600) {
        std::snprintf(text.data(), text.size(), "%ld:%02ld", all / 60, all % 60);
    } else {
        std::snprintf(text.data(), text.size(), "%ld:%02ld:%02ld", all / 3600, all / 60 % 60,
                      all % 60);
    }
    return text.data();
}

// "0.4/s", "12.3/s", "45678/s", "1.2M/s".
inline std::string rate_text(double a_second) {
    std::array<char, 48> text{};
    if (a_second < 100) {
        std::snprintf(text.data(), text.size(), "%.1f/s", a_second);
    } else if (a_second < 1e6) {
        std::snprintf(text.data(), text.size(), "%.0f/s", a_second);
    } else {
        std::snprintf(text.data(), text.size(), "%.1fM/s", a_second / 1e6);
    }
    return text.data();
}

// " 45% 450/1000  12.3/s  0:44 left  2 busy"; without a total "450  12.3/s  0:36  2 busy".
// The rate is that of the whole run. A total that was too small is left out.
inline std::string progress_numbers(const progress_state& state) {
    const double seconds = std::chrono::duration<double>(state.elapsed).count();
    const double rate = seconds > 0 ? static_cast<double>(state.done) / seconds : 0;
    const bool has_total = state.total != 0 && state.done <= state.total;
    std::string text;
    if (has_total) {
        std::array<char, 8> percent{};
        std::snprintf(percent.data(), percent.size(), "%3d%% ",
                      static_cast<int>(100.0 * static_cast<double>(state.done) /
                                       static_cast<double>(state.total)));
        text = percent.data() + std::to_string(state.done) + '/' + std::to_string(state.total);
    } else {
        text = std::to_string(state.done);
    }
    text += "  " + rate_text(rate) + "  ";
    if (has_total && state.done != state.total) {
        const auto left = static_cast<double>(state.total - state.done);
        text += rate > 0 ? clock_text(left / rate) + " left" : "? left";
    } else {
        text += clock_text(seconds);
    }
    if (state.busy) text += "  " + std::to_string(*state.busy) + " busy";
    return text;
}

// The same with the label in front, and a bar between them if there is a total and room for it in
// `width` columns; a terminal that is too narrow gets what fits.
inline std::string progress_text(const std::string& label, const progress_state& state,
                                 std::size_t width) {
    const std::string head = label.empty() ? "" : label + "  ";
    const std::string numbers = progress_numbers(state);
    const std::size_t used = head.size() + numbers.size() + 3;  // "[", "]", " "
    constexpr std::size_t least_bar = 4;
    constexpr std::size_t most_bar = 40;
    std::string bar;
    if (state.total != 0 && state.done <= state.total && used + least_bar <= width) {
        const std::size_t room = std::min(width - used, most_bar);
        const double share = static_cast<double>(state.done) / static_cast<double>(state.total);
        const auto filled = static_cast<std::size_t>(share * static_cast<double>(room));
        bar = '[' + std::string(filled, '#') + std::string(room - filled, '.') + "] ";
    }
    auto text = head + bar + numbers;
    if (width != 0 && text.size() > width) text.resize(width);
    return text;
}

}  // namespace tandem::detail
