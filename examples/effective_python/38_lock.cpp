// SPDX-License-Identifier: BSL-1.0
// Python:  with self.lock:
//              self.count += offset
//
// One lock guards the interpreter, but not what a program does in several steps: between reading a
// counter and writing it back another thread may have its turn, and its update is lost.
#include <tandem.hpp>

#include <atomic>
#include <barrier>
#include <iostream>
#include <thread>
#include <vector>

constexpr int workers = 5;
constexpr int how_many = 100'000;

// Five sensors, which start together and count 100 000 samples each.
template <class Increment>
void run_threads(Increment increment) {
    std::barrier start(workers);
    std::vector<std::jthread> threads;
    for (int i = 0; i < workers; ++i) {
        threads.emplace_back([&] {
            start.arrive_and_wait();
            for (int sample = 0; sample < how_many; ++sample) increment();
        });
    }
}

void report(int found) {
    std::cout << "Counter should be " << workers * how_many << ", found " << found << '\n';
}

int main() {
    // Without a lock. With a plain int this would be undefined behaviour in C++; the atomic makes
    // it just wrong, as it is in Python: reading and writing are two steps.
    std::atomic<int> unprotected{0};
    run_threads([&] {
        const int value = unprotected.load(std::memory_order_relaxed);
        if (value % 1024 == 0) std::this_thread::yield();  // so that it shows with one CPU as well
        unprotected.store(value + 1, std::memory_order_relaxed);
    });
    report(unprotected);

    // With one. The value cannot be reached without it, so nobody can forget.
    tandem::synchronized_value<int> counter(0);
    run_threads([&] { counter.apply([](int& count) { ++count; }); });
    report(*counter.lock());

    // What went wrong, step by step: two threads want to add 1. A reads, is interrupted, B reads
    // and writes, and then A overwrites what B did.
    int count = 0;
    const int value_a = count;
    const int value_b = count;
    count = value_b + 1;
    std::cout << "Thread B wrote " << count << '\n';
    count = value_a + 1;
    std::cout << "Thread A wrote " << count << ", for two increments\n";
    return *counter.lock() == workers * how_many ? 0 : 1;
}
