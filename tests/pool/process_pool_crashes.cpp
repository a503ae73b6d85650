// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/process_pool.hpp>

#include "pool/tasks.hpp"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

using namespace tandem;
using namespace std::chrono_literals;
using namespace tasks;
using tools::leaves_nothing;

// The crash matrix: every way to die at every moment of a call.

namespace {

enum class way { segv, abort, exit_0, exit, overflow, destructor, kill, stop, none };
enum class moment { decoding, running, encoding, idle };

struct throws_at_its_end {
    ~throws_at_its_end() noexcept(false) { throw 1; }
};
int dig(volatile char* above, int depth) {
    volatile char here[4096];
    here[0] = above ? above[0] : '\0';
    return depth == 0 ? here[0] : dig(here, depth - 1) + here[0];
}
void die(way how) {
    switch (how) {
        case way::segv:
            ::raise(SIGSEGV);
            break;
        case way::abort:
            std::abort();
        case way::exit_0:
            ::_exit(0);
        case way::exit:
            std::exit(3);
        case way::overflow:
            dig(nullptr, 1'000'000'000);
            break;
        case way::destructor:
            try {
                const throws_at_its_end first;
                throw 2;
            } catch (...) {
            }
            break;
        case way::kill:
            ::kill(::getpid(), SIGKILL);
            break;
        case way::stop:
            ::kill(::getpid(), SIGSTOP);
            break;
        case way::none:
            break;
    }
}

// Dies in the worker when it is decoded, or when it is encoded there.
struct deadly {
    way how = way::none;
    moment when = moment::running;
};

}  // namespace

template <>
struct tandem::codec<deadly> {
    static void encode(writer& out, const deadly& value) {
        if (is_worker() && value.when == moment::encoding) die(value.how);
        tandem::encode(out, static_cast<int>(value.how));
        tandem::encode(out, static_cast<int>(value.when));
    }
    static deadly decode(reader& in) {
        const deadly value{static_cast<way>(tandem::decode<int>(in)),
                           static_cast<moment>(tandem::decode<int>(in))};
        if (is_worker() && value.when == moment::decoding) die(value.how);
        return value;
    }
};

namespace {

deadly meet(const deadly& value) {
    if (value.when == moment::running) die(value.how);
    return value;
}

// What became of a call that should not end well.
std::string end_of(future<deadly> call) {
    try {
        call.get();
    } catch (const worker_died&) {
        return "died";
    } catch (const timeout_error&) {
        return "timeout";
    } catch (const std::exception& e) {
        return e.what();
    }
    return "value";
}

const std::vector<way> ways = {way::segv,     way::abort,      way::exit_0, way::exit,
                               way::overflow, way::destructor, way::kill,   way::stop};

}  // namespace

TEST_CASE("whatever way a worker dies in a call, that call ends and the others are made",
          "[process_pool]") {
    leaves_nothing(
        [] {
            for (const moment when : {moment::decoding, moment::running, moment::encoding}) {
                process_pool pool({.workers = 2, .timeout = 20s});
                for (const way how : ways) {
                    CAPTURE(static_cast<int>(how), static_cast<int>(when));
                    auto limited = pool.with({.timeout = how == way::stop ? 100ms : 20s});
                    auto victim = limited.submit(meet, deadly{how, when});
                    std::vector<future<int>> others;
                    for (int i = 0; i < 20; ++i) others.push_back(pool.submit(twice, i));
                    CHECK(end_of(std::move(victim)) == (how == way::stop ? "timeout" : "died"));
                    for (int i = 0; i < 20; ++i)
                        CHECK(others[static_cast<std::size_t>(i)].get() == 2 * i);
                }
            }
        },
        300s);
}

TEST_CASE("whatever way an idle worker dies, nobody notices", "[process_pool]") {
    leaves_nothing(
        [] {
            process_pool pool({.workers = 1, .timeout = 30s});
            for (const way how : ways) {
                CAPTURE(static_cast<int>(how));
                tools::mailbox gate;
                const int worker = pool.apply(
                    [](way chosen, const std::string& from) {
                        // A thread stays behind and ends the process when it is told to.
                        std::thread([chosen, from] {
                            tools::hear(from);
                            die(chosen);
                        }).detach();
                        return ::getpid();
                    },
                    how, gate.from());
                gate.send(1);
                if (how == way::stop) {
                    CHECK_THROWS_AS(pool.with({.timeout = 100ms}).apply(sleep_forever),
                                    timeout_error);
                } else {
                    CHECK(tools::eventually([&] { return tools::is_over(worker); }, 20s));
                }
                CHECK(pool.apply(twice, 4) == 8);
            }
        },
        300s);
}

TEST_CASE("workers killed fifty times a second under tasks with retries: each task ends once",
          "[process_pool]") {
    leaves_nothing(
        [] {
            const int count = tools::sanitized ? 10'000 : 100'000;
            const auto limit = tools::sanitized ? 5s : 20s;
            process_pool pool({.workers = 4, .retries = 1'000'000});
            std::atomic<int> ended{0};
            std::vector<future<int>> all;
            for (int i = 0; i < count; ++i) {
                all.push_back(pool.submit(
                    [](int x) {
                        std::this_thread::sleep_for(200us);
                        return 2 * x;
                    },
                    i));
                all.back().on_done([&](const outcome<int>&) { ++ended; });
            }
            std::mt19937 random(7);
            const auto until = std::chrono::steady_clock::now() + limit;
            while (ended < count && std::chrono::steady_clock::now() < until) {
                const auto workers = tools::workers();
                if (!workers.empty()) {
                    const auto which =
                        std::uniform_int_distribution<std::size_t>(0, workers.size() - 1)(random);
                    tools::kill_one(workers[which], SIGKILL);
                }
                std::this_thread::sleep_for(20ms);
            }
            int wrong = 0;
            for (int i = 0; i < count; ++i) {
                wrong += all[static_cast<std::size_t>(i)].get() != 2 * i ? 1 : 0;
            }
            CHECK(wrong == 0);
            pool.close();
            pool.join();
            CHECK(ended == count);
            const auto stats = pool.stats();
            CHECK(stats.done == static_cast<std::size_t>(count));
            CHECK(stats.failed == 0);
            CHECK(stats.replaced > 0);
            CHECK(stats.replaced >= stats.retried);
        },
        300s);
}

TEST_CASE("a crash is seen and its task failed within milliseconds", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(1);
        auto fastest = std::chrono::nanoseconds::max();
        for (int i = 0; i < 20; ++i) {
            const auto begun = std::chrono::steady_clock::now();
            auto call = pool.submit(meet, deadly{way::kill, moment::running});
            CHECK(end_of(std::move(call)) == "died");
            fastest = std::min<std::chrono::nanoseconds>(fastest,
                                                         std::chrono::steady_clock::now() - begun);
        }
        // Not a wait of some interval: the best of twenty has nothing in it but the work.
        CHECK(fastest < 500ms);
    });
}
