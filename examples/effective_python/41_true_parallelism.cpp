// SPDX-License-Identifier: BSL-1.0
// Python:  pool = ThreadPoolExecutor(max_workers=2)
//          pool = ProcessPoolExecutor(max_workers=2)  # The one change
//          results = list(pool.map(gcd, numbers))
//
// There the threads are no faster than the loop, for one lock guards the interpreter. Here they
// are, and processes are one change away all the same: for what must not crash the whole program,
// leak into it, or wait for its locks.
#include <tandem.hpp>

#include <algorithm>
#include <cstring>
#include <iostream>
#include <utility>
#include <vector>

#include "../timed.hpp"
#include "41_steps.hpp"

using numbers = std::pair<int, int>;

// The slow way on purpose: tries every number from the smaller one down.
int gcd(const numbers& pair) {
    const auto [a, b] = pair;
    int divisor = std::min(a, b);
    while (a % divisor != 0 || b % divisor != 0) --divisor;
    return divisor;
}

int steps::slow_gcd(const numbers& pair) { return gcd(pair); }

const std::vector<numbers> pairs = {
    {1963309, 2265973}, {2030677, 3814172}, {1551645, 2229620}, {2039045, 2020802}};

// The same call, whatever makes it.
std::vector<int> gcds(tandem::executor auto& pool) { return pool.map(gcd, pairs); }

int main(int argc, char** argv) {
    tandem::worker_main(argc, argv);

    // A pool is made once and used often, so the times are without its start.
    tandem::inline_executor loop;
    const auto serial = timed("gcd", "serial", [&] { return gcds(loop); });

    tandem::thread_pool threads;
    const auto threaded = timed("gcd", "threads", [&] { return gcds(threads); });

    tandem::process_pool processes;  // the one change
    const auto shipped = timed("gcd", "processes", [&] { return gcds(processes); });

    print_timings();

    for (const char* before = "["; const int result : serial) {
        std::cout << before << result;
        before = ", ";
    }
    std::cout << "]\n";
    const bool agree = serial == threaded && serial == shipped;
    std::cout << "serial, threads and processes " << (agree ? "agree\n" : "DIFFER\n");

    // How it works, step by step: --trace file.json, to be opened in chrome://tracing or Perfetto.
    if (argc == 3 && std::strcmp(argv[1], "--trace") == 0) {
        if (steps::record(processes, pairs, argv[2]) != serial) return 1;
        std::cerr << "the steps are in " << argv[2] << '\n';
    }
    return agree ? 0 : 1;
}
