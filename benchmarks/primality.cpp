// SPDX-License-Identifier: BSL-1.0
// primality.cpp: which numbers are prime, with calls of very different lengths and with short ones.
#include "jobs.hpp"
#include "on_every_executor.hpp"

int main(int argc, char** argv) {
    tandem::worker_main(argc, argv);
    using namespace jobs;
    // One number is 60 % of the work: 1.68 times serial is the limit, whatever the CPUs.
    on_every_executor("primality_17", is_prime, seventeen, expected_prime);
    on_every_executor("primality_272", is_prime, longest_first(times(seventeen, 16)),
                      expected_prime);
    // Here the size of the chunks decides.
    on_every_executor("primality_200000", is_prime, from_a_billion(200'000), expected_prime);
    return run(argc, argv);
}
