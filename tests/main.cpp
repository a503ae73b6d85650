// SPDX-License-Identifier: BSL-1.0
// tests/main.cpp: the main of the test program.
#if defined(__linux__) && __has_include(<tandem/pool/worker.hpp>)
#include <tandem/pool/worker.hpp>
#define HAS_WORKERS 1
#else
#define HAS_WORKERS 0
#endif

#include <tandem/core/config.hpp>

#include <cstddef>

#if TANDEM_TSAN
// Starts the sanitizer's own process now, so that no test takes it for something it left behind.
extern "C" void __sanitizer_symbolize_pc(void* pc, const char* format, char* out, std::size_t size);
static void start_symbolizer() {
    char text[64];
    __sanitizer_symbolize_pc(reinterpret_cast<void*>(&start_symbolizer), "%f", text, sizeof text);
}
#else
static void start_symbolizer() {}
#endif

int run_catch(int argc, char** argv);  // support/catch.cpp

int main(int argc, char** argv) {
#if HAS_WORKERS
    tandem::worker_main(argc, argv);  // before anything else: this may be a worker of a pool
#endif
    start_symbolizer();
    return run_catch(argc, argv);
}
