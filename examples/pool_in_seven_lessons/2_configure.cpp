// SPDX-License-Identifier: BSL-1.0
// Python:  with Pool(processes=2, initializer=init, initargs=('...',), maxtasksperchild=3) as pool:
//
// How a pool is configured: how many workers, what each does first, how many tasks it may make, and
// where it comes from.
#include <tandem.hpp>

#include <chrono>
#include <cstdio>
#include <iostream>
#include <numeric>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

std::string prefix;  // each worker has its own

void initialize(const std::string& text) {
    prefix = text;
    std::puts("Initializing worker...");
}
void execute(int) {
    // Long enough that no worker does the work of both.
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    std::puts((prefix + " executing task...").c_str());
}
int process_id(int) { return ::getpid(); }

std::vector<int> numbers(int count) {
    std::vector<int> all(static_cast<std::size_t>(count));
    std::iota(all.begin(), all.end(), 0);
    return all;
}

int main(int argc, char** argv) {
    tandem::worker_main(argc, argv);

    std::cout << tandem::process_pool() << std::endl;   // one worker for each CPU
    std::cout << tandem::process_pool(4) << std::endl;  // four

    {
        tandem::process_pool pool(
            {.workers = 2, .initializer = tandem::call(initialize, "Worker")});
        pool.for_each(execute, numbers(4), {.chunk_size = 1});
    }
    {
        tandem::process_pool pool({.workers = 1, .max_tasks_per_worker = 3});
        const auto ids = pool.map(process_id, numbers(9));
        std::cout << "9 tasks, 3 for each worker: " << std::set(ids.begin(), ids.end()).size()
                  << " workers" << std::endl;
    }
    // fork copies this process as it is now, and may do so while it has one thread: the pools above
    // are gone. forkserver copies it as it was in worker_main, spawn starts the program again.
    prefix = "changed since";
    for (const auto method : {tandem::start_method::fork, tandem::start_method::forkserver,
                              tandem::start_method::spawn}) {
        tandem::process_pool pool({.workers = 1, .start = method});
        std::cout << "a worker's copy: \"" << pool.apply([] { return prefix; }) << '"' << std::endl;
    }
}
