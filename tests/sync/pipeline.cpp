// SPDX-License-Identifier: BSL-1.0
#include <tandem/sync/pipeline.hpp>

#include <tandem/executor/inline_executor.hpp>
#include <tandem/executor/thread_pool.hpp>

#include "../support/catch.hpp"
#include "../support/gate.hpp"
#include "../support/within.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <fstream>
#include <memory>
#include <numeric>
#include <ranges>
#include <set>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <tandem/pool/process_pool.hpp>
#include "../pool/tools.hpp"
#endif

using namespace std::chrono_literals;
using tandem::pipeline;
using tandem::queue;

namespace {

std::vector<int> numbers(int count) {
    std::vector<int> result(static_cast<std::size_t>(count));
    std::iota(result.begin(), result.end(), 0);
    return result;
}
int plus_one(int x) { return x + 1; }
int same(int x) { return x; }

// 0, 1, 2, ... for ever; counts how many were read.
struct endless {
    explicit endless(std::atomic<int>& count) : read(&count) {}
    auto view() const {
        return std::views::iota(0) | std::views::transform([read = read](int x) {
                   ++*read;
                   return x;
               });
    }
    std::atomic<int>* read;
};

#if defined(__linux__)
std::size_t resident_bytes() {
    std::ifstream statm("/proc/self/statm");
    std::size_t all = 0, resident = 0;
    statm >> all >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}
int square_elsewhere(int x) { return x * x; }
int refuse_thirteen(int x) {
    if (x == 13) throw std::runtime_error("thirteen");
    return x;
}
#endif

}  // namespace

TEST_CASE("items go through the stages and come out in order", "[pipeline]") {
    const auto input = numbers(1000);
    const auto results = within(60s, [&] {
        return pipeline(input)
            .stage(plus_one)
            .stage([](int x) { return std::to_string(x); })
            .stage([](const std::string& s) { return s + "!"; })
            .run();
    });
    REQUIRE(results.size() == 1000);
    for (int i = 0; i < 1000; ++i) {
        CHECK(results[static_cast<std::size_t>(i)] == std::to_string(i + 1) + "!");
    }
}

TEST_CASE("several workers keep the order of the source, too", "[pipeline][pinned]") {
    const auto input = numbers(2000);
    const auto results = within(120s, [&] {
        return pipeline(input)
            .stage(
                [](int x) {
                    if (x % 7 == 0) std::this_thread::yield();
                    return x;
                },
                {.workers = 4, .capacity = 3})
            .stage(same, {.workers = 3, .capacity = 1})
            .run();
    });
    CHECK(results == input);
}

TEST_CASE("unordered gives what is ready", "[pipeline]") {
    gate first_may_go;
    const auto results = within(60s, [&] {
        std::vector<int> seen;
        pipeline(numbers(10))
            .stage(
                [&](int x) {
                    if (x == 0) first_may_go.wait();
                    return x;
                },
                {.workers = 2})
            .unordered()
            .for_each([&](int x) {
                seen.push_back(x);
                if (seen.size() == 9) first_may_go.open();
            });
        return seen;
    });
    CHECK(results.back() == 0);
    CHECK(std::set<int>(results.begin(), results.end()).size() == 10);
}

TEST_CASE("a pipeline may be empty, or have no stage", "[pipeline]") {
    within(60s, [] {
        CHECK(pipeline(std::vector<int>()).stage(plus_one).run().empty());
        CHECK(pipeline(numbers(100)).run() == numbers(100));
        CHECK(pipeline(std::vector{true, false}).run() == std::vector{true, false});
    });
}

TEST_CASE("items may be move-only", "[pipeline]") {
    std::vector<std::unique_ptr<int>> input;
    for (int i = 0; i < 20; ++i) input.push_back(std::make_unique<int>(i));
    const auto results = within(60s, [&] {
        return pipeline(std::move(input))
            .stage([](std::unique_ptr<int> p) {
                ++*p;
                return p;
            })
            .stage([](std::unique_ptr<int>&& p) { return std::move(p); }, {.workers = 2})
            .run();
    });
    REQUIRE(results.size() == 20);
    for (int i = 0; i < 20; ++i) CHECK(*results[static_cast<std::size_t>(i)] == i + 1);
}

TEST_CASE("a queue is a source, whose items are done when they are in the pipeline", "[pipeline]") {
    queue<std::unique_ptr<int>> source(2);
    within(60s, [&] {
        std::jthread producer([&] {
            for (int i = 0; i < 100; ++i) source.push(std::make_unique<int>(i));
            source.join();
            source.close();
        });
        const auto results =
            pipeline(source).stage([](std::unique_ptr<int> p) { return *p; }).run();
        CHECK(results == numbers(100));
    });
}

TEST_CASE("an lvalue source is left as it was", "[pipeline]") {
    std::vector<std::string> input(3, std::string(100, 'x'));
    const auto results = pipeline(input).stage([](std::string s) { return s.size(); }).run();
    CHECK(results == std::vector<std::size_t>(3, 100));
    CHECK(input == std::vector<std::string>(3, std::string(100, 'x')));
}

TEST_CASE("a stage that throws ends the run with its exception", "[pipeline][pinned]") {
    for (const int workers : {1, 4}) {
        for (const int bad : {0, 1, 99, 500}) {
            std::atomic<int> read{0};
            std::atomic<int> in_calls{0};
            const auto run = [&] {
                return pipeline(endless(read).view())
                    .stage(plus_one, {.workers = workers})
                    .stage(
                        [&](int x) {
                            ++in_calls;
                            if (x == bad + 1) {
                                --in_calls;
                                throw std::runtime_error("item " + std::to_string(bad));
                            }
                            --in_calls;
                            return x;
                        },
                        {.workers = workers})
                    .stage(same)
                    .run();
            };
            within(60s, [&] { CHECK_THROWS_WITH(run(), "item " + std::to_string(bad)); });
            CHECK(in_calls == 0);
            CHECK(read < bad + 1000);
        }
    }
}

TEST_CASE("a source or a sink that throws ends the run with its exception", "[pipeline]") {
    std::atomic<int> read{0};
    within(60s, [&] {
        auto breaking = std::views::iota(0) | std::views::transform([](int x) {
                            if (x == 100) throw std::runtime_error("source");
                            return x;
                        });
        CHECK_THROWS_WITH(pipeline(breaking).stage(plus_one).run(), "source");
        CHECK_THROWS_WITH(
            pipeline(endless(read).view()).stage(plus_one, {.workers = 2}).for_each([](int x) {
                if (x == 100) throw std::runtime_error("sink");
            }),
            "sink");
    });
}

TEST_CASE("a sink that returns false ends the run", "[pipeline][pinned]") {
    for (const int workers : {1, 3}) {
        std::atomic<int> read{0};
        std::vector<int> seen;
        within(60s, [&] {
            pipeline(endless(read).view())
                .stage(plus_one, {.workers = workers})
                .stage(same, {.workers = workers, .capacity = 5})
                .for_each([&](int x) {
                    seen.push_back(x);
                    return x < 50;
                });
        });
        CHECK(seen.size() == 50);
        CHECK(seen.back() == 50);
        CHECK(read < 50 + 200);
    }
}

TEST_CASE("calls that run see by their token that the run ended early", "[pipeline]") {
    within(60s, [] {
        std::atomic<bool> stopped{false};
        meeting both(2);
        pipeline(numbers(2))
            .stage(
                [&](std::stop_token stop, int x) {
                    both.arrive_and_wait();
                    if (x == 1) {
                        gate asked;
                        const std::stop_callback open(stop, [&] { asked.open(); });
                        asked.wait();
                        stopped = true;
                    }
                    return x;
                },
                {.workers = 2})
            .for_each([](int) { return false; });
        CHECK(stopped);
    });
}

TEST_CASE("a slow item does not let the others pile up", "[pipeline]") {
    std::atomic<int> read{0};
    gate slow_may_go;
    std::vector<int> seen;
    within(60s, [&] {
        std::jthread watcher([&] {
            // In front of the stage 4, in it 2, behind it 4: then the source has to wait.
            while (read < 10) std::this_thread::yield();
            std::this_thread::sleep_for(20ms);
            slow_may_go.open();
        });
        int most = 0;
        pipeline(endless(read).view())
            .stage(
                [&](int x) {
                    if (x == 0) slow_may_go.wait();
                    return x;
                },
                {.workers = 2, .capacity = 4})
            .for_each([&](int x) {
                if (x == 0) most = read;
                seen.push_back(x);
                return x < 100;
            });
        CHECK(most <= 12);
    });
    CHECK(seen == numbers(101));
}

TEST_CASE("a stage on a thread pool keeps the order and makes several calls at once",
          "[pipeline][pinned]") {
    tandem::thread_pool pool(2);
    within(120s, [&] {
        meeting both(2);
        std::atomic<int> met{0};
        const auto results = pipeline(numbers(500))
                                 .stage(plus_one)
                                 .stage(pool,
                                        [&](int x) {
                                            if (met++ < 2) both.arrive_and_wait();
                                            return x - 1;
                                        })
                                 .run();
        CHECK(results == numbers(500));
    });
}

TEST_CASE("two stages may share an executor", "[pipeline]") {
    tandem::thread_pool pool(1);
    tandem::inline_executor here;
    within(60s, [&] {
        CHECK(pipeline(numbers(200))
                  .stage(pool, plus_one, {.workers = 3})
                  .stage(here, [](int x) { return x - 1; })
                  .stage(pool, same)
                  .run() == numbers(200));
        CHECK_THROWS_WITH(pipeline(numbers(200))
                              .stage(pool,
                                     [](int x) {
                                         if (x == 20) throw std::runtime_error("twenty");
                                         return x;
                                     })
                              .run(),
                          "twenty");
    });
}

TEST_CASE("options that make no sense are refused", "[pipeline]") {
    CHECK_THROWS_AS(static_cast<void>(pipeline(numbers(1)).stage(same, {.workers = -1})),
                    std::invalid_argument);
    CHECK_THROWS_AS(static_cast<void>(pipeline(numbers(1)).stage(same, {.capacity = 0})),
                    std::invalid_argument);
    CHECK(pipeline(numbers(1)).stage(same, {.capacity = tandem::unbounded}).run().size() == 1);
}

#if defined(__linux__)

TEST_CASE("a stage on a process pool", "[pipeline]") {
    tandem::process_pool pool(2);
    within(120s, [&] {
        auto expected = numbers(200);
        for (int& x : expected) x = x * x + 1;
        CHECK(pipeline(numbers(200)).stage(pool, square_elsewhere).stage(plus_one).run() ==
              expected);
        CHECK_THROWS_WITH(pipeline(numbers(200)).stage(pool, refuse_thirteen).run(), "thirteen");
        CHECK(pool.apply(square_elsewhere, 3) == 9);
    });
}

TEST_CASE("a run whose threads cannot all be made ends with that error", "[pipeline]") {
    if (tools::sanitized) return;  // they need the address space
    const pid_t child = ::fork();
    if (child == 0) {
        ::alarm(60);
        // Room for some stacks of threads, not for a hundred.
        rlimit limit{};
        ::getrlimit(RLIMIT_AS, &limit);
        limit.rlim_cur = 1'000'000'000;
        ::setrlimit(RLIMIT_AS, &limit);
        std::atomic<int> read{0};
        try {
            pipeline(endless(read).view()).stage(same).stage(plus_one, {.workers = 1000}).run();
        } catch (const std::system_error& e) {
            ::_exit(e.code() == std::errc::resource_unavailable_try_again ? 0 : 2);
        }
        ::_exit(1);
    }
    int status = -1;
    CHECK(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
}

TEST_CASE("a million items need no memory", "[pipeline]") {
    constexpr int count = TANDEM_TSAN ? 100'000 : 1'000'000;
    [[maybe_unused]] constexpr std::size_t most = 10'000'000;
    const auto before = resident_bytes();
    std::size_t peak = before;
    long long sum = 0;
    within(300s, [&] {
        pipeline(std::views::iota(0, count))
            .stage([](int x) { return std::to_string(x); })
            .stage([](std::string s) { return s + std::string(30, ' '); }, {.workers = 2})
            .stage([](const std::string& s) { return std::stoi(s); })
            .for_each([&](int x) {
                sum += x;
                if (x % 10'000 == 0) peak = std::max(peak, resident_bytes());
            });
    });
    CHECK(sum == static_cast<long long>(count) * (count - 1) / 2);
#if !defined(__SANITIZE_ADDRESS__)  // which keeps what was freed
    CHECK(peak - before < most);
#endif
}

#endif

TEST_CASE("calls on an executor are cancelled when the run ends early", "[pipeline]") {
    within(60s, [] {
        tandem::thread_pool pool(2);
        std::atomic<bool> runs{false};
        const auto stubborn = [&](std::stop_token stop, int x) {
            if (x == 1) {
                runs = true;
                while (!stop.stop_requested()) std::this_thread::yield();
            } else {
                while (!runs) std::this_thread::yield();
            }
            return x;
        };
        const auto boom = [](int) -> int { throw std::runtime_error("boom"); };
        CHECK_THROWS_WITH(
            pipeline(std::vector{1, 2}).stage(pool, stubborn).unordered().stage(boom).run(),
            "boom");
        tandem::process_pool processes(2);
        const auto endless = [](int x) {
            if (x == 1) std::this_thread::sleep_for(std::chrono::hours(1));
            return x;
        };
        CHECK_THROWS_WITH(
            pipeline(std::vector{1, 2}).stage(processes, endless).unordered().stage(boom).run(),
            "boom");
    });
}

TEST_CASE("a sink may return a reference to a bool", "[pipeline]") {
    int calls = 0;
    bool more = false;
    pipeline(std::vector(10, 1)).for_each([&](int) -> bool& {
        ++calls;
        return more;
    });
    CHECK(calls == 1);
}
