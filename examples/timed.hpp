// SPDX-License-Identifier: BSL-1.0
// timed.hpp: how long parts of an example take, on standard error, where examples/run collects it.
#pragma once

#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

struct timing {
    std::string what;
    std::string how;  // serial, threads or processes
    double seconds;
};
inline std::vector<timing> timings;

/// Does the job and returns its result.
template <class Job>
auto timed(const char* what, const char* how, Job job) {
    const auto start = std::chrono::steady_clock::now();
    auto result = job();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    timings.push_back({what, how, took.count()});
    std::fprintf(stderr, "tandem-time: %s %s %.6f\n", what, how, took.count());
    return result;
}

/// One line for each time: the seconds, and the speed relative to the serial run before it.
inline void print_timings() {
    double serial = 0;
    for (const auto& [what, how, seconds] : timings) {
        if (how == "serial") serial = seconds;
        std::fprintf(stderr, "%-16s %-9s %8.3f s %6.2f x\n", what.c_str(), how.c_str(), seconds,
                     serial / seconds);
    }
}
