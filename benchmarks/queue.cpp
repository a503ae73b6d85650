// SPDX-License-Identifier: BSL-1.0
// queue.cpp: items a second through a queue, and the time of a round trip, beside other queues.
//
// QUEUE/PRODUCERSpCONSUMERSc/CAPACITY/PAYLOAD, where `bulk` moves 64 items in one call. Each thread
// moves its share of the items of an iteration; the clock runs from when all are ready to when all
// have ended. moodycamel's queue has no maximum: its capacity is where it starts.
#include <benchmark/benchmark.h>
#include <tandem/core/parker.hpp>
#include <tandem/core/spin.hpp>
#include <tandem/sync/queue.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#if __has_include(<boost/thread/sync_bounded_queue.hpp>)
#define BOOST_THREAD_VERSION 4
#include <boost/thread/sync_bounded_queue.hpp>
#define HAS_BOOST 1
#endif
#if __has_include(<oneapi/tbb/concurrent_queue.h>)
#include <oneapi/tbb/concurrent_queue.h>
#define HAS_TBB 1
#endif
#if __has_include(<concurrentqueue/blockingconcurrentqueue.h>)
#include <concurrentqueue/blockingconcurrentqueue.h>
#define HAS_MOODYCAMEL 1
#elif __has_include(<concurrentqueue/moodycamel/blockingconcurrentqueue.h>)
#include <concurrentqueue/moodycamel/blockingconcurrentqueue.h>
#define HAS_MOODYCAMEL 1
#endif

namespace {

using clock_type = std::chrono::steady_clock;
constexpr std::size_t batch = 64;

// The queues, with the same two members.

template <class T>
struct tandem_queue {
    explicit tandem_queue(std::size_t capacity) : queue(capacity) {}
    void push(T item) { queue.push(std::move(item)); }
    T pop() { return *queue.pop(); }
    tandem::queue<T> queue;
};

template <class T>
struct tandem_bulk : tandem_queue<T> {
    using tandem_queue<T>::tandem_queue;
    std::size_t push_some(T* from, std::size_t count) {
        std::span<T> items(from, count);
        return this->queue.push_range(items);
    }
    std::size_t pop_some(T* to, std::size_t max) { return this->queue.pop_some(to, max); }
};

// What one writes by hand. It notifies only when somebody waits, after unlocking.
template <class T>
class mutex_and_two_condition_variables {
   public:
    explicit mutex_and_two_condition_variables(std::size_t capacity) : capacity_(capacity) {}
    void push(T item) {
        std::unique_lock hold(mutex_);
        ++producers_;
        not_full_.wait(hold, [this] { return items_.size() < capacity_; });
        --producers_;
        items_.push_back(std::move(item));
        const bool wake = consumers_ != 0;
        hold.unlock();
        if (wake) not_empty_.notify_one();
    }
    T pop() {
        std::unique_lock hold(mutex_);
        ++consumers_;
        not_empty_.wait(hold, [this] { return !items_.empty(); });
        --consumers_;
        T item = std::move(items_.front());
        items_.pop_front();
        const bool wake = producers_ != 0;
        hold.unlock();
        if (wake) not_full_.notify_one();
        return item;
    }

   private:
    std::mutex mutex_;  // guards all of it
    std::condition_variable not_full_, not_empty_;
    std::deque<T> items_;
    std::size_t capacity_;
    int producers_ = 0, consumers_ = 0;
};

#if HAS_BOOST
template <class T>
struct boost_sync_bounded_queue {
    explicit boost_sync_bounded_queue(std::size_t capacity)
        : queue(capacity + 1) {}  // it holds n - 1
    void push(T item) { queue.push_back(std::move(item)); }
    T pop() { return queue.pull_front(); }
    boost::concurrent::sync_bounded_queue<T> queue;
};
#endif

#if HAS_TBB
template <class T>
struct tbb_concurrent_bounded_queue {
    explicit tbb_concurrent_bounded_queue(std::size_t capacity) {
        queue.set_capacity(static_cast<std::ptrdiff_t>(capacity));
    }
    void push(T item) { queue.push(std::move(item)); }
    T pop() {
        T item;
        queue.pop(item);
        return item;
    }
    tbb::concurrent_bounded_queue<T> queue;
};
#endif

#if HAS_MOODYCAMEL
template <class T>
struct moodycamel_blocking {
    explicit moodycamel_blocking(std::size_t capacity) : queue(capacity) {}
    void push(T item) { queue.enqueue(std::move(item)); }
    T pop() {
        T item;
        queue.wait_dequeue(item);
        return item;
    }
    moodycamel::BlockingConcurrentQueue<T> queue;
};
template <class T>
struct moodycamel_bulk : moodycamel_blocking<T> {
    using moodycamel_blocking<T>::moodycamel_blocking;
    std::size_t push_some(T* from, std::size_t count) {
        this->queue.enqueue_bulk(from, count);
        return count;
    }
    std::size_t pop_some(T* to, std::size_t max) { return this->queue.wait_dequeue_bulk(to, max); }
};
#endif

// What goes through.

using eight_bytes = std::uint64_t;
struct sixty_four_bytes {
    std::array<std::uint64_t, 8> words;
};
template <class T>
T item_number(std::uint64_t number) {
    if constexpr (std::is_same_v<T, std::string>) {
        return std::string(24, static_cast<char>('a' + number % 26));  // not inside the string
    } else if constexpr (std::is_same_v<T, sixty_four_bytes>) {
        return T{{number}};
    } else {
        return number;
    }
}
template <class T>
std::uint64_t weight(const T& item) {
    if constexpr (std::is_same_v<T, std::string>) {
        return item.size();
    } else if constexpr (std::is_same_v<T, sixty_four_bytes>) {
        return item.words[0];
    } else {
        return item;
    }
}

template <class Queue, class T>
void produce(Queue& queue, std::size_t count) {
    if constexpr (requires(Queue& q, T* p) { q.push_some(p, 1); }) {
        std::array<T, batch> items;
        for (std::size_t i = 0; i < count;) {
            const std::size_t some = std::min(batch, count - i);
            for (std::size_t k = 0; k < some; ++k) items[k] = item_number<T>(i + k);
            i += queue.push_some(items.data(), some);
        }
    } else {
        for (std::size_t i = 0; i < count; ++i) queue.push(item_number<T>(i));
    }
}
template <class Queue, class T>
std::uint64_t consume(Queue& queue, std::size_t count) {
    std::uint64_t sum = 0;
    if constexpr (requires(Queue& q, T* p) { q.pop_some(p, 1); }) {
        std::array<T, batch> items;
        for (std::size_t i = 0; i < count;) {
            const std::size_t some = queue.pop_some(items.data(), std::min(batch, count - i));
            for (std::size_t k = 0; k < some; ++k) sum += weight(items[k]);
            i += some;
        }
    } else {
        for (std::size_t i = 0; i < count; ++i) sum += weight(queue.pop());
    }
    return sum;
}

template <class Queue, class T>
void throughput(benchmark::State& state, std::size_t capacity, int producers, int consumers) {
    const std::size_t count = capacity == 1 ? 20'000 : 400'000;
    for (auto _ : state) {
        Queue queue(capacity);
        std::barrier ready(producers + consumers + 1);
        std::atomic<std::uint64_t> sum{0};
        std::vector<std::jthread> threads;
        for (int i = 0; i < producers; ++i) {
            threads.emplace_back([&, share = count / static_cast<std::size_t>(producers)] {
                ready.arrive_and_wait();
                produce<Queue, T>(queue, share);
            });
        }
        for (int i = 0; i < consumers; ++i) {
            threads.emplace_back([&, share = count / static_cast<std::size_t>(consumers)] {
                ready.arrive_and_wait();
                sum += consume<Queue, T>(queue, share);
            });
        }
        ready.arrive_and_wait();
        const auto start = clock_type::now();
        threads.clear();
        const std::chrono::duration<double> took = clock_type::now() - start;
        state.SetIterationTime(took.count());
        std::uint64_t expected = 0;
        for (std::size_t i = 0; i < count / static_cast<std::size_t>(producers); ++i) {
            expected += weight(item_number<T>(i));
        }
        if (sum != expected * static_cast<std::uint64_t>(producers)) {
            state.SkipWithError("items were lost");
        }
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(count));
}

template <template <class> class Queue, class T>
void measure(const std::string& name, const std::string& payload) {
    constexpr std::pair<int, int> sides[] = {{1, 1}, {2, 2}, {4, 4}, {1, 4}, {4, 1}};
    for (const std::size_t capacity : {1, 64, 1024}) {
        for (const auto& [producers, consumers] : sides) {
            const auto full_name = name + '/' + std::to_string(producers) + 'p' +
                                   std::to_string(consumers) + "c/" + std::to_string(capacity) +
                                   '/' + payload;
            benchmark::RegisterBenchmark(
                full_name.c_str(),
                [capacity, producers = producers, consumers = consumers](benchmark::State& state) {
                    throughput<Queue<T>, T>(state, capacity, producers, consumers);
                })
                ->UseManualTime()
                ->Unit(benchmark::kMillisecond);
        }
    }
}

template <template <class> class Queue>
void measure_payloads(const std::string& name) {
    measure<Queue, eight_bytes>(name, "8_bytes");
    measure<Queue, sixty_four_bytes>(name, "64_bytes");
    measure<Queue, std::string>(name, "string");
}

// The round trip: one thread asks, another answers. `ask(0)` ends the other one.

template <class Ask, class Serve>
void round_trips(benchmark::State& state, bool busy, Ask ask, Serve serve) {
    std::atomic<bool> stop{false};
    std::vector<std::jthread> threads;
    if (busy) {
        threads.emplace_back([&] {
            while (!stop.load(std::memory_order_relaxed)) benchmark::DoNotOptimize(stop);
        });
    }
    threads.emplace_back(serve);
    for (auto _ : state) ask(1);
    ask(0);
    stop = true;
}

template <template <class> class Queue>
struct queue_round_trip {
    static void run(benchmark::State& state, bool busy) {
        Queue<int> there(1), back(1);
        round_trips(
            state, busy,
            [&](int message) {
                there.push(message);
                if (back.pop() != message) state.SkipWithError("wrong answer");
            },
            [&] {
                for (int message = 1; message != 0;) {
                    message = there.pop();
                    back.push(message);
                }
            });
    }
};

// The least that two threads need: words that they sleep on, or watch.
template <bool Sleeps>
struct bare_round_trip {
    static void run(benchmark::State& state, bool busy) {
        std::atomic<std::uint32_t> there{0}, back{0};
        const auto wait = [](std::atomic<std::uint32_t>& word) {
            std::uint32_t message = 0;
            while ((message = word.load(std::memory_order_acquire)) == 0) {
                if (Sleeps) {
                    tandem::detail::park(word, 0);
                } else {
                    tandem::detail::relax();
                }
            }
            word.store(0, std::memory_order_relaxed);
            return message;
        };
        const auto send = [](std::atomic<std::uint32_t>& word, std::uint32_t message) {
            word.store(message, std::memory_order_release);
            if (Sleeps) tandem::detail::unpark(word, 1);
        };
        round_trips(
            state, busy,
            [&](int message) {
                send(there, message == 0 ? 2 : 1);
                wait(back);
            },
            [&] {
                for (std::uint32_t message = 1; message != 2;) {
                    message = wait(there);
                    send(back, message);
                }
            });
    }
};

template <class RoundTrip>
void measure_round_trip(const std::string& name) {
    for (const bool busy : {false, true}) {
        const auto full_name = "round_trip/" + name + (busy ? "/beside_a_busy_cpu" : "");
        benchmark::RegisterBenchmark(full_name.c_str(), [busy](benchmark::State& state) {
            RoundTrip::run(state, busy);
        })->UseRealTime();
    }
}

}  // namespace

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
    measure_round_trip<bare_round_trip<true>>("futex");
    measure_round_trip<bare_round_trip<false>>("spinning");
    measure_round_trip<queue_round_trip<tandem_queue>>("tandem");
    measure_round_trip<queue_round_trip<mutex_and_two_condition_variables>>("mutex_2_cv");
    measure_payloads<tandem_queue>("tandem");
    measure_payloads<tandem_bulk>("tandem_bulk");
    measure_payloads<mutex_and_two_condition_variables>("mutex_2_cv");
#if HAS_BOOST
    measure_round_trip<queue_round_trip<boost_sync_bounded_queue>>("boost");
    measure_payloads<boost_sync_bounded_queue>("boost");
#endif
#if HAS_TBB
    measure_round_trip<queue_round_trip<tbb_concurrent_bounded_queue>>("tbb");
    measure_payloads<tbb_concurrent_bounded_queue>("tbb");
#endif
#if HAS_MOODYCAMEL
    measure_round_trip<queue_round_trip<moodycamel_blocking>>("moodycamel");
    measure_payloads<moodycamel_blocking>("moodycamel");
    measure_payloads<moodycamel_bulk>("moodycamel_bulk");
#endif
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
