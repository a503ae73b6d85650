// expect: a pointer cannot travel to another process
// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/process_pool.hpp>

void load(int*) {}
void start(int* place) {
    tandem::process_pool pool({.workers = 1, .initializer = tandem::call(load, place)});
}
