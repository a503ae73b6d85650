// SPDX-License-Identifier: BSL-1.0
// A thread pool when there is no memory, or when the system gives no more threads: each call does
// what it should or throws, nothing hangs, nothing is lost.
#include <tandem/executor/thread_pool.hpp>

#include "../support/catch.hpp"
#include "../support/gate.hpp"
#include "../support/within.hpp"

#include <tandem/future/as_completed.hpp>
#include <tandem/future/collect.hpp>
#include <tandem/future/wait.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <functional>
#include <new>
#include <numeric>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#if TANDEM_LINUX
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cstdio>
#endif

using namespace std::chrono_literals;
using tandem::future;
using tandem::thread_pool;

// The sanitizers bring their own operator new, and reserve more than any limit allows.
#if TANDEM_LINUX && !TANDEM_ASAN && !TANDEM_TSAN

namespace {

// How many allocations of this thread succeed before one fails; less than 0: all do.
thread_local constinit long before_failure = -1;

void* allocate(std::size_t bytes) noexcept {
    if (before_failure >= 0 && before_failure-- == 0) return nullptr;
    return std::malloc(bytes != 0 ? bytes : 1);
}

std::vector<int> numbers(int count) {
    std::vector<int> result(static_cast<std::size_t>(count));
    std::iota(result.begin(), result.end(), 0);
    return result;
}

}  // namespace

// Not inlined: g++ would see free() where it knows of new.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
    if (void* const memory = allocate(bytes)) return memory;
    throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
    return allocate(bytes);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

// Does `work` again and again, with each of its allocations failing in turn, until none does.
void for_each_failure(const std::function<void()>& work) {
    bool failed = true;
    for (long k = 0; failed; ++k) {
        REQUIRE(k < 10'000);
        before_failure = k;
        try {
            work();
        } catch (const std::bad_alloc&) {
        }
        failed = before_failure < 0;
        before_failure = -1;
    }
}

std::vector<future<int>> some(thread_pool& pool) {
    std::vector<future<int>> futures;
    for (int i = 0; i < 5; ++i) futures.push_back(pool.submit([] { return 1; }));
    return futures;
}

}  // namespace

TEST_CASE("a pool that cannot be made for want of memory leaves nothing",
          "[thread_pool_failures]") {
    within(100s, [] {
        for_each_failure([] { thread_pool(3).apply([] {}); });
        for_each_failure([] { thread_pool({.workers = 2, .initializer = [] {}}).apply([] {}); });
    });
}

TEST_CASE("whatever allocation fails, a pool goes on", "[thread_pool_failures]") {
    const auto hundred = numbers(100);
    for (const int workers : {1, 2, 4, 16}) {
        within(100s, [&] {
            thread_pool pool({.workers = workers, .on_error = [](std::exception_ptr) {}});
            for_each_failure([&] { pool.apply([s = std::string(100, 'x')] { return s; }); });
            for_each_failure([&] {
                for (int i = 0; i < 20; ++i) {
                    pool.detach([bytes = std::array<char, 500>()] { static_cast<void>(bytes); });
                }
            });
            for_each_failure([&] {
                pool.map([](int x) { return std::to_string(x); }, hundred);
                pool.for_each([](int) {}, hundred);
                pool.map_async([](int x) { return x; }, hundred).get();
            });
            for_each_failure([&] {
                for (const int x : pool.imap([](int x) { return x; }, hundred)) {
                    static_cast<void>(x);
                }
            });
            for_each_failure([&] {
                auto last = pool.submit([] { return 1; }).then([](int x) { return x; });
                std::move(last).then(pool, [](int x) { return x; }).get();
            });
            for_each_failure([&] { collect(some(pool)).get(); });
            for_each_failure([&] {
                auto futures = some(pool);
                tandem::wait(futures);
                for (auto [index, f] : tandem::as_completed(futures)) f.get();
            });
            for_each_failure([&] { pool.fork_join([] { return 1; }, [] { return 2; }); });
            for_each_failure([&] { static_cast<void>(pool.stats()); });
            // The same in one of its threads, whose deque has to grow.
            pool.apply([&] {
                for_each_failure([&] {
                    for (int i = 0; i < 300; ++i) pool.detach([] {});
                    pool.apply([] {});
                    pool.map([](int x) { return x; }, hundred);
                    pool.fork_join([] {}, [] {});
                });
            });
            pool.wait_idle();
            REQUIRE(pool.apply([] { return 1; }) == 1);
        });
    }
}

TEST_CASE("to cancel and to terminate takes no memory", "[thread_pool_failures]") {
    within(100s, [] {
        thread_pool pool(1);
        gate started;
        gate go;
        pool.detach([&] {
            started.open();
            go.wait();
        });
        started.wait();
        auto futures = some(pool);
        auto map = pool.map_async([](int x) { return x; }, numbers(1'000));
        before_failure = 0;
        for (std::size_t i = 0; i < 3; ++i) futures[i].cancel();
        pool.terminate();
        const bool asked_for_memory = before_failure != 0;
        before_failure = -1;
        CHECK_FALSE(asked_for_memory);
        go.open();
        pool.join();
        for (auto& f : futures) CHECK(f.cancelled());
        CHECK_THROWS_AS(map.get(), tandem::cancelled_error);
    });
}

TEST_CASE("a lazy map that cannot read on for want of memory gives what it has",
          "[thread_pool_failures]") {
    thread_pool pool(2);
    const auto hundred = numbers(100);
    within(100s, [&] {
        for (long k = 0; k < 40; ++k) {
            auto results = pool.imap([](int x) { return x; }, hundred);
            int next = 0;
            bool failed = false;
            before_failure = k;
            try {
                while (const auto x = results.next_for(100s)) {
                    if (*x != next++) break;
                }
            } catch (const std::bad_alloc&) {
                failed = true;
            }
            before_failure = -1;
            REQUIRE((failed || next == 100));
            while (const auto x = results.next_for(100s)) {  // to the end of what was read
                REQUIRE(*x == next++);
            }
        }
    });
}

TEST_CASE("cancelled calls of a full queue are not lost for want of memory",
          "[thread_pool_failures]") {
    within(100s, [] {
        for (long k = 0; k < 10; ++k) {
            thread_pool pool({.workers = 1, .queue_capacity = 100});
            gate started;
            gate go;
            pool.detach([&] {
                started.open();
                go.wait();
            });
            started.wait();
            std::vector<future<void>> futures;
            for (int i = 0; i < 100; ++i) futures.push_back(pool.submit([] {}));
            for (auto& f : futures) f.cancel();
            before_failure = k;
            try {
                for (int i = 0; i < 90; ++i) pool.detach([] {});
            } catch (const std::bad_alloc&) {
            }
            before_failure = -1;
            go.open();
            pool.wait_idle();
        }
    });
}

// Threads

TEST_CASE("a pool whose threads the system does not give throws and leaves none",
          "[thread_pool_failures]") {
    // In a child, which has little room for stacks.
    const pid_t child = ::fork();
    if (child == 0) {
        ::alarm(60);
        long pages = 0;
        std::FILE* const sizes = std::fopen("/proc/self/statm", "r");
        if (!sizes || std::fscanf(sizes, "%ld", &pages) != 1) ::_exit(1);
        std::fclose(sizes);
        const auto now = static_cast<rlim_t>(pages * ::sysconf(_SC_PAGESIZE));
        const rlimit little{now + (rlim_t{200} << 20), RLIM_INFINITY};
        if (::setrlimit(RLIMIT_AS, &little) != 0) ::_exit(2);
        for (int round = 0; round < 3; ++round) {
            bool refused = false;
            try {
                const thread_pool pool({.workers = 1'000, .initializer = [] {}});
            } catch (const std::system_error&) {
                refused = true;
            } catch (const std::bad_alloc&) {
                refused = true;
            }
            if (!refused) ::_exit(3);
        }
        ::_exit(thread_pool(1).apply([] { return 1; }) == 1 ? 0 : 4);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
}

#else

TEST_CASE("want of memory and of threads is tried without sanitizers", "[thread_pool_failures]") {
    SUCCEED("they bring their own operator new");
}

#endif
