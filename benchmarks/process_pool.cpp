// SPDX-License-Identifier: BSL-1.0
// process_pool.cpp: what a process pool costs: a round trip, a task of many, an argument of 64 MB,
// a start and a stop, a crash; beside the raw limits of the machine, measured in the same run.
//
//     benchmarks/run process_pool python_process_pools      # Python's pools in one table with it
#include <tandem.hpp>

#include <benchmark/benchmark.h>

#include <atomic>
#include <chrono>
#include <climits>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace std::chrono_literals;
using tandem::process_pool;

int same(int x) { return x; }
std::size_t size_of(const std::vector<char>& bytes) { return bytes.size(); }
void one_ms(int) {
    const auto until = std::chrono::steady_clock::now() + 1ms;
    while (std::chrono::steady_clock::now() < until) {
    }
}

std::vector<int> numbers(int count) {
    std::vector<int> all(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) all[static_cast<std::size_t>(i)] = i;
    return all;
}

// The raw limits: a forked process answers, over a word that both see or a socket.
struct shared_words {
    alignas(64) std::atomic<std::uint32_t> there{0};
    alignas(64) std::atomic<std::uint32_t> back{0};
};
class answering_child {
   public:
    template <class Answer>
    explicit answering_child(Answer answer) : pid_(::fork()) {
        if (pid_ != 0) return;
        for (;;) answer();
    }
    ~answering_child() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }

   private:
    const pid_t pid_;
};
std::unique_ptr<shared_words, void (*)(shared_words*)> share() {
    void* at = ::mmap(nullptr, sizeof(shared_words), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return {new (at) shared_words, [](shared_words* w) { ::munmap(w, sizeof *w); }};
}
void wait_for(std::atomic<std::uint32_t>& word, std::uint32_t value, bool parks) {
    for (;;) {
        const auto seen = word.load(std::memory_order_acquire);
        if (seen == value) return;
        if (parks) ::syscall(SYS_futex, &word, FUTEX_WAIT, seen, nullptr, nullptr, 0);
    }
}
void set(std::atomic<std::uint32_t>& word, std::uint32_t value, bool parks) {
    word.store(value, std::memory_order_release);
    if (parks) ::syscall(SYS_futex, &word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}
void ping_pong(benchmark::State& state, bool parks) {
    const auto words = share();
    std::uint32_t turn = 0;
    const answering_child child([&w = *words, parks, n = std::uint32_t{0}]() mutable {
        wait_for(w.there, ++n, parks);
        set(w.back, n, parks);
    });
    for (auto _ : state) {
        set(words->there, ++turn, parks);
        wait_for(words->back, turn, parks);
    }
}
void round_trip_futex(benchmark::State& state) { ping_pong(state, true); }
void round_trip_spinning(benchmark::State& state) { ping_pong(state, false); }
void round_trip_socket(benchmark::State& state) {
    auto ends = tandem::detail::make_socketpair(SOCK_STREAM);
    const int mine = ends.first.get();
    const answering_child child([theirs = ends.second.get()] {
        char byte;
        if (::recv(theirs, &byte, 1, 0) != 1 || ::send(theirs, &byte, 1, 0) != 1) ::_exit(0);
    });
    char byte = 0;
    for (auto _ : state) {
        if (::send(mine, &byte, 1, 0) != 1 || ::recv(mine, &byte, 1, 0) != 1) std::abort();
    }
}
BENCHMARK(round_trip_futex)->Name("round_trip/futex")->UseRealTime();
BENCHMARK(round_trip_spinning)->Name("round_trip/spinning")->UseRealTime();
BENCHMARK(round_trip_socket)->Name("round_trip/socket")->UseRealTime();

void round_trip(benchmark::State& state) {
    process_pool pool(2);
    for (auto _ : state) benchmark::DoNotOptimize(pool.apply(same, 1));
}
BENCHMARK(round_trip)->Name("round_trip/tandem")->UseRealTime();

void many(benchmark::State& state) {
    process_pool pool(2);
    const auto input = numbers(100'000);
    pool.map(same, input);
    for (auto _ : state) {
        benchmark::DoNotOptimize(
            pool.map(same, input, {.chunk_size = static_cast<int>(state.range(0))}));
    }
    state.SetItemsProcessed(state.iterations() * 100'000);
}
BENCHMARK(many)
    ->Name("tasks_100k/tandem/chunk")
    ->Arg(1)
    ->Arg(0)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

constexpr std::size_t large = 64 << 20;
void large_argument(benchmark::State& state) {
    process_pool pool(1);
    const std::vector<char> bytes(large, 'x');
    pool.apply(size_of, bytes);
    for (auto _ : state) {
        if (pool.apply(size_of, bytes) != large) std::abort();
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(large));
}
void large_memcpy(benchmark::State& state) {
    const std::vector<char> from(large, 'x');
    std::vector<char> to(large, 'y');
    for (auto _ : state) {
        std::memcpy(to.data(), from.data(), large);
        benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(large));
}
BENCHMARK(large_memcpy)->Name("argument_64MB/memcpy")->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(large_argument)
    ->Name("argument_64MB/tandem")
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

void start_and_stop(benchmark::State& state) {
    for (auto _ : state) process_pool pool(2);
}
BENCHMARK(start_and_stop)
    ->Name("start_and_stop/tandem")
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

void stop_idle(benchmark::State& state) {
    for (auto _ : state) {
        state.PauseTiming();
        auto pool = std::make_unique<process_pool>(2);
        pool->broadcast([] {});
        state.ResumeTiming();
        pool.reset();
    }
}
BENCHMARK(stop_idle)
    ->Name("stop_idle/tandem")
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond)
    ->Iterations(100);

void crash(benchmark::State& state) {
    process_pool pool(2);
    for (auto _ : state) {
        try {
            pool.apply([] { ::raise(SIGKILL); });
        } catch (const tandem::worker_died&) {
        }
    }
}
BENCHMARK(crash)->Name("crash_seen/tandem")->UseRealTime()->Unit(benchmark::kMillisecond);

// `efficiency`: 1 is each CPU at work all the time.
void millisecond_tasks(benchmark::State& state) {
    const int cpus = tandem::available_cpus();
    process_pool pool(cpus);
    const int count = 500 * cpus;
    const auto input = numbers(count);
    pool.map(one_ms, input);
    std::chrono::duration<double> took{0};
    for (auto _ : state) {
        const auto begun = std::chrono::steady_clock::now();
        pool.for_each(one_ms, input);
        took += std::chrono::steady_clock::now() - begun;
    }
    state.counters["efficiency"] =
        0.001 * count / cpus * static_cast<double>(state.iterations()) / took.count();
}
BENCHMARK(millisecond_tasks)
    ->Name("millisecond_tasks/tandem")
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace

int main(int argc, char** argv) {
    tandem::worker_main(argc, argv);
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
}
