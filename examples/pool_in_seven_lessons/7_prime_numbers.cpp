// SPDX-License-Identifier: BSL-1.0
// Python:  with Pool() as pool:
//              for isprime, number in zip(pool.imap(is_prime, NUMBERS), NUMBERS):
//                  if isprime: print(f'{number} is prime')
//
// Which of 17 numbers are prime, in a loop, on threads, on processes; then the lesson's exercises.
// One number is 60 % of the work, so no number of CPUs makes the whole more than 1.68 x as fast.
#include <tandem.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <ranges>
#include <vector>

#include "../timed.hpp"

const std::vector<std::uint64_t> numbers = {
    17977,        10619863,        106198,         6620830889,        80630964769,
    228204732751, 1171432692373,   1398341745571,  10963707205259,    15285151248481,
    99999199999,  304250263527209, 30425026352720, 10657331232548839, 10657331232548830,
    44560482149,  1746860020068409};

// Trial division by 2 and by odd numbers up to the square root.
bool is_prime(std::uint64_t number) {
    if (number <= 1) return false;
    if (number == 2) return true;
    if (number % 2 == 0) return false;
    for (std::uint64_t divisor = 3; divisor <= number / divisor; divisor += 2) {
        if (number % divisor == 0) return false;
    }
    return true;
}

// Says of each prime that it is one as soon as that, and all before it, is known.
std::vector<std::uint64_t> find_primes(tandem::executor auto& pool) {
    std::vector<std::uint64_t> primes;
    auto answers = pool.imap(is_prime, numbers);
    for (auto answer = answers.begin(); answer != answers.end(); ++answer) {
        if (!*answer) continue;
        primes.push_back(numbers[answer.index()]);
        std::cout << primes.back() << " is prime" << std::endl;
    }
    return primes;
}

// Exercise: the numbers up to 100, compared with the primes that everybody knows.
bool agrees_with_known_primes(tandem::executor auto& pool) {
    const std::vector<int> known = {2,  3,  5,  7,  11, 13, 17, 19, 23, 29, 31, 37, 41,
                                    43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97};
    std::vector<int> found;
    const auto answers = pool.map(is_prime, std::views::iota(1, 101));
    for (int number = 1; number <= 100; ++number) {
        if (answers[static_cast<std::size_t>(number - 1)]) found.push_back(number);
    }
    std::cout << "1..100: " << found.size() << " primes, "
              << (found == known ? "the known ones\n" : "NOT the known ones\n");
    return found == known;
}

// Exercise: small calls with chunk sizes of one's own, and with the one that the pool finds (0).
void compare_chunk_sizes(tandem::executor auto& pool) {
    for (const int chunk_size : {1, 10, 100, 1000, 0}) {
        const auto start = std::chrono::steady_clock::now();
        const auto answers =
            pool.map(is_prime, std::views::iota(1, 1001), {.chunk_size = chunk_size});
        const std::chrono::duration<double, std::micro> took =
            std::chrono::steady_clock::now() - start;
        std::cout << "1..1000, chunk_size " << chunk_size << ": "
                  << std::ranges::count(answers, true) << " primes\n";
        std::fprintf(stderr, "chunk_size %4d: %8.0f us\n", chunk_size, took.count());
    }
}

// Exercise: each answer as soon as it is known, so the small numbers come first.
void find_unordered(tandem::executor auto& pool) {
    auto answers = pool.imap_unordered(is_prime, numbers);
    for (auto answer = answers.begin(); answer != answers.end(); ++answer) {
        if (*answer) std::cout << numbers[answer.index()] << " is prime" << std::endl;
    }
}

int main(int argc, char** argv) {
    tandem::worker_main(argc, argv);
    tandem::inline_executor loop;
    tandem::thread_pool threads;
    tandem::process_pool processes;  // the one change

    std::cout << "serial\n";
    const auto primes = timed("primes of 17", "serial", [&] { return find_primes(loop); });
    std::cout << "threads\n";
    bool ok = primes == timed("primes of 17", "threads", [&] { return find_primes(threads); });
    std::cout << "processes\n";
    ok &= primes == timed("primes of 17", "processes", [&] { return find_primes(processes); });
    std::cout << primes.size() << " primes" << (ok ? ", each time\n" : ", NOT each time\n");
    print_timings();

    ok &= agrees_with_known_primes(processes);
    compare_chunk_sizes(processes);
    std::cout << "unordered\n";
    find_unordered(processes);
    return ok ? 0 : 1;
}
