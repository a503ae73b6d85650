// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/process_pool.hpp>

#include "pool/tasks.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <random>
#include <span>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace tandem;
using namespace std::chrono_literals;
using namespace tasks;
using tools::leaves_nothing;

namespace {

enum class end : int {
    segfault,
    abort,
    underscore_exit_0,
    exit_0,
    quick_exit_3,
    stack_overflow,
    noexcept_throw,
    killed,
};
constexpr end every_end[] = {end::segfault,       end::abort,        end::underscore_exit_0,
                             end::exit_0,         end::quick_exit_3, end::stack_overflow,
                             end::noexcept_throw, end::killed};

const char* name_of(end how) {
    constexpr const char* names[] = {"segfault",   "abort",          "_exit(0)",       "exit(0)",
                                     "quick_exit", "stack overflow", "noexcept throw", "SIGKILL"};
    return names[static_cast<int>(how)];
}

int overflow(volatile int* below) {
    volatile int room[1024];
    room[0] = below ? below[0] + 1 : 1;
    return room[0] > 0 ? overflow(room) + room[0] : 0;
}

// A sanitizer's own handlers would turn signals into exit codes.
void default_signals() {
    for (const int number : {SIGSEGV, SIGABRT, SIGBUS}) ::signal(number, SIG_DFL);
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
}

int die(end how) {
    default_signals();
    switch (how) {
        case end::segfault:
            ::raise(SIGSEGV);
            break;
        case end::abort:
            std::abort();
        case end::underscore_exit_0:
            ::_exit(0);
        case end::exit_0:
            std::exit(0);
        case end::quick_exit_3:
            std::quick_exit(3);
        case end::stack_overflow: {
            const rlimit stack{256 * 1024, RLIM_INFINITY};
            ::setrlimit(RLIMIT_STACK, &stack);
            return overflow(nullptr);
        }
        case end::noexcept_throw:
            std::set_terminate([] { std::abort(); });
            []() noexcept { fail("out of a noexcept function"); }();
            break;
        case end::killed:
            ::kill(::getpid(), SIGKILL);
            break;
    }
    return 0;
}

void check_cause(end how, const worker_died& e, int pid = 0) {
    INFO(name_of(how) << ": " << e.what());
    if (pid) CHECK(e.pid() == pid);
    switch (how) {
        case end::segfault:
        case end::stack_overflow:
            CHECK(e.signal() == SIGSEGV);
            break;
        case end::abort:
        case end::noexcept_throw:
            CHECK(e.signal() == SIGABRT);
            break;
        case end::underscore_exit_0:
        case end::exit_0:
            CHECK(e.exit_code() == 0);
            break;
        case end::quick_exit_3:
            CHECK(e.exit_code() == 3);
            break;
        case end::killed:
            CHECK(e.signal() == SIGKILL);
            CHECK(e.out_of_memory());
            break;
    }
    CHECK(e.signal().has_value() != e.exit_code().has_value());
    CHECK(std::string(e.what()).find(std::to_string(e.pid())) != std::string::npos);
}

void check_death(end how, std::exception_ptr error, int pid = 0) {
    REQUIRE(error);
    try {
        std::rethrow_exception(error);
    } catch (const worker_died& e) {
        check_cause(how, e, pid);
    } catch (const std::exception& e) {
        FAIL(name_of(how) << ": " << e.what());
    }
}

// The processes of the pool, as far as they run tasks now.
std::vector<int> pids_of(process_pool& pool) {
    std::vector<int> pids;
    for (const auto& task : pool.stats().running) pids.push_back(task.pid);
    return pids;
}

}  // namespace

TEST_CASE("a death fails the task that ran with its cause, and nothing else", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        std::size_t deaths = 0;
        for (const auto how : every_end) {
            std::vector<future<int>> others;
            for (int i = 0; i < 20; ++i) others.push_back(pool.submit(twice, i));
            auto dying = pool.submit(die, how);
            for (int i = 20; i < 40; ++i) others.push_back(pool.submit(twice, i));
            dying.wait();
            check_death(how, dying.exception());
            for (int i = 0; i < 40; ++i) CHECK(others[static_cast<std::size_t>(i)].get() == 2 * i);
            ++deaths;
        }
        CHECK(pool.size() == 2);
        CHECK(tools::eventually([&] { return pool.stats().replaced == deaths; }));
        CHECK(pool.stats().failed == deaths);
    });
}

TEST_CASE("a death in the middle of a chunk fails that element alone", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        for (const auto how : every_end) {
            tools::journal runs;
            struct element {
                std::string runs;
                int number;
                end how;
            };
            std::vector<element> elements;
            for (int i = 0; i < 60; ++i) elements.push_back({runs.path(), i, how});
            auto results = pool.imap(
                [](const element& e) {
                    tools::journal::add(e.runs, e.number);
                    if (e.number == 10 || e.number == 47) die(e.how);
                    return e.number;
                },
                elements, {.chunk_size = 30, .window = 60});
            int at = 0;
            for (auto& one : results.outcomes()) {
                if (at == 10 || at == 47) {
                    check_death(how, one.error());
                } else {
                    INFO(name_of(how));
                    REQUIRE(one.has_value());
                    CHECK(one.value() == at);
                }
                ++at;
            }
            CHECK(at == 60);
            auto seen = runs.read();
            std::ranges::sort(seen);
            CHECK(seen == first_numbers(60));
        }
    });
}

TEST_CASE("unstarted elements survive a death, and results already written are delivered",
          "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        tools::journal runs;
        std::vector<std::pair<std::string, int>> elements;
        for (int i = 0; i < 10'000; ++i) elements.emplace_back(runs.path(), i);
        auto results = pool.imap(
            [](const auto& e) {
                tools::journal::add(e.first, e.second);
                if (e.second == 250 || e.second == 5000) ::kill(::getpid(), SIGKILL);
                return e.second;
            },
            elements, {.chunk_size = 500, .window = 10'000});
        int at = 0;
        int failures = 0;
        for (auto& one : results.outcomes()) {
            if (!one) {
                ++failures;
                CHECK((at == 250 || at == 5000));
                CHECK_THROWS_AS(one.value(), worker_died);
            } else {
                CHECK(one.value() == at);
            }
            ++at;
        }
        CHECK(at == 10'000);
        CHECK(failures == 2);
        auto seen = runs.read();
        std::ranges::sort(seen);
        CHECK(seen == first_numbers(10'000));  // each exactly once
    });
}

TEST_CASE("a map with a death throws worker_died and the pool goes on", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        for (const int chunk : {0, 1, 20, 100}) {
            CHECK_THROWS_AS(pool.map(
                                [](int x) {
                                    if (x == 50) ::_exit(0);
                                    return x;
                                },
                                first_numbers(100), {.chunk_size = chunk}),
                            worker_died);
        }
        CHECK(pool.map(twice, first_numbers(100)).back() == 198);
    });
}

TEST_CASE("a worker that dies while idle is replaced and nobody notices", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        std::size_t deaths = 0;
        for (const auto how : every_end) {
            tools::mailbox go;
            // A thread that stays behind ends the process once its task is over.
            auto armed = pool.submit(
                [](end by, const std::string& from) {
                    std::thread([by, from] {
                        tools::hear(from);
                        die(by == end::stack_overflow ? end::segfault : by);
                    }).detach();
                    return ::getpid();
                },
                how, go.from());
            const int pid = armed.get();
            go.send(1);
            CHECK(tools::eventually([&] { return !tools::exists(pid); }));
            ++deaths;
            for (int i = 0; i < 10; ++i) CHECK(pool.apply(twice, i) == 2 * i);
        }
        CHECK(tools::eventually([&] { return pool.stats().replaced == deaths; }));
        CHECK(pool.stats().failed == 0);
    });
}

TEST_CASE("idle workers that are killed again and again are replaced again and again",
          "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(1);
        for (std::size_t i = 0; i < 10; ++i) {
            // A fresh worker, which never ran anything: found by its parent, the helper.
            std::vector<int> workers;
            CHECK(tools::eventually([&] {
                workers = tools::workers();
                return workers.size() == 1 && pool.stats().replaced == i;
            }));
            tools::kill_one(workers.at(0), SIGKILL);
            CHECK(tools::eventually([&] { return pool.stats().replaced == i + 1; }));
        }
        CHECK(pool.apply(twice, 2) == 4);
    });
}

TEST_CASE("a task that forks and returns in the child makes no second worker", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(1);
        const auto fork_and_return = [](int x) {
            const pid_t child = ::fork();
            if (child == 0) {
                if (x == 1) throw std::runtime_error("in the child");
                return x;
            }
            int status = 0;
            ::waitpid(child, &status, 0);
            return WIFEXITED(status) ? 100 + WEXITSTATUS(status) : -1;
        };
        for (int i = 0; i < 20; ++i) {
            CHECK(pool.apply(fork_and_return, 0) == 100);
            CHECK(pool.apply(fork_and_return, 1) == 101);
            CHECK(pool.apply(twice, i) == 2 * i);
        }
        CHECK(pool.stats().replaced == 0);
    });
}

TEST_CASE("a worker that is killed from outside fails its task", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        for (const int signal : {SIGKILL, SIGTERM, SIGSEGV, SIGABRT}) {
            tools::mailbox started;
            auto f = pool.submit(
                [](const std::string& up) {
                    default_signals();
                    run_forever(up);
                },
                started.to());
            const auto pid = static_cast<int>(started.receive());
            tools::kill_one(pid, signal);
            f.wait();
            try {
                f.get();
                FAIL("a killed task returned");
            } catch (const worker_died& e) {
                CHECK(e.pid() == pid);
                CHECK(e.signal() == signal);
                CHECK(e.out_of_memory() == (signal == SIGKILL));
                CHECK_FALSE(e.core_dumped());
            }
        }
        CHECK(pool.apply(twice, 1) == 2);
    });
}

TEST_CASE("a stopped worker can be terminated, idle or not", "[process_pool]") {
    leaves_nothing([] {
        tools::mailbox started;
        process_pool pool(2);
        auto f = pool.submit(run_forever, started.to());
        const auto busy = static_cast<int>(started.receive());
        const auto idle = pool.apply(worker_pid);
        tools::kill_one(busy, SIGSTOP);
        tools::kill_one(idle, SIGSTOP);
        auto sent = pool.submit(twice, 1);
        pool.terminate();
        pool.join();
        CHECK_THROWS_AS(f.get(), cancelled_error);
        CHECK_THROWS_AS(sent.get(), cancelled_error);
    });
}

TEST_CASE("a stopped worker's task can be cancelled", "[process_pool]") {
    leaves_nothing([] {
        tools::mailbox started;
        process_pool pool(1);
        auto f = pool.submit(run_forever, started.to());
        tools::kill_one(static_cast<int>(started.receive()), SIGSTOP);
        CHECK(f.cancel());
        CHECK(pool.apply(twice, 1) == 2);
    });
}

TEST_CASE("what a task started and did not wait for dies with its worker", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(1);
        tools::mailbox started;
        auto f = pool.submit(
            [](const std::string& up) {
                const auto child = ::fork();
                if (child == 0) {
                    ::execlp("sleep", "sleep", "1000", nullptr);
                    ::_exit(127);
                }
                tools::tell(up, child);
                ::_exit(0);
            },
            started.to());
        const auto grandchild = static_cast<int>(started.receive());
        CHECK_THROWS_AS(f.get(), worker_died);
        CHECK(tools::eventually([&] { return !tools::exists(grandchild); }));

        auto quiet = pool.submit([] {
            const auto child = ::fork();
            if (child == 0) {
                sleep_forever();
                ::_exit(0);
            }
            return child;
        });
        const auto other = quiet.get();
        CHECK(tools::exists(other));
        pool.close();
        pool.join();
        CHECK(tools::eventually([&] { return !tools::exists(other); }));
    });
}

TEST_CASE("a child of a task that holds the worker's channel does not hide the death",
          "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(1);
        tools::mailbox started;
        auto f = pool.submit(
            [](const std::string& up) {
                const auto child = ::fork();
                if (child == 0) {
                    ::setsid();  // out of reach of the group's end
                    tools::tell(up, ::getpid());
                    sleep_forever();
                    ::_exit(0);
                }
                sleep_forever();
            },
            started.to());
        const auto orphan = static_cast<int>(started.receive());
        const auto pids = pids_of(pool);
        REQUIRE(pids.size() == 1);
        tools::kill_one(pids[0], SIGKILL);
        CHECK_THROWS_AS(f.get(), worker_died);
        CHECK(pool.apply(twice, 1) == 2);
        tools::kill_one(orphan, SIGKILL);
        CHECK(tools::eventually([&] { return !tools::exists(orphan); }));
    });
}

TEST_CASE("workers that are killed at random fail only what they ran", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        std::atomic<bool> over{false};
        std::size_t kills = 0;
        std::thread killer([&] {
            std::mt19937 random(20240607);
            while (!over) {
                std::this_thread::sleep_for(std::chrono::milliseconds(random() % 20 + 5));
                const auto pids = pids_of(pool);
                if (pids.empty()) continue;
                tools::kill_one(pids[random() % pids.size()], SIGKILL);
                ++kills;
            }
        });
        std::size_t ended = 0;
        std::size_t deaths = 0;
        std::atomic<std::size_t> calls{0};
        const auto until = std::chrono::steady_clock::now() + 3s;
        while (std::chrono::steady_clock::now() < until) {
            std::vector<future<int>> futures;
            for (int i = 0; i < 50; ++i) {
                futures.push_back(pool.submit(
                    [](int x) {
                        std::this_thread::sleep_for(std::chrono::microseconds(x * 20));
                        return x;
                    },
                    i));
                futures.back().on_done([&](const outcome<int>&) { ++calls; });
            }
            auto results = pool.imap_unordered(
                [](int x) {
                    std::this_thread::sleep_for(100us);
                    return x;
                },
                first_numbers(200), {.chunk_size = 20});
            std::size_t elements = 0;
            auto outcomes = results.outcomes();
            for (auto it = outcomes.begin(); it != outcomes.end(); ++it) {
                ++elements;
                if (it->has_value()) {
                    CHECK(it->value() == static_cast<int>(it.index()));
                } else {
                    CHECK_THROWS_AS(it->value(), worker_died);
                    ++deaths;
                }
            }
            CHECK(elements == 200);
            for (int i = 0; i < 50; ++i) {
                auto& f = futures[static_cast<std::size_t>(i)];
                REQUIRE(f.wait_for(20s));
                ++ended;
                if (f.exception()) {
                    CHECK_THROWS_AS(f.get(), worker_died);
                    ++deaths;
                } else {
                    CHECK(f.get() == i);
                }
            }
        }
        over = true;
        killer.join();
        CHECK(deaths <= kills);
        CHECK(kills > 20);
        CHECK(pool.map(twice, first_numbers(100)).back() == 198);
        pool.close();
        pool.join();
        CHECK(calls == ended);
    });
}

TEST_CASE("a call for which one worker has no memory is made by another", "[process_pool]") {
    if (tools::sanitized) return;
    leaves_nothing([] {
        process_pool pool(1);
        const auto limited = pool.apply([] {
            const rlimit little{std::size_t{64} << 20, std::size_t{64} << 20};
            ::setrlimit(RLIMIT_AS, &little);
            return ::getpid();
        });
        CHECK_THROWS_AS(pool.apply([] { return std::vector<char>(1 << 28); }), std::bad_alloc);
        CHECK(pool.apply(worker_pid) == limited);
        const std::vector<char> large(100 << 20, 'x');
        const auto [pid, size] = pool.apply(
            [](const std::vector<char>& given) { return std::pair(::getpid(), given.size()); },
            large);
        CHECK(size == large.size());
        CHECK(pid != limited);
    });
}

// A hostile worker: what it writes is not believed.

namespace {

// The channel of this worker: the mapping of the memory that it shares with the pool.
detail::channel_memory* own_channel() {
    std::FILE* maps = std::fopen("/proc/self/maps", "re");
    char line[512];
    void* found = nullptr;
    while (maps && std::fgets(line, sizeof line, maps)) {
        if (!std::strstr(line, "memfd:tandem")) continue;
        found = reinterpret_cast<void*>(std::strtoul(line, nullptr, 16));
    }
    if (maps) std::fclose(maps);
    return static_cast<detail::channel_memory*>(found);
}
int own_socket() {
    for (int fd = 3; fd < 64; ++fd) {
        int type = 0;
        socklen_t size = sizeof type;
        if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0) return fd;
    }
    return -1;
}
void write_own_socket(std::span<const std::byte> bytes) { detail::send_all(own_socket(), bytes); }

// Writes garbage of one kind into the channel, then goes on or ends.
int misbehave(int kind) {
    auto& memory = *own_channel();
    std::vector<std::byte> bytes(4096, std::byte{0xff});
    const auto record = [&](detail::record_head head, std::size_t size) {
        std::vector<std::byte> all(sizeof head + size, std::byte{0xee});
        std::memcpy(all.data(), &head, sizeof head);
        write_own_socket(all);
    };
    using detail::record_kind;
    // The newest chunk of which a call has begun: this one.
    std::uint32_t chunk = 0;
    for (auto& word : memory.claims) {
        const auto claim = detail::claim_word::unpack(word.load());
        if (claim.next > 0) chunk = std::max(chunk, claim.chunk);
    }
    switch (kind) {
        case 0:  // noise
            write_own_socket(bytes);
            break;
        case 1:  // half a record, then the end
            write_own_socket(std::span(bytes).first(7));
            ::_exit(0);
        case 2:  // a record of a size that nobody has
            record({chunk, 0, record_kind::value, 1, ~std::uint64_t{0}}, 0);
            break;
        case 3:  // a result that cannot be decoded
            record({chunk, 0, record_kind::value, 1, 3}, 3);
            break;
        case 4:  // an exception that cannot be decoded
            record({chunk, 0, record_kind::exception, 1, 5}, 5);
            break;
        case 5:  // an exception that is none
            record({chunk, 0, record_kind::exception, 1, 0}, 0);
            break;
        case 6: {  // an exception that is null
            detail::record_head head{chunk, 0, record_kind::exception, 1, 1};
            std::byte all[sizeof head + 1] = {};
            std::memcpy(all, &head, sizeof head);
            write_own_socket(all);
            break;
        }
        case 7:  // indices that no chunk has
            record({chunk, 60'000, record_kind::value, 1, 0}, 0);
            record({chunk, 0xffff'ffff, record_kind::value, 1, 0}, 0);
            break;
        case 8:  // the same record again and again
            for (int i = 0; i < 10; ++i) record({chunk, 0, record_kind::value, 1, 4}, 4);
            break;
        case 16:  // results of calls that it was not given
            for (std::uint32_t later = 1; later < 100; ++later) {
                record({chunk + later, 0, record_kind::value, 1, 4}, 4);
            }
            break;
        case 17:  // results of its chunk that it has not begun
            for (std::uint32_t index = 0; index < 100; ++index) {
                record({chunk, index, record_kind::value, 1, 4}, 4);
            }
            break;
        case 9:  // claim words
            for (auto& word : memory.claims) word.store(~std::uint64_t{0});
            break;
        case 10:  // claim words, and the end
            for (auto& word : memory.claims) word.store(0x1234'5678'9abc'def0);
            ::_exit(0);
        case 11:  // an outbox that is larger than it can be
            memory.pending.store(~std::uint32_t{0});
            memory.sent.store(~std::uint64_t{0});
            ::_exit(0);
        case 12:  // an outbox full of noise
            std::memset(memory.outbox, 0xcc, sizeof memory.outbox);
            memory.pending.store(sizeof memory.outbox);
            memory.sent.store(0);
            ::_exit(0);
        case 13:  // no channel at all
            ::close_range(3, ~0u, 0);
            break;
        case 14:  // half a channel
            ::shutdown(own_socket(), SHUT_WR);
            break;
        case 15:
            ::shutdown(own_socket(), SHUT_RD);
            break;
        default:
            break;
    }
    return kind;
}
constexpr int ways_to_misbehave = 18;

}  // namespace

TEST_CASE("whatever a worker writes, its call ends and the pool goes on", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        for (int kind = 0; kind < ways_to_misbehave; ++kind) {
            INFO("misbehaviour " << kind);
            auto f = pool.submit(misbehave, kind);
            REQUIRE(f.wait_for(10s));
            for (int i = 0; i < 10; ++i) REQUIRE(pool.apply(twice, i) == 2 * i);
            std::ostringstream state;
            state << pool;
            REQUIRE(state.str() == "process_pool state=running size=2");
        }
    });
}

TEST_CASE("a worker that misbehaves in a chunk ends each of its calls once", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        for (int kind = 0; kind < ways_to_misbehave; ++kind) {
            INFO("misbehaviour " << kind);
            std::vector<int> kinds(40, -1);
            kinds[20] = kind;
            auto results = pool.imap(
                [](int k) {
                    if (k >= 0) misbehave(k);
                    return 0;
                },
                kinds, {.chunk_size = 20, .window = 40});
            std::size_t count = 0;
            for ([[maybe_unused]] auto& one : results.outcomes()) ++count;
            CHECK(count == 40);
            REQUIRE(pool.apply(twice, 4) == 8);
        }
    });
}

TEST_CASE("bytes that make no sense are named as the cause", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(1);
        auto f = pool.submit([] {
            misbehave(0);
            sleep_forever();
        });
        try {
            f.get();
            FAIL("it returned");
        } catch (const worker_died& e) {
            CHECK(std::string(e.what()).find("make no sense") != std::string::npos);
        }
        CHECK(pool.apply(twice, 1) == 2);
    });
}
