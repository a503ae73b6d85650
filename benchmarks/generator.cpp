// SPDX-License-Identifier: BSL-1.0
// generator.cpp: what a send, a delegation and a cell of the Game of Life cost, beside what one
// writes by hand, and Boost.Coroutine2. benchmarks/python_generators.py sets Python beside it.
//
// WHAT/HOW. Times are for one send, one delegation, or one generation; `per_cell` and `per_send`
// (in seconds) divide. Life asks for nine cells and sets one, for each cell, on a grid that wraps
// round; all ways of writing it share the grid and the rules.
#include <benchmark/benchmark.h>
#include <tandem/coroutine/generator.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#if HAS_BOOST_CONTEXT
#include <boost/coroutine2/all.hpp>
#endif

using tandem::generator;
using tandem::yield_from;

namespace {

// send: adds up what it is sent, and shows the sum.

[[gnu::noinline]] generator<int, int> adder() {
    for (int sum = 0;;) sum += co_yield sum;
}
class machine {
   public:
    virtual ~machine() = default;
    virtual const int* send(int value) = 0;
};
class adding_machine : public machine {
   public:
    const int* send(int value) override {
        sum_ += value;
        return &sum_;
    }

   private:
    int sum_ = 0;
};
class other_machine : public machine {  // so that the compiler cannot know which one it is
   public:
    const int* send(int value) override { return &(last_ = value); }

   private:
    int last_ = 0;
};

void send_tandem(benchmark::State& state) {
    auto g = adder();
    g.next();
    int i = 0;
    for (auto _ : state) benchmark::DoNotOptimize(*g.send(++i));
}
BENCHMARK(send_tandem)->Name("send/tandem");

void send_state_machine(benchmark::State& state) {
    std::unique_ptr<machine> m = std::make_unique<adding_machine>();
    if (state.iterations() > 0) m = std::make_unique<other_machine>();
    benchmark::DoNotOptimize(m);
    int i = 0;
    for (auto _ : state) benchmark::DoNotOptimize(*m->send(++i));
}
BENCHMARK(send_state_machine)->Name("send/state_machine");

[[gnu::noinline]] generator<int> counter() {
    for (int i = 0;; ++i) co_yield i;
}
void next_tandem(benchmark::State& state) {
    auto g = counter();
    for (auto _ : state) benchmark::DoNotOptimize(*g.next());
}
BENCHMARK(next_tandem)->Name("next/tandem");

// delegate: starts a generator, delegates to it, lets it yield once, and takes what it returns.

[[gnu::noinline]] generator<int, int, int> inner(int x) { co_return co_yield x; }
generator<int, int> outer() {
    for (int sum = 0;;) sum += co_await yield_from(inner(sum));
}
[[gnu::noinline]] generator<int, int, int> silent(int x) { co_return x; }
generator<int, int> silent_outer(std::int64_t count) {
    int sum = 0;
    for (std::int64_t i = 0; i < count; ++i) sum += co_await yield_from(silent(1));
    co_yield sum;
}
generator<int, int> deep(int depth) {
    if (depth == 0) {
        for (int sum = 0;;) sum += co_yield sum;
    }
    co_await yield_from(deep(depth - 1));
}

void delegate_tandem(benchmark::State& state) {
    auto g = outer();
    g.next();
    for (auto _ : state) benchmark::DoNotOptimize(*g.send(1));
}
BENCHMARK(delegate_tandem)->Name("delegate/tandem");

void delegate_without_yield(benchmark::State& state) {
    constexpr std::int64_t batch = 1000;
    while (state.KeepRunningBatch(batch)) {
        auto g = silent_outer(batch);
        benchmark::DoNotOptimize(*g.next());
    }
}
BENCHMARK(delegate_without_yield)->Name("delegate_without_yield/tandem");

void send_at_depth(benchmark::State& state) {
    auto g = deep(static_cast<int>(state.range(0)));
    g.next();
    for (auto _ : state) benchmark::DoNotOptimize(*g.send(1));
}
BENCHMARK(send_at_depth)->Name("send_at_depth/tandem")->Arg(1)->Arg(1'000)->Arg(1'000'000);

#if HAS_BOOST_CONTEXT
using boost_coroutine = boost::coroutines2::coroutine<int>;

void send_boost(benchmark::State& state) {
    int sent = 0;
    boost_coroutine::pull_type adds([&](boost_coroutine::push_type& yield) {
        for (int sum = 0;;) {
            yield(sum);
            sum += sent;
        }
    });
    for (auto _ : state) {
        ++sent;
        adds();
        benchmark::DoNotOptimize(adds.get());
    }
}
BENCHMARK(send_boost)->Name("send/boost_coroutine2");
#endif

// Life.

constexpr int side = 1000;

class grid {
   public:
    grid() : cells_(std::size_t{side} * side, '-') {}

    char get(int y, int x) const { return cells_[index(y, x)]; }
    void set(int y, int x, char state) { cells_[index(y, x)] = state; }
    void scatter() {
        std::uint32_t random = 1;
        for (char& cell : cells_) {
            random = random * 1664525 + 1013904223;
            cell = random >> 28 < 5 ? '*' : '-';
        }
    }
    bool operator==(const grid&) const = default;

   private:
    static int wrapped(int i) { return i < 0 ? i + side : i < side ? i : i - side; }
    static std::size_t index(int y, int x) {
        return static_cast<std::size_t>(wrapped(y)) * side + static_cast<std::size_t>(wrapped(x));
    }
    std::vector<char> cells_;
};

constexpr std::array<std::pair<int, int>, 8> neighbors = {
    {{1, 0}, {1, 1}, {0, 1}, {-1, 1}, {-1, 0}, {-1, -1}, {0, -1}, {1, -1}}};
// Without a branch: what is measured is the conversation, not how well chance can be predicted.
char rule(char state, int count) {
    const int lives = int{count == 3} | (int{count == 2} & int{state == '*'});
    return "-*"[lives];
}

struct query {
    int y, x;
};
struct transition {
    int y, x;
    char state;
};
struct tick {};
using step = std::variant<query, transition, tick>;

// Answers `talk`, which has next() and send(char), for one generation.
template <class Talk>
void generation(const grid& now, grid& then, Talk& talk) {
    const step* s = talk.next();
    for (;;) {
        if (const auto* q = std::get_if<query>(s)) {
            s = talk.send(now.get(q->y, q->x));
        } else if (const auto* t = std::get_if<transition>(s)) {
            then.set(t->y, t->x, t->state);
            s = talk.next();
        } else {
            return;
        }
    }
}

generator<step, char, int> count_neighbors(int y, int x) {
    const char n_ = co_yield query{y + 1, x + 0};
    const char ne = co_yield query{y + 1, x + 1};
    const char e_ = co_yield query{y + 0, x + 1};
    const char se = co_yield query{y - 1, x + 1};
    const char s_ = co_yield query{y - 1, x + 0};
    const char sw = co_yield query{y - 1, x - 1};
    const char w_ = co_yield query{y + 0, x - 1};
    const char nw = co_yield query{y + 1, x - 1};
    int count = 0;
    for (const char state : {n_, ne, e_, se, s_, sw, w_, nw}) count += state == '*';
    co_return count;
}
generator<step, char> step_cell(int y, int x) {
    const char state = co_yield query{y, x};
    const int count = co_await yield_from(count_neighbors(y, x));
    co_yield transition{y, x, rule(state, count)};
}
generator<step, char> simulate() {
    for (;;) {
        for (int y = 0; y < side; ++y) {
            for (int x = 0; x < side; ++x) co_await yield_from(step_cell(y, x));
        }
        co_yield tick{};
    }
}

// The same conversation, by hand: where it is stands in numbers.
class life_machine {
   public:
    [[gnu::noinline]] const step* next() { return send('-'); }
    [[gnu::noinline]] const step* send(char heard) {
        if (at_ == 0) {
            if (y_ == side) {
                y_ = 0;
                return &(shown_ = tick{});
            }
            ++at_;
            return &(shown_ = query{y_, x_});
        }
        if (at_ == 1) {
            state_ = heard;
            count_ = 0;
        } else if (at_ <= 9) {
            count_ += heard == '*';
        }
        if (at_ <= 8) {
            const auto [down, right] = neighbors[static_cast<std::size_t>(at_++ - 1)];
            return &(shown_ = query{y_ + down, x_ + right});
        }
        shown_ = transition{y_, x_, rule(state_, count_)};
        at_ = 0;
        if (++x_ == side) {
            x_ = 0;
            ++y_;
        }
        return &shown_;
    }

   private:
    int at_ = 0, y_ = 0, x_ = 0, count_ = 0;
    char state_ = '-';
    step shown_;
};

#if HAS_BOOST_CONTEXT
// A stack of its own: to delegate is to call.
class life_boost {
    using coroutine = boost::coroutines2::coroutine<step>;

   public:
    const step* next() { return send('-'); }
    const step* send(char heard) {
        heard_ = heard;
        pull_();
        shown_ = pull_.get();
        return &shown_;
    }

   private:
    char ask(coroutine::push_type& yield, int y, int x) {
        yield(query{y, x});
        return heard_;
    }
    int count_neighbors(coroutine::push_type& yield, int y, int x) {
        int count = 0;
        for (const auto& [down, right] : neighbors) count += ask(yield, y + down, x + right) == '*';
        return count;
    }
    void step_cell(coroutine::push_type& yield, int y, int x) {
        const char state = ask(yield, y, x);
        yield(transition{y, x, rule(state, count_neighbors(yield, y, x))});
    }

    char heard_ = '-';
    step shown_;
    coroutine::pull_type pull_{[this](coroutine::push_type& yield) {
        for (;;) {
            yield(tick{});
            for (int y = 0; y < side; ++y) {
                for (int x = 0; x < side; ++x) step_cell(yield, y, x);
            }
        }
    }};
};
#endif

// The rules that see the grid.
void plain_generation(const grid& now, grid& then) {
    for (int y = 0; y < side; ++y) {
        for (int x = 0; x < side; ++x) {
            int count = 0;
            for (const auto& [down, right] : neighbors)
                count += now.get(y + down, x + right) == '*';
            then.set(y, x, rule(now.get(y, x), count));
        }
    }
}

template <class Live>
void life(benchmark::State& state, Live live) {
    grid now, then, expected;
    now.scatter();
    plain_generation(now, expected);
    for (auto _ : state) live(now, then);
    if (!(then == expected)) state.SkipWithError("wrong generation");
    state.counters["per_cell"] =
        benchmark::Counter(double{side} * side, benchmark::Counter::kIsIterationInvariantRate |
                                                    benchmark::Counter::kInvert);
}

void life_tandem(benchmark::State& state) {
    auto sim = simulate();
    life(state, [&](const grid& now, grid& then) { generation(now, then, sim); });
}
BENCHMARK(life_tandem)->Name("life_1000/tandem")->Unit(benchmark::kMillisecond);

void life_by_hand(benchmark::State& state) {
    life_machine machine;
    life(state, [&](const grid& now, grid& then) { generation(now, then, machine); });
}
BENCHMARK(life_by_hand)->Name("life_1000/state_machine")->Unit(benchmark::kMillisecond);

void life_plain(benchmark::State& state) { life(state, plain_generation); }
BENCHMARK(life_plain)->Name("life_1000/plain_loop")->Unit(benchmark::kMillisecond);

#if HAS_BOOST_CONTEXT
void life_with_boost(benchmark::State& state) {
    life_boost coroutine;
    life(state, [&](const grid& now, grid& then) { generation(now, then, coroutine); });
}
BENCHMARK(life_with_boost)->Name("life_1000/boost_coroutine2")->Unit(benchmark::kMillisecond);
#endif

}  // namespace

BENCHMARK_MAIN();
