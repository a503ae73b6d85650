// SPDX-License-Identifier: BSL-1.0
#include <tandem/executor/thread_pool_core.hpp>

#include "../support/catch.hpp"
#include "../support/gate.hpp"
#include "../support/within.hpp"

#include <tandem/executor/thread_pool.hpp>
#include <tandem/future/promise.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#if TANDEM_LINUX
#include <dirent.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

using namespace std::chrono_literals;
using tandem::future;
using tandem::thread_pool;

namespace {

int twice(int x) { return 2 * x; }

std::vector<int> numbers(int count) {
    std::vector<int> result(static_cast<std::size_t>(count));
    std::iota(result.begin(), result.end(), 0);
    return result;
}

// Keeps the pool's only thread busy until it is released.
struct busy {
    explicit busy(thread_pool& pool) {
        pool.detach([this] {
            started.open();
            go.wait();
        });
        started.wait();
    }
    gate started;
    gate go;
};

#if TANDEM_LINUX
std::string thread_name() {
    char name[64] = {};
    ::pthread_getname_np(::pthread_self(), name, sizeof name);
    return name;
}
int threads_of_process() {
    int count = 0;
    DIR* tasks = ::opendir("/proc/self/task");
    while (const dirent* entry = ::readdir(tasks)) count += entry->d_name[0] != '.' ? 1 : 0;
    ::closedir(tasks);
    return count;
}
// The system lists a thread for a moment after it was joined.
int least_threads() {
    int least = threads_of_process();
    for (int i = 0; i < 1'000; ++i) {
        std::this_thread::yield();
        least = std::min(least, threads_of_process());
    }
    return least;
}
#endif

}  // namespace

// Ends

TEST_CASE("the destructor waits for all that was submitted", "[thread_pool_core][pinned]") {
    std::atomic<int> made{0};
    within(60s, [&] {
        thread_pool pool(2);
        for (int i = 0; i < 1'000; ++i) {
            pool.detach([&] { ++made; });
        }
    });
    CHECK(made == 1'000);
}

TEST_CASE("the destructor waits for the tasks of tasks", "[thread_pool_core][pinned]") {
    std::atomic<int> made{0};
    within(60s, [&] {
        for (int i = 0; i < 100; ++i) {
            thread_pool pool(2);
            pool.detach([&] {
                pool.detach([&] {
                    pool.detach([&] { ++made; });
                    ++made;
                });
                ++made;
            });
        }
    });
    CHECK(made == 300);
}

TEST_CASE("an exception that destroys the pool terminates it", "[thread_pool_core]") {
    std::atomic<int> made{0};
    std::vector<future<void>> futures;
    within(60s, [&] {
        try {
            thread_pool pool(1);
            gate started;
            futures.push_back(pool.submit([&](std::stop_token stop) {
                started.open();
                while (!stop.stop_requested()) std::this_thread::yield();
            }));
            for (int i = 0; i < 100; ++i) futures.push_back(pool.submit([&] { ++made; }));
            started.wait();
            throw std::runtime_error("away");
        } catch (const std::runtime_error&) {
        }
    });
    CHECK(made == 0);
    CHECK(futures[0].successful());
    for (std::size_t i = 1; i < futures.size(); ++i) REQUIRE(futures[i].cancelled());
}

TEST_CASE("a pool made while an exception is on its way still finishes its work",
          "[thread_pool_core]") {
    std::atomic<int> made{0};
    struct at_unwinding {
        ~at_unwinding() {
            thread_pool pool(1);
            for (int i = 0; i < 100; ++i) pool.detach([this] { ++*made; });
        }
        std::atomic<int>* made;
    };
    try {
        const at_unwinding last{&made};
        throw 1;
    } catch (int) {
    }
    CHECK(made == 100);
}

TEST_CASE("after close the pool's own tasks may submit, others may not",
          "[thread_pool_core][pinned]") {
    within(60s, [] {
        for (int i = 0; i < 100; ++i) {
            thread_pool pool(2);
            gate closed;
            auto f = pool.submit([&] {
                closed.wait();
                const auto results = pool.map(twice, numbers(3));
                return pool.submit(twice, 4).get() + results[2];
            });
            pool.close();
            CHECK_THROWS_AS(pool.submit(twice, 1), tandem::pool_closed);
            CHECK_THROWS_AS(pool.try_submit(twice, 1), tandem::pool_closed);
            CHECK_THROWS_AS(pool.detach([] {}), tandem::pool_closed);
            CHECK_THROWS_AS(pool.fork_join([] {}, [] {}), tandem::pool_closed);
            closed.open();
            pool.join();
            REQUIRE(f.get() == 12);
        }
    });
}

TEST_CASE("terminate cancels what waits, stops what runs and refuses the tasks' own",
          "[thread_pool_core]") {
    thread_pool pool(1);
    gate started;
    auto running = pool.submit([&](std::stop_token stop) {
        started.open();
        while (!stop.stop_requested()) std::this_thread::yield();
        try {
            pool.submit(twice, 1).wait();
        } catch (const tandem::pool_closed&) {
            return 1;
        }
        return 0;
    });
    started.wait();
    auto waiting = pool.submit(twice, 1);
    auto map = pool.map_async(twice, numbers(10));
    pool.terminate();
    CHECK(waiting.cancelled());
    CHECK(map.cancelled());
    within(60s, [&] {
        pool.join();
        CHECK(running.get() == 1);
    });
    CHECK(pool.stats().failed == 11);
    CHECK(pool.stats().done == 1);
    std::ostringstream text;
    text << pool;
    CHECK(text.str() == "thread_pool state=terminated size=1");
}

TEST_CASE("terminate in the middle of many tasks loses none", "[thread_pool_core][pinned]") {
    within(120s, [] {
        for (int round = 0; round < 100; ++round) {
            thread_pool pool(2);
            std::atomic<int> made{0};
            std::vector<future<void>> futures;
            for (int i = 0; i < 50; ++i) futures.push_back(pool.submit([&] { ++made; }));
            pool.terminate();
            pool.join();
            int cancelled = 0;
            for (auto& f : futures) {
                REQUIRE(f.ready());
                cancelled += f.cancelled() ? 1 : 0;
            }
            REQUIRE(cancelled + made == 50);
        }
    });
}

TEST_CASE("a map in the caller's thread ends when the pool is terminated at any moment",
          "[thread_pool_core][pinned]") {
    within(120s, [] {
        for (int round = 0; round < 1'000; ++round) {
            thread_pool pool(1);  // of which the map needs no thread
            std::thread terminator([&] { pool.terminate(); });
            try {
                pool.for_each([](int) {}, numbers(3));
            } catch (const tandem::pool_closed&) {
            } catch (const tandem::cancelled_error&) {
            }
            terminator.join();
        }
    });
}

TEST_CASE("whoever waits for idle wakes when the pool is terminated",
          "[thread_pool_core][pinned]") {
    within(120s, [] {
        for (int round = 0; round < 300; ++round) {
            thread_pool pool(1);
            gate waiting;
            std::thread waiter([&] {
                waiting.open();
                pool.wait_idle();
            });
            waiting.wait();
            for (int i = 0; i < 5; ++i) pool.detach([] {});
            pool.terminate();
            waiter.join();
        }
    });
}

TEST_CASE("a submit that races with close is made or refused", "[thread_pool_core][pinned]") {
    within(120s, [] {
        for (int round = 0; round < 100; ++round) {
            thread_pool pool(2);
            std::atomic<int> made{0};
            std::atomic<int> taken{0};
            std::vector<std::thread> submitters;
            for (int t = 0; t < 2; ++t) {
                submitters.emplace_back([&] {
                    try {
                        for (;;) {
                            pool.detach([&] { ++made; });
                            ++taken;
                        }
                    } catch (const tandem::pool_closed&) {
                    }
                });
            }
            while (taken < 10) std::this_thread::yield();
            pool.close();
            pool.join();
            for (auto& submitter : submitters) submitter.join();
            REQUIRE(made == taken);
        }
    });
}

TEST_CASE("join may be called by several threads, none returns before the end",
          "[thread_pool_core][pinned]") {
    within(60s, [] {
        for (int round = 0; round < 50; ++round) {
            thread_pool pool(2);
            std::atomic<int> made{0};
            for (int i = 0; i < 50; ++i) pool.detach([&] { ++made; });
            pool.close();
            std::atomic<int> early{0};
            std::vector<std::thread> joiners;
            for (int t = 0; t < 3; ++t) {
                joiners.emplace_back([&] {
                    pool.join();
                    early += made != 50 ? 1 : 0;
                });
            }
            for (auto& joiner : joiners) joiner.join();
            REQUIRE(early == 0);
        }
    });
}

TEST_CASE("a lazy map that goes on while the pool is joined ends or is refused",
          "[thread_pool_core][pinned]") {
    within(120s, [] {
        for (int round = 0; round < 200; ++round) {
            thread_pool pool(1);
            auto results = pool.imap(twice, numbers(50), {.window = 1});
            auto it = results.begin();
            pool.close();
            std::thread joiner([&] { pool.join(); });
            int seen = 0;
            bool right = true;
            try {
                for (; it != results.end(); ++it) right = right && *it == 2 * seen++;
            } catch (const tandem::pool_closed&) {
            }
            joiner.join();
            REQUIRE(right);
            REQUIRE(seen > 0);
        }
    });
}

TEST_CASE("a pool may be destroyed as soon as get has returned", "[thread_pool_core][pinned]") {
    within(300s, [] {
        for (int i = 0; i < 1'000; ++i) {
            std::optional<thread_pool> pool(std::in_place, 1);
            auto f = pool->submit([i] { return i; });
            const int got = f.get();
            pool.reset();
            REQUIRE(got == i);
        }
    });
}

TEST_CASE("a pool may be destroyed while the submitting thread is still in submit",
          "[thread_pool_core][pinned]") {
    within(300s, [] {
        for (int i = 0; i < 500; ++i) {
            auto pool = std::make_unique<thread_pool>(1);
            gate ran;
            std::thread submitter([&ran, raw = pool.get()] { raw->detach([&] { ran.open(); }); });
            ran.wait();
            pool.reset();
            submitter.join();
        }
    });
}

TEST_CASE("futures may be dropped and taken after the pool is gone", "[thread_pool_core][pinned]") {
    within(120s, [] {
        for (int i = 0; i < 200; ++i) {
            future<std::string> kept;
            {
                thread_pool pool(2);
                for (int j = 0; j < 10; ++j) static_cast<void>(pool.submit([j] { return j; }));
                kept = pool.submit([] { return std::string(100, 'x'); });
            }
            REQUIRE(kept.get() == std::string(100, 'x'));
        }
    });
}

TEST_CASE("the last owner of a pool may be one of its own tasks", "[thread_pool_core][pinned]") {
    within(120s, [] {
        for (int i = 0; i < 200; ++i) {
            std::atomic<int> made{0};
            gate last;
            {
                auto pool = std::make_shared<thread_pool>(2);
                gate owned;
                pool->detach([&, pool] {
                    owned.wait();
                    for (int j = 0; j < 3; ++j) {
                        pool->detach([&] {
                            if (++made == 3) last.open();
                        });
                    }
                });
                pool.reset();
                owned.open();
                last.wait();  // the task's own tasks are made although the pool is gone
            }
            REQUIRE(made == 3);
        }
    });
}

// Beginnings

TEST_CASE("the initializer runs once in each thread before its first task",
          "[thread_pool_core][pinned]") {
    static thread_local int value = 0;
    static std::atomic<int> calls{0};
    calls = 0;
    thread_pool pool({.workers = 3,
                      .initializer = tandem::call(
                          [](int x) {
                              value += x;
                              ++calls;
                          },
                          7)});
    CHECK(calls == 3);
    const auto seen = pool.map([](int) { return value; }, numbers(100));
    CHECK(seen == std::vector<int>(100, 7));
    CHECK(value == 0);
    CHECK(calls == 3);
}

TEST_CASE("with an initializer the caller takes no part", "[thread_pool_core]") {
    thread_pool pool({.workers = 1, .initializer = [] {}});
    const auto here = std::this_thread::get_id();
    const auto where = pool.map([](int) { return std::this_thread::get_id(); }, numbers(50));
    for (const auto& id : where) REQUIRE(id != here);
}

TEST_CASE("what an initializer throws, the constructor throws, and no thread is left",
          "[thread_pool_core][pinned]") {
#if TANDEM_LINUX
    const int before = least_threads();
#endif
    within(60s, [] {
        for (int i = 0; i < 50; ++i) {
            std::atomic<int> calls{0};
            std::atomic<int> heard{0};
            const auto make = [&] {
                thread_pool pool({.workers = 3,
                                  .initializer =
                                      [&] {
                                          if (++calls != 2) throw std::domain_error("no model");
                                      },
                                  .on_error = [&](std::exception_ptr) { ++heard; }});
            };
            CHECK_THROWS_WITH(make(), "no model");
            REQUIRE(calls == 3);
            REQUIRE(heard == 1);
        }
    });
#if TANDEM_LINUX
    CHECK(least_threads() <= before);
#endif
}

#if TANDEM_LINUX

TEST_CASE("threads are called by their pool's name and a number", "[thread_pool_core]") {
    thread_pool pool({.workers = 2, .name = "crunch"});
    meeting both(2);
    const auto name = [&](int) {
        both.arrive_and_wait();
        return thread_name();
    };
    const auto names = within(60s, [&] { return pool.map_async(name, numbers(2)).get(); });
    CHECK(std::set<std::string>(names.begin(), names.end()) ==
          std::set<std::string>{"crunch_0", "crunch_1"});
    CHECK(thread_pool(1).apply(thread_name) == "tandem_0");
    CHECK(thread_pool({.workers = 1, .name = "a name that is too long"}).apply(thread_name) ==
          "a name that i_0");
}

TEST_CASE("a pool leaves no thread behind", "[thread_pool_core]") {
    const int before = least_threads();
    for (int i = 0; i < 20; ++i) {
        thread_pool pool(4);
        CHECK(threads_of_process() >= before + 4);
        pool.map(twice, numbers(10));
    }
    CHECK(least_threads() <= before);
}

#if !TANDEM_TSAN  // which cannot follow a process that forks with threads

namespace {

// What `look` returns in a child process, as an exit code; -1 if the child hangs or dies.
template <class Look>
int in_child(Look look) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::alarm(20);
        ::_exit(look());
    }
    int status = -1;
    if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
    return WEXITSTATUS(status);
}

template <class F>
int refused(F f) {
    try {
        f();
    } catch (const tandem::pool_closed&) {
        return 1;
    }
    return 0;
}

}  // namespace

TEST_CASE("in a forked child submit throws", "[thread_pool_core]") {
    thread_pool pool(2);
    CHECK(in_child([&] {
              return refused([&] { pool.submit(twice, 1).wait(); }) +
                     refused([&] { pool.map(twice, numbers(3)); }) +
                     refused([&] { pool.detach([] {}); }) +
                     refused([&] { static_cast<void>(pool.imap(twice, numbers(3))); }) +
                     refused([&] { pool.wait_idle(); });
          }) == 5);
    CHECK(pool.apply(twice, 2) == 4);
}

TEST_CASE("in a forked child the pool ends without hanging", "[thread_pool_core]") {
    auto pool = std::make_unique<thread_pool>(2);
    busy thread(*pool);
    for (int i = 0; i < 10; ++i) pool->detach([] {});
    CHECK(in_child([&] {
              pool.reset();
              return 3;
          }) == 3);
    CHECK(in_child([&] {
              pool->close();
              pool->join();
              pool->terminate();
              return 4;
          }) == 4);
    thread.go.open();
    CHECK(pool->apply(twice, 2) == 4);
}

TEST_CASE("a child forked in the middle of submits ends its copy of the pool",
          "[thread_pool_core]") {
    auto pool = std::make_unique<thread_pool>(2);
    std::atomic<bool> stop{false};
    std::thread submitter([&] {
        while (!stop) pool->submit(twice, 1).wait();
    });
    within(120s, [&] {
        for (int i = 0; i < 30; ++i) {
            REQUIRE(in_child([&] {
                        pool.reset();
                        return 5;
                    }) == 5);
        }
    });
    stop = true;
    submitter.join();
}

TEST_CASE("a pool made in a forked child works", "[thread_pool_core]") {
    thread_pool parent(1);
    CHECK(in_child([] {
              thread_pool mine(2);
              return mine.apply(twice, 4);
          }) == 8);
}

#endif
#endif

// Inside

TEST_CASE("the core makes no call of a work that was done elsewhere", "[thread_pool_core]") {
    thread_pool pool(1);
    int made = 0;
    {
        busy thread(pool);
        auto f = pool.submit([&] { ++made; });
        f.cancel();
        CHECK(pool.stats().queued == 0);
        thread.go.open();
        pool.wait_idle();
    }
    CHECK(made == 0);
    CHECK(pool.stats().queued == 0);
}
