// SPDX-License-Identifier: BSL-1.0
// Python:  result = pool.apply_async(task, callback=on_result, error_callback=on_error)
//          result.get(timeout=1); result.wait(timeout=1); result.ready(); result.successful()
//
// Being called when a task is done, and the ways to ask how it is getting on.
#include <tandem.hpp>

#include <chrono>
#include <iostream>
#include <stdexcept>
#include <string>
#include <thread>

using namespace std::chrono_literals;

double work(double value) {
    std::this_thread::sleep_for(300ms);
    if (value > 0.7)
        throw std::runtime_error("the value " + std::to_string(value) + " is too high");
    return value;
}
void tell(const tandem::outcome<double>& end) {
    if (end) {
        std::cout << "callback: " << end.value() << std::endl;
    } else {
        try {
            std::rethrow_exception(end.error());
        } catch (const std::exception& e) {
            std::cout << "error callback: " << e.what() << std::endl;
        }
    }
}

int main(int argc, char** argv) {
    tandem::worker_main(argc, argv);
    tandem::process_pool pool(2);

    auto good = pool.submit(work, 0.5);
    good.on_done(tell);
    bool said = false;
    do {
        if (!said) std::cout << "Main process waiting..." << std::endl;
        said = true;
    } while (!good.wait_for(100ms));
    pool.close();  // callbacks come before the end of the pool
    pool.join();
    std::cout << (good.successful() ? "Task was successful." : "Task failed.") << std::endl;

    // The exercise: a value over 0.7 is an error, which the future keeps and the callback hears.
    tandem::process_pool another(2);
    auto bad = another.submit(work, 0.9);
    bad.on_done(tell);
    try {
        bad.successful();
    } catch (const tandem::invalid_state&) {
        std::cout << "nobody knows yet whether it is successful" << std::endl;
    }
    another.close();
    another.join();
    std::cout << "ready: " << bad.ready() << ", successful: " << bad.successful() << std::endl;

    // A get with a timeout; the task goes on, and a cancel kills it.
    tandem::process_pool third(1);
    auto endless = third.submit([] { std::this_thread::sleep_for(24h); });
    try {
        endless.get_for(100ms);
    } catch (const tandem::timeout_error&) {
        std::cout << "not done in 100 ms" << std::endl;
    }
    std::cout << "cancelled: " << endless.cancel() << std::endl;
}
