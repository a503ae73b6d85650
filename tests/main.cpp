// SPDX-License-Identifier: BSL-1.0
// tests/main.cpp: the main of the test program.
#if defined(__linux__) && __has_include(<tandem/pool/worker.hpp>)
#include <tandem/pool/worker.hpp>
#define HAS_WORKERS 1
#else
#define HAS_WORKERS 0
#endif

int run_catch(int argc, char** argv);  // support/catch.cpp

int main(int argc, char** argv) {
#if HAS_WORKERS
    tandem::worker_main(argc, argv);  // before anything else: this may be a worker of a pool
#endif
    return run_catch(argc, argv);
}
