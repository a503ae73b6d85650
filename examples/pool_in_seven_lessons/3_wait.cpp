// SPDX-License-Identifier: BSL-1.0
// Python:  result = pool.apply(task, (42,))
//          results = pool.map(task, range(10), chunksize=10)
//          results = pool.starmap(task, [(i, 2 * i, 3 * i) for i in range(10)])
//
// The calls that wait: for one result, or for all of them.
#include <tandem.hpp>

#include <iostream>
#include <ranges>
#include <tuple>
#include <vector>

int twice(int x) { return x * 2; }
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

    std::cout << "apply: " << pool.apply(twice, 42) << '\n';
    print("map:", pool.map(twice, numbers));
    // One message for all ten; without it the pool measures what is best.
    print("map, chunks of 10:", pool.map(twice, numbers, {.chunk_size = 10}));

    std::vector<std::tuple<int, int, int>> triples;
    for (const int i : numbers) triples.emplace_back(i, 2 * i, 3 * i);
    print("starmap:", pool.starmap(sum, triples));
}
