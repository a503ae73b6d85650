// SPDX-License-Identifier: BSL-1.0
// Python:  asyncio.run(slow_coroutine(), debug=True)
//          # Executing <Task ... slow_coroutine() ...> took 0.503 seconds
//          class WriteThread(Thread): ...        # a second event loop
//
// A task that computes, or blocks, holds the thread of the loop, and with it all other tasks. Debug
// mode says who does. What blocks belongs elsewhere: in a thread, or in an event loop of its own.
#include <tandem.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <sstream>
#include <string>
#include <thread>
#include <utility>

using namespace std::chrono_literals;
using tandem::task;

// 1. Blocks for half a second, although it is a task. Debug mode names it, while it does so too.
task<> slow_coroutine() {
    std::this_thread::sleep_for(500ms);
    co_return;
}

void name_the_culprit() {
    tandem::event_loop_options options;
    options.debug = true;
    options.on_slow = [](const tandem::slow_step& step) {
        const std::chrono::duration<double> held = step.held;
        std::cerr << step.what << (step.over ? " held" : " has been holding") << " the loop for "
                  << held.count() << " s\n";
        if (!step.over) return;
        std::cout << step.what.substr(0, step.what.find(' ')) << " held the event loop for "
                  << (step.held >= 500ms ? "at least" : "less than") << " 0.5 s\n";
    };
    tandem::sync_wait(slow_coroutine(), std::move(options));
}

// 2. A second event loop, in a thread of its own, owns the output. To write there is an await.
class write_thread {
   public:
    explicit write_thread(std::ostream& output)
        : output_(output), thread_([this] { loop_.run(); }) {}
    ~write_thread() {
        loop_.stop();
        thread_.join();
    }
    // Runs over there; the caller waits for it, its loop does not.
    auto write(std::string text) { return loop_.submit(write_there(std::move(text))); }

   private:
    task<> write_there(std::string text) {
        std::this_thread::sleep_for(5ms);  // a slow disk
        output_ << text;
        co_return;
    }

    std::ostream& output_;
    tandem::event_loop loop_;
    std::thread thread_;
};

// The longest time that a task which wants to run every millisecond had to wait.
task<> ticker(std::chrono::nanoseconds& longest) {
    for (auto before = std::chrono::steady_clock::now();;) {
        co_await tandem::sleep_for(1ms);
        const auto now = std::chrono::steady_clock::now();
        longest = std::max<std::chrono::nanoseconds>(longest, now - before);
        before = now;
    }
}

task<> write_lines(std::ostream& output, int count) {
    write_thread writer(output);
    std::chrono::nanoseconds longest{0};
    auto ticks = tandem::spawn(ticker(longest));
    for (int i = 0; i < count; ++i) {
        co_await writer.write("line " + std::to_string(i) + "\n");
    }
    ticks.cancel();
    std::cerr << "the longest gap of the ticker: "
              << std::chrono::duration<double, std::milli>(longest).count() << " ms\n";
    std::cout << "The loop stayed responsive: " << (longest < 250ms ? "yes" : "no") << '\n';
}

int main() {
    name_the_culprit();
    std::ostringstream file;
    tandem::sync_wait(write_lines(file, 50));
    const auto text = file.str();
    std::cout << "Lines written: " << std::count(text.begin(), text.end(), '\n') << '\n';
}
