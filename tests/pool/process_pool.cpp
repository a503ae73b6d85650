// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/process_pool.hpp>

#include "pool/tasks.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <ranges>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

using namespace tandem;
using namespace std::chrono_literals;
using namespace tasks;
using tools::leaves_nothing;

namespace {

struct point {
    int x = 0;
    int y = 0;
    friend bool operator==(const point&, const point&) = default;
};

struct stateless {
    int operator()(int x) const { return x + 1; }
};

}  // namespace

// What can be called.

TEST_CASE("a lambda, a functor, a function, fn<f> and bitwise(f) are called in a worker",
          "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        CHECK(pool.submit([](int a, int b) { return a + b; }, 2, 3).get() == 5);
        CHECK(pool.submit(stateless(), 1).get() == 2);
        CHECK(pool.submit(twice, 4).get() == 8);
        CHECK(pool.submit(&add, 4, 5).get() == 9);
        CHECK(pool.submit(fn<add>, 6, 7).get() == 13);
        int captured = 30;
        CHECK(pool.submit(bitwise([captured](int x) { return x + captured; }), 3).get() == 33);
        CHECK(pool.apply([] { return 7; }) == 7);
    });
}

TEST_CASE("the call runs in another process, which is a worker and not the owner",
          "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(1);
        CHECK(pool.apply(worker_pid) != ::getpid());
        CHECK(pool.apply([] { return is_worker(); }));
        CHECK_FALSE(is_worker());
    });
}

TEST_CASE("a task gets its own copies, as rvalues, and may change or view them", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(1);
        std::string text = "abc";
        CHECK(pool.apply([](std::string&& s) { return std::move(s) + "!"; }, text) == "abc!");
        CHECK(text == "abc");
        CHECK(pool.apply([](std::string_view s) { return s.size(); }, text) == 3);
        CHECK(pool.apply([](const std::string& s) { return s; }, "a literal") == "a literal");
        CHECK(*pool.apply([](std::unique_ptr<int> p) { return p; }, std::make_unique<int>(5)) == 5);
    });
}

TEST_CASE("all sorts of data travel both ways", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(1);
        using many = std::tuple<std::vector<std::string>, std::map<int, std::optional<double>>,
                                std::variant<int, std::string>, point, std::vector<bool>>;
        const many value{{"a", "", "ccc"}, {{1, 2.5}, {2, {}}}, "text", {1, 2}, {true, false}};
        CHECK((pool.apply([](many v) { return v; }, value) == value));
    });
}

TEST_CASE("a task that takes a stop_token gets one", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(1);
        CHECK(pool.apply([](std::stop_token stop, int x) { return stop.stop_requested() ? 0 : x; },
                         3) == 3);
    });
}

TEST_CASE("a task may return nothing, or a reference whose value travels", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(1);
        auto done = pool.submit([] {});
        done.get();
        CHECK(pool.apply([]() -> const std::string& {
            static const std::string kept = "kept";
            return kept;
        }) == "kept");
    });
}

// Maps.

TEST_CASE("map gives the results in input order", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        const auto numbers = first_numbers(1000);
        const auto results = pool.map(twice, numbers);
        REQUIRE(results.size() == 1000);
        for (int i = 0; i < 1000; ++i) CHECK(results[static_cast<std::size_t>(i)] == 2 * i);
    });
}

TEST_CASE("map works on lists, views, input ranges, and nothing", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        const std::list<int> list{1, 2, 3};
        CHECK((pool.map(twice, list) == std::vector{2, 4, 6}));
        CHECK((pool.map(twice, list | std::views::transform([](int x) { return x + 1; })) ==
               std::vector{4, 6, 8}));
        std::istringstream words("1 2 3");
        CHECK((pool.map(twice, std::ranges::istream_view<int>(words)) == std::vector{2, 4, 6}));
        CHECK(pool.map(twice, std::vector<int>()).empty());
    });
}

TEST_CASE("map returns bools, strings and what has no default, and void for void",
          "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        const auto numbers = first_numbers(100);
        const std::vector<bool> odd = pool.map([](int x) { return x % 2 == 1; }, numbers);
        CHECK(std::ranges::count(odd, true) == 50);
        CHECK(pool.map([](int x) { return std::to_string(x); }, numbers)[42] == "42");
        static_assert(std::is_void_v<decltype(pool.map([](int) {}, numbers))>);
        pool.map([](int) {}, numbers);
    });
}

TEST_CASE("starmap takes tuples of arguments", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        const std::vector<std::tuple<int, int>> pairs{{1, 2}, {3, 4}};
        CHECK((pool.starmap(add, pairs) == std::vector{3, 7}));
        CHECK((pool.starmap_async(add, pairs).get() == std::vector{3, 7}));
        const std::vector<std::pair<std::string, int>> named{{"a", 1}};
        CHECK(pool.starmap([](const std::string& s, int n) { return s + std::to_string(n); },
                           named)[0] == "a1");
    });
}

TEST_CASE("for_each calls once for each element", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        tools::journal calls;
        std::vector<std::pair<std::string, int>> elements;
        for (int i = 0; i < 100; ++i) elements.emplace_back(calls.path(), i);
        pool.for_each([](const auto& e) { tools::journal::add(e.first, e.second); }, elements);
        auto seen = calls.read();
        std::ranges::sort(seen);
        CHECK(seen == first_numbers(100));
    });
}

TEST_CASE("map_async owns its elements", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        future<std::vector<std::string>> later;
        {
            std::vector<std::string> words{"a", "b"};
            later = pool.map_async([](const std::string& s) { return s + s; }, words);
            words.assign({"x", "y"});
        }
        CHECK((later.get() == std::vector<std::string>{"aa", "bb"}));
    });
}

TEST_CASE("map throws the first exception in input order", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        for (const int chunk : {0, 1, 7, 100}) {
            std::string text;
            try {
                static_cast<void>(pool.map(
                    [](int x) {
                        if (x == 20) std::this_thread::sleep_for(10ms);
                        if (x == 20 || x == 21 || x == 60) fail(std::to_string(x));
                        return x;
                    },
                    first_numbers(100), {.chunk_size = chunk}));
            } catch (const std::runtime_error& e) {
                text = e.what();
            }
            CHECK(text == "20");
        }
    });
}

TEST_CASE("a map that takes longer than its timeout is killed and throws", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        CHECK_THROWS_AS(pool.map(
                            [](int) {
                                std::this_thread::sleep_for(1000s);
                                return 0;
                            },
                            first_numbers(4), {.timeout = 50ms}),
                        timeout_error);
        CHECK(pool.apply(twice, 2) == 4);
    });
}

TEST_CASE("imap gives results in order, with their index, and goes on after a failure",
          "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        const auto numbers = first_numbers(50);
        auto results = pool.imap(
            [](int x) {
                if (x == 7) fail("seven");
                return 2 * x;
            },
            numbers);
        std::size_t at = 0;
        for (auto it = results.begin(); it != results.end(); ++it, ++at) {
            CHECK(it.index() == at);
            if (at == 7) {
                CHECK_THROWS_AS(*it, std::runtime_error);
            } else {
                CHECK(*it == 2 * static_cast<int>(at));
            }
        }
        CHECK(at == 50);
    });
}

TEST_CASE("imap reads at most its window ahead, on the consumer's thread", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        const auto here = std::this_thread::get_id();
        int read = 0;
        bool elsewhere = false;
        auto numbers = std::views::iota(0, 100) | std::views::transform([&](int x) {
                           ++read;
                           elsewhere = elsewhere || std::this_thread::get_id() != here;
                           return x;
                       });
        auto results = pool.imap(twice, numbers, {.window = 5});
        CHECK(read == 0);
        int taken = 0;
        for (const int value : results) {
            CHECK(value == 2 * taken);
            ++taken;
            CHECK(read <= taken + 5);
        }
        CHECK(taken == 100);
        CHECK_FALSE(elsewhere);
    });
}

TEST_CASE("an imap whose input throws delivers what came before", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        auto numbers = std::views::iota(0, 10) | std::views::transform([](int x) {
                           if (x == 5) throw std::logic_error("the input");
                           return x;
                       });
        std::vector<int> seen;
        CHECK_THROWS_AS(
            [&] {
                for (const int value : pool.imap(twice, numbers)) seen.push_back(value);
            }(),
            std::logic_error);
        CHECK((seen == std::vector{0, 2, 4, 6, 8}));
    });
}

TEST_CASE("imap_unordered gives what is done first in processes", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        tools::mailbox gate;
        std::vector<std::string> elements(20);
        elements[0] = gate.from();
        auto results = pool.imap_unordered(
            [](const std::string& wait_for) {
                if (!wait_for.empty()) tools::hear(wait_for);
                return wait_for.empty();
            },
            elements, {.window = 20});
        std::size_t count = 0;
        for (auto it = results.begin(); it != results.end(); ++it) {
            ++count;
            CHECK((it.index() == 0) == (count == 20));
            if (count == 19) gate.send(1);
        }
        CHECK(count == 20);
    });
}

TEST_CASE("next_for gives up in time and can be asked again", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(1);
        tools::mailbox gate;
        const std::vector<std::string> one{gate.from()};
        auto results = pool.imap([](const std::string& from) { return tools::hear(from); }, one);
        CHECK_THROWS_AS(results.next_for(10ms), timeout_error);
        gate.send(3);
        CHECK(results.next_for(10s) == 3);
        CHECK(results.next_for(10s) == std::nullopt);
    });
}

TEST_CASE("tiny calls of a map go together", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        const auto timed = [&](int count, tandem::map_options options) {
            const auto start = std::chrono::steady_clock::now();
            CHECK(pool.map(twice, first_numbers(count), options).back() == 2 * (count - 1));
            return std::chrono::steady_clock::now() - start;
        };
        const auto alone = timed(20'000, {.chunk_size = 1});
        // Ten times as many; with a message for each it would take ten times as long.
        CHECK(timed(200'000, {}) < 5 * alone);
    });
}

// What the pool says of itself.

TEST_CASE("a pool of no workers is refused, and of -1 too", "[process_pool]") {
    CHECK_THROWS_AS(process_pool(0), std::invalid_argument);
    CHECK_THROWS_AS(process_pool(-1), std::invalid_argument);
    CHECK_THROWS_AS(process_pool(process_pool_options{.workers = -1}), std::invalid_argument);
    CHECK_THROWS_AS(process_pool(std::size_t{1} << 40), std::invalid_argument);
}

TEST_CASE("a pool has as many workers as CPUs unless told", "[process_pool]") {
    leaves_nothing([] {
        process_pool by_default;
        CHECK(by_default.size() == available_cpus());
        process_pool by_option({.workers = 3});
        CHECK(by_option.size() == 3);
    });
}

TEST_CASE("a pool prints what it is", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        const auto text = [&] {
            std::ostringstream out;
            out << pool;
            return out.str();
        };
        CHECK(text() == "process_pool state=running size=2");
        pool.close();
        CHECK(text() == "process_pool state=closed size=2");
        pool.terminate();
        CHECK(text() == "process_pool state=terminated size=2");
    });
}

TEST_CASE("stats tell what waits, what runs where, and what ended how", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(1);
        tools::mailbox gate;
        tools::mailbox started;
        auto running = pool.submit(
            [](const std::string& up, const std::string& from) {
                tools::tell(up, ::getpid());
                tools::hear(from);
            },
            started.to(), gate.from());
        const auto pid = static_cast<int>(started.receive());
        auto waiting = pool.submit(twice, 1);
        auto failing = pool.submit([] { fail("x"); });
        auto now = pool.stats();
        REQUIRE(now.running.size() == 1);
        CHECK(now.running[0].pid == pid);
        CHECK(now.running[0].elapsed > 0ns);
        CHECK(now.queued == 2);
        CHECK(now.done == 0);
        gate.send(1);
        running.get();
        waiting.get();
        failing.wait();
        CHECK(tools::eventually([&] {
            now = pool.stats();
            return now.done == 2 && now.failed == 1 && now.queued == 0 && now.running.empty();
        }));
        CHECK(now.replaced == 0);
    });
}

TEST_CASE("stats do not count what was taken back from a worker as waiting there",
          "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        tools::mailbox gate;
        std::vector<std::string> elements(50);
        elements[0] = gate.from();
        auto all = pool.map_async(
            [](const std::string& from) {
                if (!from.empty()) tools::hear(from);
                return 0;
            },
            elements, {.chunk_size = 50});
        CHECK(tools::eventually([&] {
            const auto now = pool.stats();
            return now.done == 49 && now.queued == 0 && now.running.size() == 1;
        }));
        gate.send(1);
        CHECK(all.get().size() == 50);
    });
}

// Many at once.

TEST_CASE("many threads may use one pool", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        std::vector<std::thread> threads;
        std::atomic<int> wrong{0};
        for (int t = 0; t < 8; ++t) {
            threads.emplace_back([&, t] {
                for (int i = 0; i < 50; ++i) {
                    if (pool.apply(twice, t * i) != 2 * t * i) ++wrong;
                }
                if (pool.map(twice, first_numbers(100)).back() != 198) ++wrong;
            });
        }
        for (auto& thread : threads) thread.join();
        CHECK(wrong == 0);
    });
}

TEST_CASE("a thousand futures are all kept", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        std::vector<future<int>> futures;
        for (int i = 0; i < 1000; ++i) futures.push_back(pool.submit(twice, i));
        for (int i = 0; i < 1000; ++i) CHECK(futures[static_cast<std::size_t>(i)].get() == 2 * i);
    });
}

TEST_CASE("two pools do not meddle with each other", "[process_pool]") {
    leaves_nothing([] {
        process_pool one(1);
        auto other = std::make_unique<process_pool>(2);
        const auto pid = one.apply(worker_pid);
        auto f = other->submit([] { std::abort(); });
        CHECK_THROWS_AS(f.get(), worker_died);
        CHECK(other->apply(twice, 2) == 4);
        other.reset();
        CHECK(one.apply(worker_pid) == pid);
    });
}

TEST_CASE("system calls that signals interrupt are no failure", "[process_pool][pinned]") {
    leaves_nothing([] {
        struct sigaction handler{};
        handler.sa_handler = [](int) {};  // no SA_RESTART
        struct sigaction before{};
        ::sigaction(SIGALRM, &handler, &before);
        const itimerval storm{{0, 1000}, {0, 1000}};
        ::setitimer(ITIMER_REAL, &storm, nullptr);
        {
            process_pool pool(2);
            for (int i = 0; i < 1000; ++i) CHECK(pool.apply(twice, i) == 2 * i);
            const std::string big(1 << 20, 'x');
            CHECK(pool.apply([](std::string s) { return s; }, big) == big);
            CHECK_THROWS_AS(pool.apply([] { std::abort(); }), worker_died);
        }
        const itimerval none{};
        ::setitimer(ITIMER_REAL, &none, nullptr);
        ::sigaction(SIGALRM, &before, nullptr);
    });
}

TEST_CASE("an idle pool uses no CPU in processes", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        pool.apply(twice, 1);
        const auto cpu = [] {
            rusage used{};
            ::getrusage(RUSAGE_SELF, &used);
            return std::chrono::seconds(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                   std::chrono::microseconds(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
        };
        const auto before = cpu();
        std::this_thread::sleep_for(300ms);
        CHECK(cpu() - before < 30ms);
    });
}
