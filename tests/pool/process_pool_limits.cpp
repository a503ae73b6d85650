// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/process_pool_limits.hpp>

#include "pool/tasks.hpp"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <map>
#include <new>
#include <numeric>
#include <optional>
#include <set>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

#include <sys/stat.h>

using namespace tandem;
using namespace std::chrono_literals;
using namespace tasks;
using tools::leaves_nothing;

namespace {

[[noreturn]] void spin() {
    for (volatile bool on = true; on;) {
    }
    std::abort();
}
void block_and_spin(const std::string& up) {
    sigset_t all;
    sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    tools::tell(up, ::getpid());
    spin();
}
int crash_with(int signal) {
    ::raise(signal);
    return 0;
}
// Writes down that it was begun, then crashes as long as the journal is short.
int crash_until(const std::string& journal, int times, int signal) {
    tools::journal::add(journal, 1);
    const tandem::unique_fd fd(::open(journal.c_str(), O_RDONLY | O_CLOEXEC));
    const auto begun = ::lseek(fd.get(), 0, SEEK_END) / static_cast<off_t>(sizeof(int));
    if (begun <= times) ::raise(signal);
    return static_cast<int>(begun);
}
template <class E, class Future>
std::string text_of(Future f) {
    try {
        f.get();
    } catch (const E& e) {
        return e.what();
    } catch (const std::exception& e) {
        return std::string("another exception: ") + e.what();
    }
    return "a value";
}
bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

// Timeouts.

TEST_CASE("a task past its timeout ends with timeout_error, its worker is killed and replaced",
          "[process_pool]") {
    leaves_nothing([] {
        tools::mailbox box;
        process_pool pool({.workers = 1, .timeout = 100ms});
        const auto begun = std::chrono::steady_clock::now();
        auto slow = pool.submit(block_and_spin, box.to());
        const auto worker = static_cast<int>(box.receive());
        const auto text = text_of<timeout_error>(std::move(slow));
        CHECK(std::chrono::steady_clock::now() - begun >= 100ms);
        CHECK(contains(text, "timeout of 100 ms"));
        CHECK(pool.apply(worker_pid) != worker);
        CHECK(tools::eventually([&] { return !tools::exists(worker); }));
        CHECK(pool.stats().replaced == 1);
    });
}

TEST_CASE("the time of a task begins when the task does", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool({.workers = 1, .timeout = 2s});
        std::vector<future<int>> all;
        for (int i = 0; i < 30; ++i) {
            all.push_back(pool.submit(
                [](int x) {
                    std::this_thread::sleep_for(100ms);
                    return x;
                },
                i));
        }
        for (int i = 0; i < 30; ++i) CHECK(all[static_cast<std::size_t>(i)].get() == i);
    });
}

TEST_CASE("a timeout ends one element of a chunk, the others are made", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool({.workers = 2, .timeout = 100ms});
        auto results = pool.imap(
            [](int x) {
                if (x % 10 == 3) spin();
                return x;
            },
            first_numbers(40), {.chunk_size = 10, .window = 40});
        int good = 0;
        int late = 0;
        for (auto it = results.begin(); it != results.end(); ++it) {
            try {
                good += *it == static_cast<int>(it.index()) ? 1 : 0;
            } catch (const timeout_error&) {
                late += it.index() % 10 == 3 ? 1 : 100;
            }
        }
        CHECK(good == 36);
        CHECK(late == 4);
    });
}

TEST_CASE("a map with an element past its timeout throws timeout_error", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool({.workers = 2, .timeout = 50ms});
        CHECK_THROWS_AS(pool.map(
                            [](int x) {
                                if (x == 3) spin();
                                return x;
                            },
                            first_numbers(10)),
                        timeout_error);
        CHECK(pool.apply(twice, 4) == 8);
    });
}

TEST_CASE("a stopped worker runs out of time too", "[process_pool]") {
    leaves_nothing([] {
        tools::mailbox box;
        process_pool pool({.workers = 1, .timeout = 100ms});
        auto stopped = pool.submit(run_forever, box.to());
        tools::kill_one(static_cast<int>(box.receive()), SIGSTOP);
        CHECK_THROWS_AS(stopped.get(), timeout_error);
        CHECK(pool.apply(twice, 4) == 8);
    });
}

TEST_CASE("what a task past its timeout has started dies with it", "[process_pool]") {
    leaves_nothing([] {
        tools::mailbox box;
        process_pool pool({.workers = 1, .timeout = 200ms});
        auto slow = pool.submit(
            [](const std::string& up) {
                if (::fork() == 0) {
                    tools::tell(up, ::getpid());
                    for (;;) ::pause();
                }
                spin();
            },
            box.to());
        const auto child = static_cast<int>(box.receive());
        CHECK_THROWS_AS(slow.get(), timeout_error);
        CHECK(tools::eventually([&] { return tools::is_over(child); }));
    });
}

TEST_CASE("many short tasks under a timeout are left alone", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool({.workers = 2, .timeout = 20s});
        const auto numbers = first_numbers(20'000);
        const auto doubled = pool.map(twice, numbers);
        CHECK(std::accumulate(doubled.begin(), doubled.end(), 0L) == 20'000L * 19'999);
    });
}

// Grace.

TEST_CASE("a task that times out is asked to stop, and its worker lives if it does",
          "[process_pool]") {
    leaves_nothing([] {
        tools::journal log;
        process_pool pool({.workers = 1, .timeout = 50ms, .grace = 30s});
        const int worker = pool.apply(worker_pid);
        auto slow = pool.submit(
            [](std::stop_token stop, const std::string& path) {
                while (!stop.stop_requested()) std::this_thread::sleep_for(1ms);
                tools::journal::add(path, 7);
            },
            log.path());
        CHECK_THROWS_AS(slow.get(), timeout_error);
        CHECK(pool.apply(worker_pid) == worker);
        CHECK(log.read() == std::vector<int>{7});
        CHECK(pool.stats().replaced == 0);
    });
}

TEST_CASE("a cancelled task is asked to stop, and killed when its grace is over",
          "[process_pool]") {
    leaves_nothing([] {
        tools::mailbox box;
        process_pool pool({.workers = 1, .grace = 100ms});
        auto deaf = pool.submit(run_forever, box.to());
        const auto worker = static_cast<int>(box.receive());
        const auto begun = std::chrono::steady_clock::now();
        CHECK(deaf.cancel());
        CHECK_THROWS_AS(deaf.get(), cancelled_error);
        CHECK(pool.apply(worker_pid) != worker);
        CHECK(std::chrono::steady_clock::now() - begun >= 100ms);
    });
}

TEST_CASE("a stop request reaches callbacks of the stop_token, again and again", "[process_pool]") {
    leaves_nothing([] {
        tools::mailbox up;
        process_pool pool({.workers = 1, .grace = 30s});
        const int worker = pool.apply(worker_pid);
        for (int i = 0; i < 20; ++i) {
            auto task = pool.submit(
                [](std::stop_token stop, const std::string& path) {
                    std::atomic<bool> asked{false};
                    const std::stop_callback callback(stop, [&] { asked = true; });
                    tools::tell(path, 1);
                    while (!asked) std::this_thread::sleep_for(1ms);
                },
                up.to());
            up.receive();
            CHECK(task.cancel());
        }
        CHECK(pool.apply(worker_pid) == worker);
    });
}

// Memory and CPU time.

TEST_CASE("a worker over its memory limit throws bad_alloc and goes on", "[process_pool]") {
    if (tools::sanitized) return;
    leaves_nothing([] {
        process_pool pool({.workers = 1, .memory_limit = 256 << 20});
        const auto allocate = [](std::size_t bytes) {
            return std::vector<char>(bytes, 'x').size();
        };
        CHECK_THROWS_AS(pool.apply(allocate, std::size_t{1} << 30), std::bad_alloc);
        CHECK(pool.apply(allocate, std::size_t{32} << 20) == std::size_t{32} << 20);
        CHECK(pool.stats().replaced == 0);
    });
}

TEST_CASE("a task over its CPU time is killed by SIGXCPU, an idle worker is not",
          "[process_pool]") {
    leaves_nothing([] {
        process_pool pool({.workers = 1, .cpu_limit = 1s});
        auto busy = pool.submit([] { spin(); });
        try {
            busy.get();
            FAIL("it ended");
        } catch (const worker_died& e) {
            CHECK(e.signal() == SIGXCPU);
        }
        CHECK(pool.apply(twice, 4) == 8);
    });
}

// Retries.

TEST_CASE("a task whose worker was killed is begun again, as often as allowed", "[process_pool]") {
    leaves_nothing([] {
        tools::journal log;
        process_pool pool({.workers = 2, .retries = 3});
        CHECK(pool.apply(crash_until, log.path(), 3, SIGKILL) == 4);
        CHECK(pool.stats().retried == 3);
        CHECK(pool.stats().done == 1);
        tools::journal more;
        CHECK_THROWS_AS(pool.apply(crash_until, more.path(), 4, SIGKILL), worker_died);
        CHECK(more.read().size() == 4);
    });
}

TEST_CASE("a task that crashes two workers is not tried again", "[process_pool]") {
    leaves_nothing([] {
        tools::journal log;
        process_pool pool({.workers = 2, .retries = 5});
        auto poison = pool.submit(crash_until, log.path(), 1000, SIGSEGV);
        std::vector<future<int>> others;
        for (int i = 0; i < 100; ++i) others.push_back(pool.submit(twice, i));
        CHECK(contains(text_of<worker_died>(std::move(poison)), "and another worker before it"));
        CHECK(log.read().size() == 2);
        for (int i = 0; i < 100; ++i) CHECK(others[static_cast<std::size_t>(i)].get() == 2 * i);
    });
}

TEST_CASE("without retries a death is final, and exceptions are never retried", "[process_pool]") {
    leaves_nothing([] {
        tools::journal log;
        process_pool pool({.workers = 1});
        CHECK_THROWS_AS(pool.apply(crash_until, log.path(), 1, SIGKILL), worker_died);
        CHECK(log.read().size() == 1);
        const auto thrower = [](const std::string& path) {
            tools::journal::add(path, 1);
            throw std::runtime_error("no");
        };
        tools::journal thrown;
        CHECK_THROWS_AS(pool.with({.retries = 4}).apply(thrower, thrown.path()),
                        std::runtime_error);
        CHECK(thrown.read().size() == 1);
    });
}

TEST_CASE("elements of a map are retried, each for itself", "[process_pool]") {
    leaves_nothing([] {
        tools::journal log;
        const std::string path = log.path();
        process_pool pool({.workers = 2, .retries = 1});
        std::vector<std::pair<std::string, int>> elements;
        for (int i = 0; i < 200; ++i) elements.emplace_back(path, i);
        const auto odd_start = [](const std::pair<std::string, int>& element) {
            const auto [file, x] = element;
            if (x % 50 != 25) return x;
            // Crashes the first time.
            const tandem::unique_fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
            int seen = 0;
            while (::read(fd.get(), &seen, sizeof seen) == sizeof seen) {
                if (seen == x) return x;
            }
            tools::journal::add(file, x);
            std::abort();
        };
        const auto results = pool.map(odd_start, elements, {.chunk_size = 20});
        CHECK(results == first_numbers(200));
        CHECK(pool.stats().retried == 4);
    });
}

TEST_CASE("a task that waits for its next try can be cancelled, and ends with the pool",
          "[process_pool]") {
    leaves_nothing([] {
        for (const bool cancel : {true, false}) {
            tools::journal log;
            tools::mailbox box;
            process_pool pool({.workers = 1, .retries = 1000});
            auto again = pool.submit(crash_until, log.path(), 1'000'000, SIGKILL);
            CHECK(tools::eventually([&] { return log.read().size() > 3; }));
            if (cancel) {
                CHECK(again.cancel());
                CHECK_THROWS_AS(again.get(), cancelled_error);
                CHECK(pool.apply(twice, 1) == 2);
            } else {
                pool.terminate();
                CHECK_THROWS_AS(again.get(), cancelled_error);
            }
        }
    });
}

// with().

TEST_CASE("with() gives the same pool with other limits", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool({.workers = 2});
        const auto quick = pool.with({.timeout = 50ms, .retries = 2});
        auto copy = quick;
        CHECK(copy.size() == 2);
        CHECK_THROWS_AS(copy.apply([] { spin(); }), timeout_error);
        CHECK(copy.map(twice, first_numbers(3)) == std::vector<int>{0, 2, 4});
        int sum = 0;
        for (const int x : copy.imap(twice, first_numbers(10))) sum += x;
        CHECK(sum == 90);
        CHECK_THROWS_AS(pool.with({.timeout = 0ms}), std::invalid_argument);
        CHECK_THROWS_AS(pool.with({.retries = -1}), std::invalid_argument);
        // What goes through the pool itself has its own limits.
        CHECK(pool.apply([] {
            std::this_thread::sleep_for(200ms);
            return 5;
        }) == 5);
    });
}

TEST_CASE("a view may outlive its pool, which takes no more work then", "[process_pool]") {
    leaves_nothing([] {
        std::optional<pool_view> view;
        {
            process_pool pool(1);
            view = pool.with({.retries = 1});
            CHECK(view->apply(twice, 3) == 6);
        }
        CHECK_THROWS_AS(view->apply(twice, 3), pool_closed);
    });
}

TEST_CASE("a future of a view can be cancelled and have callbacks", "[process_pool]") {
    leaves_nothing([] {
        tools::mailbox box;
        process_pool pool(1);
        const auto view = pool.with({.retries = 1});
        auto copy = view;
        auto task = copy.submit(run_forever, box.to());
        std::atomic<int> called{0};
        task.on_done([&](const outcome<void>&) { called = 1; });
        box.receive();
        CHECK(task.cancel());
        CHECK(tools::eventually([&] { return called == 1; }));
    });
}

// max_tasks_per_worker.

TEST_CASE("workers are replaced after so many tasks", "[process_pool]") {
    leaves_nothing([] {
        for (const int limit : {1, 2, 7}) {
            for (const int workers : {1, 3}) {
                process_pool pool({.workers = workers, .max_tasks_per_worker = limit});
                std::map<int, int> made;
                const int count = 60;
                for (const int pid :
                     pool.map([](int) { return ::getpid(); }, first_numbers(count))) {
                    ++made[pid];
                }
                for (const auto& [pid, calls] : made) CHECK(calls <= limit);
                const int least = (count + limit - 1) / limit;
                CHECK(static_cast<int>(made.size()) >= least);
                CHECK(static_cast<int>(made.size()) <= least + 3 * workers);
                CHECK(pool.stats().done == static_cast<std::size_t>(count));
            }
        }
    });
}

TEST_CASE("a worker that may make one task never makes two, submitted one by one",
          "[process_pool]") {
    leaves_nothing([] {
        process_pool pool({.workers = 2, .max_tasks_per_worker = 1});
        std::set<int> seen;
        for (int i = 0; i < 50; ++i) seen.insert(pool.apply(worker_pid));
        CHECK(seen.size() == 50);
    });
}

// The initializer.

namespace {
int& loaded() {
    static int value = 0;
    return value;
}
void load(int value, std::string_view name) { loaded() = value + static_cast<int>(name.size()); }
}  // namespace

TEST_CASE("the initializer is made in each worker before its first task", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool({.workers = 2, .initializer = call(load, 40, "ab")});
        for (const int value : pool.map([](int) { return loaded(); }, first_numbers(100))) {
            CHECK(value == 42);
        }
        auto dead = pool.submit([] { std::abort(); });
        CHECK_THROWS_AS(dead.get(), worker_died);
        for (const int value : pool.map([](int) { return loaded(); }, first_numbers(100))) {
            CHECK(value == 42);
        }
        CHECK(loaded() == 0);
        process_pool plain({.workers = 1, .initializer = [] { loaded() = 5; }});
        CHECK(plain.apply([] { return loaded(); }) == 5);
    });
}

TEST_CASE("an initializer that throws everywhere breaks the pool with its text", "[process_pool]") {
    leaves_nothing([] {
        for (const int workers : {1, 4}) {
            tools::journal log;
            process_pool pool({.workers = workers,
                               .initializer = call(
                                   [](const std::string& path) {
                                       tools::journal::add(path, ::getpid());
                                       throw std::runtime_error("no model");
                                   },
                                   log.path())});
            std::string text = "not refused";
            try {
                auto task = pool.submit(twice, 2);
                text = text_of<broken_pool>(std::move(task));
            } catch (const broken_pool& e) {
                text = e.what();
            }
            CHECK(contains(text, "initializer"));
            CHECK(contains(text, "no model"));
            CHECK(log.read().size() <= 10);
        }
    });
}

TEST_CASE("an initializer that dies everywhere breaks the pool", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool({.workers = 1, .initializer = [] { std::abort(); }});
        try {
            auto task = pool.submit(twice, 2);
            task.get();
            FAIL("it was made");
        } catch (const broken_pool& e) {
            CHECK(contains(e.what(), "SIGABRT"));
        }
    });
}

TEST_CASE("an initializer that throws once does not break the pool", "[process_pool]") {
    leaves_nothing([] {
        tools::journal log;
        process_pool pool({.workers = 1,
                           .initializer = call(
                               [](const std::string& path) {
                                   tools::journal::add(path, 1);
                                   const tandem::unique_fd fd(
                                       ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
                                   if (::lseek(fd.get(), 0, SEEK_END) == sizeof(int)) throw 5;
                               },
                               log.path())});
        CHECK(pool.apply(twice, 2) == 4);
        CHECK(log.read().size() == 2);
    });
}

// stderr.

TEST_CASE("worker_died shows the end of the worker's stderr", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool({.workers = 1, .stderr_tail = 100});
        auto dead = pool.submit([] {
            for (int i = 0; i < 1000; ++i) std::fputs("x", stderr);
            std::fputs("the reason\n", stderr);
            std::abort();
        });
        try {
            dead.get();
            FAIL("it ended");
        } catch (const worker_died& e) {
            CHECK(e.stderr_tail().size() <= 100);
            CHECK(contains(e.stderr_tail(), "the reason"));
            CHECK(contains(e.what(), "the reason"));
        }
    });
}

TEST_CASE("stderr of workers can be left alone", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool({.workers = 1, .stderr_tail = 0});
        const auto ours = [](int fd) {
            struct stat one{};
            ::fstat(fd, &one);
            return static_cast<std::int64_t>(one.st_ino);
        };
        CHECK(pool.apply(ours, 2) == ours(2));
        CHECK_THROWS_AS(pool.apply(crash_with, SIGABRT), worker_died);
    });
}

// Start methods.

TEST_CASE("spawned workers are of a program that was started afresh", "[process_pool]") {
    leaves_nothing([] {
        loaded() = 77;
        process_pool pool({.workers = 2, .start = start_method::spawn});
        CHECK(pool.apply([] { return loaded(); }) == 0);
        CHECK(pool.map(twice, first_numbers(1000)).size() == 1000);
        CHECK_THROWS_AS(pool.apply(crash_with, SIGKILL), worker_died);
        CHECK(pool.apply(twice, 4) == 8);
        loaded() = 0;
    });
}

TEST_CASE("a fork of a process with one thread has its memory", "[process_pool]") {
    const auto end = tools::in_child([] {
        loaded() = 78;
        process_pool pool({.workers = 2, .start = start_method::fork});
        const int seen = pool.apply([] { return loaded(); });
        const bool dead = !pool.submit(crash_with, SIGKILL).wait_for(0s);
        return std::to_string(seen) + (dead ? " " : " ") + std::to_string(pool.apply(twice, 4));
    });
    CHECK(end.text == "78 8");
}

TEST_CASE("a process with threads may not be forked", "[process_pool]") {
    leaves_nothing([] {  // the watchdog is a thread
        try {
            process_pool pool({.workers = 1, .start = start_method::fork});
            FAIL("it was");
        } catch (const invalid_state& e) {
            CHECK(contains(e.what(), "several threads"));
        }
    });
}

TEST_CASE("options of a process pool that make no sense are refused", "[process_pool]") {
    CHECK_THROWS_AS(process_pool({.workers = -1}), std::invalid_argument);
    CHECK_THROWS_AS(process_pool({.max_tasks_per_worker = -1}), std::invalid_argument);
    CHECK_THROWS_AS(process_pool({.timeout = 0s}), std::invalid_argument);
    CHECK_THROWS_AS(process_pool({.grace = -1s}), std::invalid_argument);
    CHECK_THROWS_AS(process_pool({.cpu_limit = -1s}), std::invalid_argument);
    CHECK_THROWS_AS(process_pool({.retries = -1}), std::invalid_argument);
}

// Reports.

TEST_CASE("what a task reports arrives in order and before its callbacks", "[process_pool]") {
    leaves_nothing([] {
        std::vector<int> seen;  // the callback thread's, until the pool is gone
        std::vector<std::size_t> from;
        std::atomic<bool> wrong_type{false};
        {
            process_pool pool(
                {.workers = 1,
                 .on_progress = [&](progress_source source, const progress_event& event) {
                     from.push_back(source.index);
                     seen.push_back(event.as<int>());
                     if (event.is<long>()) wrong_type = true;
                 }});
            auto task = pool.submit([] {
                for (int i = 0; i < 1000; ++i) report(i);
                return 5;
            });
            task.on_done([&](const outcome<int>&) { seen.push_back(-1); });
            CHECK(task.get() == 5);
        }
        REQUIRE(seen.size() == 1001);
        CHECK(seen.back() == -1);
        seen.pop_back();
        CHECK(seen == first_numbers(1000));
        CHECK(from == std::vector<std::size_t>(1000, 0));
        CHECK_FALSE(wrong_type);
        CHECK_FALSE(report(5));  // no task
    });
}

TEST_CASE("a report arrives while its task still runs, and names its element", "[process_pool]") {
    leaves_nothing([] {
        tools::mailbox box;
        process_pool pool(
            {.workers = 1,
             .on_progress = [up = box.to()](progress_source source, const progress_event& event) {
                 tools::tell(up, static_cast<std::int64_t>(source.index) * 100 + event.as<int>());
             }});
        tools::mailbox down;
        auto task = pool.map_async(
            [](const std::pair<int, std::string>& element) {
                if (element.first != 2) return;
                report(7);
                tools::hear(element.second);
            },
            std::vector<std::pair<int, std::string>>{
                {0, down.from()}, {1, down.from()}, {2, down.from()}});
        CHECK(box.receive() == 207);
        down.send(1);
        task.get();
    });
}

TEST_CASE("reports that nobody takes in time are dropped and counted", "[process_pool]") {
    leaves_nothing([] {
        tools::mailbox gate;
        std::atomic<int> heard{0};
        process_pool pool(
            {.workers = 1, .on_progress = [&](progress_source, const progress_event&) {
                 if (heard++ == 0) gate.receive();
             }});
        pool.apply([] {
            for (int i = 0; i < 5000; ++i) report(i);
        });
        CHECK(pool.stats().reports_dropped >= 3000);
        gate.send(1);
        pool.close();
        pool.join();
        CHECK(static_cast<std::size_t>(heard) + pool.stats().reports_dropped == 5000);
    });
}
