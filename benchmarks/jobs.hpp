// SPDX-License-Identifier: BSL-1.0
// jobs.hpp: the two jobs that the pools are measured with. python_pools.py has the same.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <utility>
#include <vector>

namespace jobs {

/// All of them several times over.
template <class T>
std::vector<T> times(const std::vector<T>& all, std::size_t count) {
    std::vector<T> result;
    for (std::size_t i = 0; i < count; ++i) result.insert(result.end(), all.begin(), all.end());
    return result;
}

// gcd: few and long calls

using numbers = std::pair<int, int>;

inline const std::vector<numbers> six_pairs = {{1963309, 2265973}, {2030677, 3814172},
                                               {1551645, 2229620}, {2039045, 2020802},
                                               {1823712, 1924928}, {2293129, 1020491}};

/// Tries every number from the smaller one down: 2 to 8 ms.
inline int gcd(const numbers& pair) {
    const auto [a, b] = pair;
    int divisor = std::min(a, b);
    while (a % divisor != 0 || b % divisor != 0) --divisor;
    return divisor;
}

/// The right answer, found in another way.
inline int expected_gcd(const numbers& pair) { return std::gcd(pair.first, pair.second); }

// primality: calls from nothing to 0.2 s, or many short ones

inline const std::vector<std::uint64_t> seventeen = {
    17977,        10619863,        106198,         6620830889,        80630964769,
    228204732751, 1171432692373,   1398341745571,  10963707205259,    15285151248481,
    99999199999,  304250263527209, 30425026352720, 10657331232548839, 10657331232548830,
    44560482149,  1746860020068409};

/// Longest first, so that nobody starts a long one when the others have finished. Of the primes
/// that is the largest first; the three others have small divisors and take no time.
inline std::vector<std::uint64_t> longest_first(std::vector<std::uint64_t> all) {
    std::ranges::sort(all, std::greater());
    return all;
}

/// So many numbers from 1 000 000 000 on. Half are even and take 1 ns, one in 21 is prime and takes
/// 53 us: 3 us on average where a division takes 3.4 ns.
inline std::vector<std::uint64_t> from_a_billion(std::size_t count) {
    std::vector<std::uint64_t> all(count);
    std::iota(all.begin(), all.end(), std::uint64_t{1'000'000'000});
    return all;
}

/// Trial division by 2 and by odd numbers up to the square root.
inline bool is_prime(std::uint64_t number) {
    if (number <= 1) return false;
    if (number == 2) return true;
    if (number % 2 == 0) return false;
    for (std::uint64_t divisor = 3; divisor <= number / divisor; divisor += 2) {
        if (number % divisor == 0) return false;
    }
    return true;
}

/// The right answer, found in another way: by Miller and Rabin, exact below 2^64 with these bases.
inline bool expected_prime(std::uint64_t number) {
    __extension__ using wide = unsigned __int128;
    const auto multiply = [number](std::uint64_t a, std::uint64_t b) {
        return static_cast<std::uint64_t>(static_cast<wide>(a) * b % number);
    };
    if (number < 2) return false;
    for (const std::uint64_t base : {2u, 3u, 5u, 7u, 11u, 13u, 17u, 19u, 23u, 29u, 31u, 37u}) {
        if (number % base == 0) return number == base;
        // base^odd, squared until the exponent is number - 1, must reach 1 by way of -1.
        std::uint64_t exponent = number - 1, power = 1, square = base;
        int doublings = 0;
        for (; exponent % 2 == 0; exponent /= 2) ++doublings;
        for (; exponent != 0; exponent /= 2, square = multiply(square, square)) {
            if (exponent % 2 == 1) power = multiply(power, square);
        }
        bool passes = power == 1;
        for (; doublings > 0 && !passes; --doublings, power = multiply(power, power)) {
            passes = power == number - 1;
        }
        if (!passes) return false;
    }
    return true;
}

}  // namespace jobs
