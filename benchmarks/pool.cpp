// SPDX-License-Identifier: BSL-1.0
// pool.cpp: what a thread pool costs: a round trip, a detached task, a future, an element of a loop
// and of a map, and a leaf of a fork-join recursion; beside others that do the same.
//
// The jobs are named JOB/WHO, so that one run compares them: the ratios are what counts.
//
//     benchmarks/run pool
//     benchmarks/run pool --benchmark_filter='^detached/'
//     taskset -c 0 build/release/benchmarks/pool        # on one CPU
//     taskset -c 0 sh -c 'while :; do :; done' & build/release/benchmarks/pool    # beside a hog
//
// `cpu_ns` is the CPU time of all threads and `news` the calls of operator new, for each item.
#include <tandem.hpp>

#include <benchmark/benchmark.h>

#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <future>
#include <new>
#include <thread>
#include <vector>

#if __has_include(<oneapi/tbb.h>)
#include <oneapi/tbb.h>
#define HAS_TBB 1
#else
#define HAS_TBB 0
#endif
#if __has_include(<boost/asio/thread_pool.hpp>)
#include <boost/asio/packaged_task.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#define HAS_ASIO 1
#else
#define HAS_ASIO 0
#endif

// Counts allocations, without making threads share a counter.
namespace {

struct alignas(64) count_of_a_thread {
    std::atomic<std::size_t> news{0};
};
constexpr std::size_t most_threads = 256;
count_of_a_thread counts[most_threads];
std::atomic<std::size_t> threads_seen{0};

void count_new() noexcept {
    static thread_local constinit std::size_t mine = most_threads;
    if (mine == most_threads) mine = threads_seen.fetch_add(1) % most_threads;
    auto& news = counts[mine].news;
    news.store(news.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}
std::size_t news() noexcept {
    std::size_t sum = 0;
    for (const auto& one : counts) sum += one.news.load(std::memory_order_relaxed);
    return sum;
}

}  // namespace

void* operator new(std::size_t bytes) {
    count_new();
    if (void* const memory = std::malloc(bytes)) return memory;
    throw std::bad_alloc();
}
// Not inline: g++ would compare what it sees here with the operator new that it does not see.
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

using namespace std::chrono_literals;

int workers() { return tandem::available_cpus(); }

double cpu_ns() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto ns = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_usec) * 1e3;
    };
    return ns(used.ru_utime) + ns(used.ru_stime);
}

// Reports what each item took, over the life of this object.
class per_item {
   public:
    per_item(benchmark::State& state, std::int64_t items) : state_(state), items_(items) {}
    ~per_item() {
        const auto all = static_cast<double>(state_.iterations() * items_);
        state_.SetItemsProcessed(state_.iterations() * items_);
        state_.counters["cpu_ns"] = (cpu_ns() - cpu_) / all;
        state_.counters["news"] = static_cast<double>(news() - news_) / all;
        state_.counters["ns"] = benchmark::Counter(
            all * 1e-9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
    }

   private:
    benchmark::State& state_;
    const std::int64_t items_;
    const double cpu_ = cpu_ns();
    const std::size_t news_ = news();
};

// Submits one call and waits for its result, again and again, after `idle` each time.
template <class RoundTrip>
void round_trips(benchmark::State& state, std::chrono::milliseconds idle, RoundTrip round_trip) {
    int x = 0;
    for (int i = 0; i < 20; ++i) x = round_trip(x);
    const per_item report(state, 1);
    for (auto _ : state) {
        if (idle != 0ms) std::this_thread::sleep_for(idle);
        const auto start = std::chrono::steady_clock::now();
        x = round_trip(x);
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
        state.SetIterationTime(took.count());
    }
    if (x == 0) state.SkipWithError("no call was made");
}
int next(int x) { return x + 1; }

// Does `count` items in each iteration.
template <class Job>
void items(benchmark::State& state, std::int64_t count, Job job) {
    job();
    const per_item report(state, count);
    for (auto _ : state) job();
}

constexpr std::int64_t tasks = 1'000'000;
constexpr std::int64_t futures = 200'000;
constexpr std::size_t elements = 1'000'000;
constexpr int fib_of = 27;
constexpr std::int64_t fib_leaves = 317'811;  // calls that make no others: fib(28)

// A task that can be seen to have run, and little more.
std::atomic<std::int64_t> sum{0};
void small_task() { sum.fetch_add(1, std::memory_order_relaxed); }

std::vector<int> numbers() {
    std::vector<int> result(elements);
    for (std::size_t i = 0; i < elements; ++i) result[i] = static_cast<int>(i);
    return result;
}
int change(int x) { return x * 3 + 1; }

// The raw limit of a round trip between threads that sleep: two hops.
void futex_hops(benchmark::State& state, std::chrono::milliseconds idle) {
    std::atomic<std::uint32_t> ball{0};
    std::thread other([&] {
        for (;;) {
            while (ball.load() == 0 || ball.load() == 2)
                tandem::detail::park(ball, ball.load() == 0 ? 0 : 2);
            if (ball.load() == 3) return;
            ball.store(2);
            tandem::detail::unpark(ball, 1);
        }
    });
    round_trips(state, idle, [&](int x) {
        ball.store(1);
        tandem::detail::unpark(ball, 1);
        while (ball.load() == 1) tandem::detail::park(ball, 1);
        return x + 1;
    });
    ball.store(3);
    tandem::detail::unpark(ball, 1);
    other.join();
}

void with_tandem() {
    const auto trip = [](benchmark::State& state, std::chrono::milliseconds idle) {
        tandem::thread_pool pool(workers());
        round_trips(state, idle, [&](int x) { return pool.submit(next, x).get(); });
    };
    benchmark::RegisterBenchmark("round_trip/tandem", trip, 0ms)->UseManualTime();
    benchmark::RegisterBenchmark("round_trip_after_10ms/tandem", trip, 10ms)
        ->UseManualTime()
        ->Iterations(100);
    benchmark::RegisterBenchmark("detached/tandem",
                                 [](benchmark::State& state) {
                                     tandem::thread_pool pool(workers());
                                     items(state, tasks, [&] {
                                         for (std::int64_t i = 0; i < tasks; ++i)
                                             pool.detach(small_task);
                                         pool.wait_idle();
                                     });
                                 })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark("futures/tandem",
                                 [](benchmark::State& state) {
                                     tandem::thread_pool pool(workers());
                                     std::vector<tandem::future<int>> results;
                                     results.reserve(futures);
                                     items(state, futures, [&] {
                                         for (int i = 0; i < futures; ++i)
                                             results.push_back(pool.submit(next, i));
                                         for (auto& f : results) benchmark::DoNotOptimize(f.get());
                                         results.clear();
                                     });
                                 })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark(
        "for_each/tandem",
        [](benchmark::State& state) {
            tandem::thread_pool pool(workers());
            auto input = numbers();
            items(state, elements, [&] { pool.for_each([](int& x) { x = change(x); }, input); });
        })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark("map/tandem",
                                 [](benchmark::State& state) {
                                     tandem::thread_pool pool(workers());
                                     const auto input = numbers();
                                     items(state, elements, [&] {
                                         auto result =
                                             pool.map([](int x) { return change(x); }, input);
                                         benchmark::DoNotOptimize(result.data());
                                     });
                                 })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
    static const auto fib = [](auto& self, tandem::thread_pool& pool, int n) -> int {
        if (n < 2) return n;
        const auto [a, b] = pool.fork_join([&] { return self(self, pool, n - 1); },
                                           [&] { return self(self, pool, n - 2); });
        return a + b;
    };
    benchmark::RegisterBenchmark(
        "fork_join/tandem",
        [](benchmark::State& state) {
            tandem::thread_pool pool(workers());
            items(state, fib_leaves,
                  [&] { pool.apply([&] { benchmark::DoNotOptimize(fib(fib, pool, fib_of)); }); });
        })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
}

#if HAS_TBB
int tbb_group_fib(int n) {
    if (n < 2) return n;
    int a = 0;
    int b = 0;
    tbb::task_group group;
    group.run([&] { a = tbb_group_fib(n - 1); });
    b = tbb_group_fib(n - 2);
    group.wait();
    return a + b;
}
int tbb_invoke_fib(int n) {
    if (n < 2) return n;
    int a = 0;
    int b = 0;
    tbb::parallel_invoke([&] { a = tbb_invoke_fib(n - 1); }, [&] { b = tbb_invoke_fib(n - 2); });
    return a + b;
}

void with_tbb() {
    // The caller takes no part in an arena without a place for it: it waits, as for the others.
    const auto trip = [](benchmark::State& state, std::chrono::milliseconds idle) {
        tbb::task_arena arena(workers(), 0);
        round_trips(state, idle, [&](int x) {
            std::promise<int> result;
            arena.enqueue([&] { result.set_value(next(x)); });
            return result.get_future().get();
        });
    };
    benchmark::RegisterBenchmark("round_trip/tbb", trip, 0ms)->UseManualTime();
    benchmark::RegisterBenchmark("round_trip_after_10ms/tbb", trip, 10ms)
        ->UseManualTime()
        ->Iterations(100);
    benchmark::RegisterBenchmark("detached/tbb",
                                 [](benchmark::State& state) {
                                     tbb::task_arena arena(workers(), 0);
                                     items(state, tasks, [&] {
                                         const auto before = sum.load();
                                         for (std::int64_t i = 0; i < tasks; ++i)
                                             arena.enqueue(small_task);
                                         while (sum.load() - before != tasks)
                                             std::this_thread::yield();
                                     });
                                 })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark("detached/tbb_group",
                                 [](benchmark::State& state) {
                                     tbb::task_arena arena(workers());
                                     items(state, tasks, [&] {
                                         arena.execute([&] {
                                             tbb::task_group group;
                                             for (std::int64_t i = 0; i < tasks; ++i)
                                                 group.run(small_task);
                                             group.wait();
                                         });
                                     });
                                 })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark(
        "futures/tbb",
        [](benchmark::State& state) {
            tbb::task_arena arena(workers(), 0);
            std::vector<std::future<int>> results;
            results.reserve(futures);
            items(state, futures, [&] {
                for (int i = 0; i < futures; ++i) {
                    std::promise<int> p;
                    results.push_back(p.get_future());
                    arena.enqueue([p = std::make_shared<std::promise<int>>(std::move(p)), i] {
                        p->set_value(next(i));
                    });
                }
                for (auto& f : results) benchmark::DoNotOptimize(f.get());
                results.clear();
            });
        })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark(
        "for_each/tbb",
        [](benchmark::State& state) {
            tbb::task_arena arena(workers());
            auto input = numbers();
            items(state, elements, [&] {
                arena.execute([&] {
                    tbb::parallel_for(std::size_t{0}, input.size(),
                                      [&](std::size_t i) { input[i] = change(input[i]); });
                });
            });
        })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark(
        "map/tbb",
        [](benchmark::State& state) {
            tbb::task_arena arena(workers());
            const auto input = numbers();
            items(state, elements, [&] {
                std::vector<int> result(elements);
                arena.execute([&] {
                    tbb::parallel_for(std::size_t{0}, input.size(),
                                      [&](std::size_t i) { result[i] = change(input[i]); });
                });
                benchmark::DoNotOptimize(result.data());
            });
        })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark(
        "fork_join/tbb_task_group",
        [](benchmark::State& state) {
            tbb::task_arena arena(workers());
            items(state, fib_leaves,
                  [&] { arena.execute([&] { benchmark::DoNotOptimize(tbb_group_fib(fib_of)); }); });
        })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark(
        "fork_join/tbb_parallel_invoke",
        [](benchmark::State& state) {
            tbb::task_arena arena(workers());
            items(state, fib_leaves, [&] {
                arena.execute([&] { benchmark::DoNotOptimize(tbb_invoke_fib(fib_of)); });
            });
        })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
}
#endif

#if HAS_ASIO
void with_asio() {
    const auto threads = [] { return static_cast<std::size_t>(workers()); };
    const auto trip = [threads](benchmark::State& state, std::chrono::milliseconds idle) {
        boost::asio::thread_pool pool(threads());
        round_trips(state, idle, [&](int x) {
            return boost::asio::post(pool, boost::asio::use_future([x] { return next(x); })).get();
        });
    };
    benchmark::RegisterBenchmark("round_trip/asio", trip, 0ms)->UseManualTime();
    benchmark::RegisterBenchmark("round_trip_after_10ms/asio", trip, 10ms)
        ->UseManualTime()
        ->Iterations(100);
    benchmark::RegisterBenchmark("detached/asio",
                                 [threads](benchmark::State& state) {
                                     boost::asio::thread_pool pool(threads());
                                     items(state, tasks, [&] {
                                         const auto before = sum.load();
                                         for (std::int64_t i = 0; i < tasks; ++i)
                                             boost::asio::post(pool, small_task);
                                         while (sum.load() - before != tasks)
                                             std::this_thread::yield();
                                     });
                                 })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark(
        "futures/asio",
        [threads](benchmark::State& state) {
            boost::asio::thread_pool pool(threads());
            std::vector<std::future<int>> results;
            results.reserve(futures);
            items(state, futures, [&] {
                for (int i = 0; i < futures; ++i) {
                    results.push_back(
                        boost::asio::post(pool, boost::asio::use_future([i] { return next(i); })));
                }
                for (auto& f : results) benchmark::DoNotOptimize(f.get());
                results.clear();
            });
        })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
}
#endif

void with_async() {
    const auto trip = [](benchmark::State& state, std::chrono::milliseconds idle) {
        round_trips(state, idle,
                    [](int x) { return std::async(std::launch::async, next, x).get(); });
    };
    benchmark::RegisterBenchmark("round_trip/async", trip, 0ms)->UseManualTime();
    benchmark::RegisterBenchmark("round_trip_after_10ms/async", trip, 10ms)
        ->UseManualTime()
        ->Iterations(100);
}

#ifdef _OPENMP
int omp_fib(int n) {
    if (n < 2) return n;
    int a = 0;
    int b = 0;
#pragma omp task shared(a)
    a = omp_fib(n - 1);
    b = omp_fib(n - 2);
#pragma omp taskwait
    return a + b;
}
void with_openmp() {
    benchmark::RegisterBenchmark("fork_join/openmp_tasks",
                                 [](benchmark::State& state) {
                                     items(state, fib_leaves, [] {
                                         int result = 0;
#pragma omp parallel
#pragma omp single
                                         result = omp_fib(fib_of);
                                         benchmark::DoNotOptimize(result);
                                     });
                                 })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
}
#endif

}  // namespace

int main(int argc, char** argv) {
    with_tandem();
#if HAS_TBB
    // TBB counts the main thread, which in some of the jobs takes no part.
    const tbb::global_control all(tbb::global_control::max_allowed_parallelism,
                                  static_cast<std::size_t>(workers()) + 1);
    with_tbb();
#endif
#if HAS_ASIO
    with_asio();
#endif
    with_async();
#ifdef _OPENMP
    with_openmp();
#endif
    benchmark::RegisterBenchmark("round_trip/two_futex_hops", futex_hops, 0ms)->UseManualTime();
    benchmark::RegisterBenchmark("round_trip_after_10ms/two_futex_hops", futex_hops, 10ms)
        ->UseManualTime()
        ->Iterations(100);
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
