// SPDX-License-Identifier: BSL-1.0
// Python:  process = Process(target=task)
//          process.start()
//          process.join()
//
// One function in one child process; then the same through a pool, which keeps its processes.
#include <tandem.hpp>

#include <cstdio>
#include <string>

void task() { std::puts("This is another process"); }

int main(int argc, char** argv) {
    tandem::worker_main(argc, argv);  // Python: if __name__ == '__main__':

    tandem::process process(task);  // starts here
    process.join();
    std::printf("it %s\n", process.status()->text().c_str());

    std::fflush(stdout);  // workers write to the same place
    tandem::process_pool pool(1);
    pool.submit(task).get();

    // Talking to a process: a channel has two ends, and one of them goes along.
    auto [here, there] = tandem::channel<std::string>::make();
    tandem::process echo(
        [](tandem::channel<std::string> end) {
            for (const std::string& word : end) end.push(word + ", " + word);
        },
        std::move(there));
    here.push("hello");
    std::puts(here.pop()->c_str());
    here.close();
    echo.join();
}
