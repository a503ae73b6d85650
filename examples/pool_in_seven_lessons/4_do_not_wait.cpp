// SPDX-License-Identifier: BSL-1.0
// Python:  result = pool.apply_async(task, (42,))
//          results = pool.map_async(task, range(10))
//          results = pool.starmap_async(task, items)
//
// The calls that do not wait: each gives a future at once, and the caller goes on.
#include <tandem.hpp>

#include <chrono>
#include <iostream>
#include <ranges>
#include <thread>
#include <tuple>
#include <vector>

int twice(int x) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    return x * 2;
}
int sum(int a, int b, int c) { return a + b + c; }

void print(const char* what, const std::vector<int>& results) {
    std::cout << what;
    for (const int result : results) std::cout << ' ' << result;
    std::cout << '\n';
}

int main(int argc, char** argv) {
    tandem::worker_main(argc, argv);
    tandem::process_pool pool(4);
    const auto numbers = std::views::iota(0, 10);
    std::vector<std::tuple<int, int, int>> triples;
    for (const int i : numbers) triples.emplace_back(i, 2 * i, 3 * i);

    auto one = pool.submit(twice, 42);  // apply_async
    std::cout << "the caller goes on while the task runs\n";
    auto all = pool.map_async(twice, numbers);
    std::cout << "and while ten of them do\n";
    auto sums = pool.starmap_async(sum, triples);
    std::cout << "and asks for the results when it wants them\n";

    std::cout << "submit: " << one.get() << '\n';
    print("map_async:", all.get());
    print("starmap_async:", sums.get());
}
