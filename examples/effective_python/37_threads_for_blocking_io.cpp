// SPDX-License-Identifier: BSL-1.0
// Python:  threads = [FactorizeThread(number) for number in numbers]
//          for thread in threads: thread.start()
//          for thread in threads: thread.join()
//
// There threads are for blocking I/O only: one lock guards the interpreter, so four threads factor
// four numbers no faster than a loop does. Here they are for both.
#include <tandem.hpp>

#include <cmath>
#include <cstdio>
#include <iostream>
#include <utility>
#include <vector>

#include "../timed.hpp"

#include <sys/select.h>

const std::vector<int> numbers = {2139079, 1214759, 1516637, 1852285};

// The slow way on purpose: tries every number up to the number itself.
std::vector<int> factorize(int number) {
    std::vector<int> factors;
    for (int i = 1; i <= number; ++i) {
        if (number % i == 0) factors.push_back(i);
    }
    return factors;
}

// Stands for reading from a device that takes 0.1 s to answer.
int slow_systemcall(int) {
    timeval a_tenth{0, 100'000};
    return ::select(0, nullptr, nullptr, nullptr, &a_tenth);
}

// Work that the main thread has to do meanwhile.
std::pair<double, double> helicopter_location(int tick) {
    return {std::sin(0.1 * tick), std::cos(0.1 * tick)};
}

int main() {
    // One number after the other, and one thread each.
    tandem::inline_executor loop;
    tandem::thread_pool threads(static_cast<int>(numbers.size()));
    const auto serial = timed("factorize", "serial", [&] { return loop.map(factorize, numbers); });
    const auto threaded =
        timed("factorize", "threads", [&] { return threads.map(factorize, numbers); });
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        std::cout << numbers[i] << ':';
        for (const int factor : serial[i]) std::cout << ' ' << factor;
        std::cout << '\n';
    }
    std::cout << "serial and threads " << (serial == threaded ? "agree" : "DIFFER") << '\n';

    // Five blocking calls, one after the other: 0.5 s. The threads of a pool wait all at once,
    // while this one goes on: 0.1 s.
    const std::vector<int> calls = {0, 1, 2, 3, 4};
    const auto waited =
        timed("blocking calls", "serial", [&] { return loop.map(slow_systemcall, calls); });
    tandem::thread_pool five(5);
    const auto together = timed("blocking calls", "threads", [&] {
        auto answers = five.map_async(slow_systemcall, calls);
        for (const int tick : calls) {
            const auto [x, y] = helicopter_location(tick);
            std::printf("helicopter at %.3f, %.3f\n", x, y);
        }
        return answers.get();
    });
    std::cout << together.size() << " blocking calls answered\n";
    print_timings();
    return serial == threaded && waited == together ? 0 : 1;
}
