// SPDX-License-Identifier: BSL-1.0
// Python:  for result in pool.imap(task, range(10)): ...
//          for result in pool.imap_unordered(task, range(10)): ...
//
// Results one by one, as they come: in the order of the input, or in that of their completion. And
// what Python promises but does not do: the input is read only as workers get to it.
#include <tandem.hpp>

#include <chrono>
#include <iostream>
#include <random>
#include <ranges>
#include <thread>

int slow(int x) {
    std::mt19937 random(std::random_device{}());
    std::this_thread::sleep_for(
        std::chrono::milliseconds(std::uniform_int_distribution(1, 100)(random)));
    return x;
}
int twice(int x) { return 2 * x; }

int main(int argc, char** argv) {
    tandem::worker_main(argc, argv);
    tandem::process_pool pool(4);

    std::cout << "in order:\n";
    for (const int x : pool.imap(slow, std::views::iota(0, 10))) std::cout << x << std::endl;

    std::cout << "as they are done:\n";
    auto done = pool.imap_unordered(slow, std::views::iota(0, 10));
    for (auto it = done.begin(); it != done.end(); ++it) {
        std::cout << "number " << it.index() << ": " << *it << std::endl;
    }

    std::cout << "a billion, of which three are wanted:\n";
    auto numbers = std::views::iota(0, 1'000'000'000) | std::views::transform([](int x) {
                       std::cout << "asked for " << x << '\n';
                       return x;
                   });
    int wanted = 3;
    for (const int x : pool.imap(twice, numbers, {.window = 2})) {
        std::cout << "got " << x << '\n';
        if (--wanted == 0) break;
    }
}
