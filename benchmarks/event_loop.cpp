// SPDX-License-Identifier: BSL-1.0
// event_loop.cpp: what tasks and the event loop cost, beside Boost.Asio's coroutines.
//
// JOB/LIBRARY. Each iteration does the same work in each library, on one thread.
#include <benchmark/benchmark.h>
#include <tandem/async/event_loop.hpp>
#include <tandem/async/sleep.hpp>
#include <tandem/async/sync_wait.hpp>
#include <tandem/core/unique_fd.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <thread>
#include <utility>
#include <vector>

#include <poll.h>
#include <unistd.h>

#if __has_include(<boost/asio/awaitable.hpp>)
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#define HAS_ASIO 1
namespace asio = boost::asio;
#endif

namespace {

using namespace std::chrono_literals;

// The memory of the process, in bytes.
std::size_t resident() {
    std::size_t pages = 0, all = 0;
    if (std::FILE* const file = std::fopen("/proc/self/statm", "r")) {
        if (std::fscanf(file, "%zu %zu", &all, &pages) != 2) pages = 0;
        std::fclose(file);
    }
    return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

// Awaits a child that is ready at once.

tandem::task<int> tandem_child(int x) { co_return x + 1; }
tandem::task<> tandem_parent(benchmark::State& state) {
    int x = 0;
    for (auto _ : state) x = co_await tandem_child(x);
    benchmark::DoNotOptimize(x);
}
void await_child_tandem(benchmark::State& state) { tandem::sync_wait(tandem_parent(state)); }
BENCHMARK(await_child_tandem)->Name("await_child/tandem");

// Starts a task beside, which ends without waiting; a thousand of them, then a turn.

constexpr int spawned_at_once = 1000;

tandem::task<> tandem_increments(int& x) {
    ++x;
    co_return;
}
tandem::task<> tandem_spawner(benchmark::State& state) {
    int x = 0;
    for (auto _ : state) {
        for (int i = 0; i < spawned_at_once; ++i) tandem::spawn(tandem_increments(x));
        co_await tandem::yield_now();
    }
    benchmark::DoNotOptimize(x);
    state.SetItemsProcessed(state.iterations() * spawned_at_once);
}
void spawn_tandem(benchmark::State& state) { tandem::sync_wait(tandem_spawner(state)); }
BENCHMARK(spawn_tandem)->Name("spawn_1000/tandem");

// A turn of the loop, for one task.

tandem::task<> tandem_yielder(benchmark::State& state) {
    for (auto _ : state) co_await tandem::yield_now();
}
void yield_tandem(benchmark::State& state) { tandem::sync_wait(tandem_yielder(state)); }
BENCHMARK(yield_tandem)->Name("yield/tandem");

// Starts so many tasks that sleep; then cancels them all, which is not measured.

tandem::task<> tandem_sleeper() { co_await tandem::sleep_for(1h); }
void sleepers_tandem(benchmark::State& state) {
    const auto count = static_cast<int>(state.range(0));
    for (auto _ : state) {
        state.PauseTiming();
        {
            tandem::event_loop loop;
            const auto before = resident();
            state.ResumeTiming();
            for (int i = 0; i < count; ++i) loop.spawn(tandem_sleeper());
            while (loop.poll_once()) {
            }
            state.PauseTiming();
            state.counters["bytes"] = static_cast<double>(resident() - before) / count;
        }
        state.ResumeTiming();
    }
    state.SetItemsProcessed(state.iterations() * count);
}
BENCHMARK(sleepers_tandem)
    ->Name("sleepers/tandem")
    ->Arg(100'000)
    ->Arg(1'000'000)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

// Posts a function from the loop's own thread, a thousand at once.

void post_tandem(benchmark::State& state) {
    tandem::event_loop loop;
    int x = 0;
    const auto one = [&x] { ++x; };
    tandem::sync_wait([](benchmark::State& st, auto f) -> tandem::task<> {
        auto& here = *tandem::event_loop::current();
        for (auto _ : st) {
            for (int i = 0; i < spawned_at_once; ++i) here.post(f);
            co_await tandem::yield_now();
        }
    }(state, one));
    benchmark::DoNotOptimize(x);
    state.SetItemsProcessed(state.iterations() * spawned_at_once);
}
BENCHMARK(post_tandem)->Name("post_1000/tandem");

// Arranges for a call and cancels it, beside a thousand others.

void timers_tandem(benchmark::State& state) {
    tandem::event_loop loop;
    const auto now = std::chrono::steady_clock::now();
    for (int i = 0; i < 1000; ++i) loop.post_at(now + 1h + i * 1ms, [] {});
    int i = 0;
    for (auto _ : state) {
        auto handle = loop.post_at(now + 1h + (i++ * 7919 % 1000) * 1ms, [] {});
        handle.cancel();
    }
}
BENCHMARK(timers_tandem)->Name("timer_schedule_and_cancel/tandem");

// Another thread submits to a loop that is asleep, and waits until it ran.

void submit_asleep_tandem(benchmark::State& state) {
    tandem::event_loop loop;
    std::thread runs([&] { loop.run(); });
    for (auto _ : state) {
        std::atomic<bool> ran{false};
        const auto sets = [&] { ran.store(true, std::memory_order_release); };
        loop.post(sets);
        while (!ran.load(std::memory_order_acquire)) {
        }
        state.PauseTiming();
        std::this_thread::sleep_for(100us);
        state.ResumeTiming();
    }
    loop.stop();
    runs.join();
}
BENCHMARK(submit_asleep_tandem)->Name("wake_asleep/tandem")->Iterations(2000)->UseRealTime();

// The least that it can cost: a thread that sleeps in poll on an eventfd.
void submit_asleep_eventfd(benchmark::State& state) {
    const auto fd = tandem::detail::make_eventfd();
    std::atomic<bool> over{false};
    std::atomic<std::uint64_t> ran{0};
    std::thread runs([&] {
        while (!over.load()) {
            ::pollfd one{fd.get(), POLLIN, 0};
            ::poll(&one, 1, -1);
            std::uint64_t count = 0;
            if (::read(fd.get(), &count, sizeof count) > 0)
                ran.fetch_add(1, std::memory_order_release);
        }
    });
    const std::uint64_t one = 1;
    for (auto _ : state) {
        const auto before = ran.load();
        if (::write(fd.get(), &one, sizeof one) < 0) state.SkipWithError("write");
        while (ran.load(std::memory_order_acquire) == before) {
        }
        state.PauseTiming();
        std::this_thread::sleep_for(100us);
        state.ResumeTiming();
    }
    over = true;
    if (::write(fd.get(), &one, sizeof one) < 0) state.SkipWithError("write");
    runs.join();
}
BENCHMARK(submit_asleep_eventfd)->Name("wake_asleep/eventfd")->Iterations(2000)->UseRealTime();

// Another thread posts to a loop that is busy with a task, and waits until it ran.

tandem::task<> tandem_busy(const std::atomic<bool>& over) {
    while (!over.load(std::memory_order_relaxed)) co_await tandem::yield_now();
}
void wake_awake_tandem(benchmark::State& state) {
    std::atomic<bool> over{false};
    tandem::event_loop loop;
    std::thread runs([&] { loop.run(tandem_busy(over)); });
    for (auto _ : state) {
        std::atomic<bool> ran{false};
        const auto sets = [&] { ran.store(true, std::memory_order_release); };
        loop.post(sets);
        while (!ran.load(std::memory_order_acquire)) {
        }
    }
    over = true;
    runs.join();
}
BENCHMARK(wake_awake_tandem)->Name("wake_awake/tandem")->UseRealTime();

// The least that it can cost: two threads that spin on two words.
void wake_awake_spinning(benchmark::State& state) {
    alignas(64) std::atomic<std::uint64_t> asked{0};
    alignas(64) std::atomic<std::uint64_t> answered{0};
    std::thread runs([&] {
        for (std::uint64_t seen = 0;;) {
            const auto now = asked.load(std::memory_order_acquire);
            if (now == seen) continue;
            seen = now;
            answered.store(now, std::memory_order_release);
            if (now == UINT64_MAX) return;
        }
    });
    std::uint64_t turn = 0;
    for (auto _ : state) {
        asked.store(++turn, std::memory_order_release);
        while (answered.load(std::memory_order_acquire) != turn) {
        }
    }
    asked = UINT64_MAX;
    runs.join();
}
BENCHMARK(wake_awake_spinning)->Name("wake_awake/spinning")->UseRealTime();

#if HAS_ASIO

asio::awaitable<int> asio_child(int x) { co_return x + 1; }
asio::awaitable<void> asio_parent(benchmark::State& state) {
    int x = 0;
    for (auto _ : state) x = co_await asio_child(x);
    benchmark::DoNotOptimize(x);
}
void await_child_asio(benchmark::State& state) {
    asio::io_context loop(1);
    asio::co_spawn(loop, asio_parent(state), asio::detached);
    loop.run();
}
BENCHMARK(await_child_asio)->Name("await_child/asio");

asio::awaitable<void> asio_increments(int& x) {
    ++x;
    co_return;
}
void spawn_asio(benchmark::State& state) {
    asio::io_context loop(1);
    int x = 0;
    for (auto _ : state) {
        for (int i = 0; i < spawned_at_once; ++i) {
            asio::co_spawn(loop, asio_increments(x), asio::detached);
        }
        loop.poll();
        loop.restart();
    }
    benchmark::DoNotOptimize(x);
    state.SetItemsProcessed(state.iterations() * spawned_at_once);
}
BENCHMARK(spawn_asio)->Name("spawn_1000/asio");

asio::awaitable<void> asio_yielder(benchmark::State& state) {
    const auto here = co_await asio::this_coro::executor;
    for (auto _ : state) co_await asio::post(here, asio::use_awaitable);
}
void yield_asio(benchmark::State& state) {
    asio::io_context loop(1);
    asio::co_spawn(loop, asio_yielder(state), asio::detached);
    loop.run();
}
BENCHMARK(yield_asio)->Name("yield/asio");

asio::awaitable<void> asio_sleeper() {
    asio::steady_timer timer(co_await asio::this_coro::executor, 1h);
    co_await timer.async_wait(asio::use_awaitable);
}
void sleepers_asio(benchmark::State& state) {
    const auto count = static_cast<int>(state.range(0));
    for (auto _ : state) {
        state.PauseTiming();
        {
            asio::io_context loop(1);
            const auto before = resident();
            state.ResumeTiming();
            for (int i = 0; i < count; ++i) asio::co_spawn(loop, asio_sleeper(), asio::detached);
            loop.poll();
            state.PauseTiming();
            state.counters["bytes"] = static_cast<double>(resident() - before) / count;
        }
        state.ResumeTiming();
    }
    state.SetItemsProcessed(state.iterations() * count);
}
BENCHMARK(sleepers_asio)
    ->Name("sleepers/asio")
    ->Arg(100'000)
    ->Arg(1'000'000)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

void post_asio(benchmark::State& state) {
    asio::io_context loop(1);
    int x = 0;
    const auto one = [&x] { ++x; };
    for (auto _ : state) {
        asio::post(loop, [&] {
            for (int i = 0; i < spawned_at_once; ++i) asio::post(loop, one);
        });
        loop.poll();
        loop.restart();
    }
    benchmark::DoNotOptimize(x);
    state.SetItemsProcessed(state.iterations() * spawned_at_once);
}
BENCHMARK(post_asio)->Name("post_1000/asio");

void timers_asio(benchmark::State& state) {
    asio::io_context loop(1);
    const auto now = std::chrono::steady_clock::now();
    std::vector<asio::steady_timer> others;
    others.reserve(1000);
    for (int i = 0; i < 1000; ++i) {
        others.emplace_back(loop, now + 1h + i * 1ms).async_wait([](auto) {});
    }
    asio::steady_timer timer(loop);
    int i = 0;
    for (auto _ : state) {
        timer.expires_at(now + 1h + (i++ * 7919 % 1000) * 1ms);
        timer.async_wait([](auto) {});
        timer.cancel();
        if (i % 1000 == 0) loop.poll();
    }
}
BENCHMARK(timers_asio)->Name("timer_schedule_and_cancel/asio");

void submit_asleep_asio(benchmark::State& state) {
    asio::io_context loop(1);
    auto work = asio::make_work_guard(loop);
    std::thread runs([&] { loop.run(); });
    for (auto _ : state) {
        std::atomic<bool> ran{false};
        asio::post(loop, [&] { ran.store(true, std::memory_order_release); });
        while (!ran.load(std::memory_order_acquire)) {
        }
        state.PauseTiming();
        std::this_thread::sleep_for(100us);
        state.ResumeTiming();
    }
    work.reset();
    runs.join();
}
BENCHMARK(submit_asleep_asio)->Name("wake_asleep/asio")->Iterations(2000)->UseRealTime();

#endif

}  // namespace

BENCHMARK_MAIN();
