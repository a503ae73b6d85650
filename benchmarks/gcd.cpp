// SPDX-License-Identifier: BSL-1.0
// gcd.cpp: the greatest common divisors of six pairs, and of the six 16 times: few and long calls.
#include "jobs.hpp"
#include "on_every_executor.hpp"

int main(int argc, char** argv) {
    tandem::worker_main(argc, argv);
    using namespace jobs;
    on_every_executor("gcd_6", gcd, six_pairs, expected_gcd);
    on_every_executor("gcd_96", gcd, times(six_pairs, 16), expected_gcd);
    return run(argc, argv);
}
