// SPDX-License-Identifier: BSL-1.0
// tests/pool/tasks.hpp: what the tests of process_pool call and what they include.
#pragma once

#include <tandem/pool/process_pool.hpp>

#include "pool/tools.hpp"

#include <chrono>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace tasks {

inline int twice(int x) { return 2 * x; }
inline int add(int a, int b) { return a + b; }
[[noreturn]] inline void fail(const std::string& why) { throw std::runtime_error(why); }
inline int worker_pid() { return ::getpid(); }
inline void sleep_forever() { std::this_thread::sleep_for(std::chrono::hours(1)); }

// Says which process runs it, then never ends.
inline void run_forever(const std::string& up) {
    tools::tell(up, ::getpid());
    sleep_forever();
}
// Says which process runs it, then waits for a number.
inline std::int64_t wait_for(const std::string& up, const std::string& from) {
    tools::tell(up, ::getpid());
    return tools::hear(from);
}

inline std::vector<int> first_numbers(int count) {
    std::vector<int> numbers(static_cast<std::size_t>(count));
    std::iota(numbers.begin(), numbers.end(), 0);
    return numbers;
}

}  // namespace tasks
