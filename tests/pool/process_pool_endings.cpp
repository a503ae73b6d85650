// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/process_pool.hpp>

#include "pool/tasks.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace tandem;
using namespace std::chrono_literals;
using namespace tasks;
using tools::leaves_nothing;

// close, join, terminate, the destructor.

TEST_CASE("a closed pool takes nothing more and finishes what it has", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        std::vector<future<int>> futures;
        for (int i = 0; i < 100; ++i) futures.push_back(pool.submit(twice, i));
        pool.close();
        CHECK_THROWS_AS(pool.submit(twice, 1), pool_closed);
        CHECK_THROWS_AS(pool.map(twice, first_numbers(3)), pool_closed);
        CHECK_THROWS_AS(pool.map_async(twice, first_numbers(3)), pool_closed);
        CHECK_THROWS_AS(pool.imap(twice, first_numbers(3)), pool_closed);
        pool.close();
        pool.join();
        pool.join();
        for (int i = 0; i < 100; ++i) CHECK(futures[static_cast<std::size_t>(i)].get() == 2 * i);
        CHECK_THROWS_AS(pool.submit(twice, 1), pool_closed);
    });
}

TEST_CASE("join before close or terminate is refused", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(1);
        CHECK_THROWS_AS(pool.join(), invalid_state);
        CHECK(pool.apply(twice, 1) == 2);
    });
}

TEST_CASE("the destructor waits for all that was submitted in processes", "[process_pool]") {
    leaves_nothing([] {
        tools::journal runs;
        std::vector<future<void>> futures;
        {
            process_pool pool(2);
            for (int i = 0; i < 200; ++i) {
                futures.push_back(pool.submit(tools::journal::add, runs.path(), i));
            }
        }
        CHECK(runs.read().size() == 200);
        for (auto& f : futures) CHECK(f.ready());
    });
}

TEST_CASE("terminate ends what waits and what runs, at once", "[process_pool]") {
    leaves_nothing([] {
        tools::mailbox started;
        process_pool pool(2);
        auto a = pool.submit(run_forever, started.to());
        auto b = pool.submit(run_forever, started.to());
        started.receive();
        started.receive();
        std::vector<future<int>> waiting;
        for (int i = 0; i < 1000; ++i) waiting.push_back(pool.submit(twice, i));
        auto all = pool.map_async(twice, first_numbers(1000));
        pool.terminate();
        CHECK_THROWS_AS(pool.submit(twice, 1), pool_closed);
        CHECK_THROWS_AS(a.get(), cancelled_error);
        CHECK_THROWS_AS(b.get(), cancelled_error);
        for (auto& f : waiting) CHECK_THROWS_AS(f.get(), cancelled_error);
        CHECK_THROWS_AS(all.get(), cancelled_error);
        pool.join();
        pool.terminate();
        pool.close();
        pool.join();
    });
}

TEST_CASE("close, join and terminate may come in any order", "[process_pool]") {
    for (int order = 0; order < 6; ++order) {
        leaves_nothing([order] {
            std::vector<future<int>> futures;
            {
                process_pool pool(2);
                for (int i = 0; i < 50; ++i) futures.push_back(pool.submit(twice, i));
                const int steps[6][3] = {{0, 1, 2}, {0, 2, 1}, {2, 0, 1},
                                         {2, 1, 0}, {0, 0, 2}, {2, 2, 1}};
                for (const int step : steps[order]) {
                    if (step == 0) pool.close();
                    if (step == 1) pool.join();
                    if (step == 2) pool.terminate();
                }
            }
            for (auto& f : futures) CHECK(f.ready());
        });
    }
}

TEST_CASE("a pool that an exception destroys is terminated", "[process_pool]") {
    leaves_nothing([] {
        std::optional<future<void>> f;
        try {
            process_pool pool(1);
            f = pool.submit(sleep_forever);
            throw std::runtime_error("on the way out");
        } catch (const std::runtime_error&) {
        }
        CHECK_THROWS_AS(f->get(), cancelled_error);
    });
}

TEST_CASE("a pool that is made and destroyed during an exception finishes its work",
          "[process_pool]") {
    struct last_words {
        int& result;
        ~last_words() {
            process_pool pool(1);
            auto f = pool.submit(twice, 4);
            result = f.get();
        }
    };
    leaves_nothing([] {
        int result = 0;
        try {
            last_words words{result};
            throw std::runtime_error("first");
        } catch (const std::runtime_error&) {
        }
        CHECK(result == 8);
    });
}

TEST_CASE("several threads may wait for the end of a pool", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        tools::mailbox gate;
        tools::mailbox started;
        std::atomic<int> called{0};
        auto f = pool.submit(wait_for, started.to(), gate.from());
        f.on_done([&](const auto&) { ++called; });
        started.receive();
        pool.close();
        std::vector<std::thread> threads;
        std::atomic<int> too_early{0};
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([&] {
                pool.join();
                if (!f.ready() || called != 1) ++too_early;
            });
        }
        std::this_thread::sleep_for(20ms);  // they wait by now, or else the test is easier
        gate.send(1);
        for (auto& thread : threads) thread.join();
        CHECK(too_early == 0);
    });
}

TEST_CASE("close while eight threads submit: each call is made or refused", "[process_pool]") {
    leaves_nothing([] {
        for (const bool terminate : {false, true}) {
            for (int round = 0; round < 5; ++round) {
                process_pool pool(2);
                std::atomic<int> odd{0};
                std::atomic<int> accepted{0};
                std::vector<std::thread> threads;
                for (int t = 0; t < 8; ++t) {
                    threads.emplace_back([&] {
                        std::vector<future<int>> futures;
                        try {
                            for (;;) {
                                futures.push_back(pool.submit(twice, 7));
                                ++accepted;
                            }
                        } catch (const pool_closed&) {
                        }
                        for (auto& f : futures) {
                            try {
                                if (f.get() != 14) ++odd;
                            } catch (const cancelled_error&) {
                                if (!terminate) ++odd;
                            }
                        }
                    });
                }
                while (accepted < 200) std::this_thread::yield();
                terminate ? pool.terminate() : pool.close();
                for (auto& thread : threads) thread.join();
                CHECK(odd == 0);
            }
        }
    });
}

TEST_CASE("terminate at any moment ends every call", "[process_pool]") {
    leaves_nothing([] {
        for (int round = 0; round < 60; ++round) {
            process_pool pool(3);
            std::vector<future<std::vector<int>>> maps;
            std::vector<future<int>> singles;
            tools::mailbox up;
            // Chunks that are taken back and passed on all the time, and workers that die.
            for (int i = 0; i < 3; ++i) {
                maps.push_back(pool.map_async(
                    [](int x) {
                        std::this_thread::sleep_for(std::chrono::microseconds(x % 40 * 25));
                        if (x == 77) ::_exit(1);
                        return x;
                    },
                    first_numbers(200), {.chunk_size = 50}));
                for (int k = 0; k < 10; ++k) singles.push_back(pool.submit(twice, k));
            }
            std::this_thread::sleep_for(std::chrono::microseconds(round * 300));
            pool.terminate();
            for (auto& f : maps) REQUIRE(f.wait_for(10s));
            for (auto& f : singles) REQUIRE(f.wait_for(10s));
        }
    });
}

TEST_CASE("an imap that was begun goes on after close, and ends when the pool does",
          "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        auto results = pool.imap(twice, first_numbers(100), {.window = 3});
        auto it = results.begin();
        pool.close();
        int at = 0;
        for (; it != results.end(); ++it) CHECK(*it == 2 * at++);
        CHECK(at == 100);
        pool.join();
    });
}

TEST_CASE("join beside an imap never hangs: its rest is made or refused", "[process_pool]") {
    leaves_nothing([] {
        for (int round = 0; round < 40; ++round) {
            process_pool pool(2);
            auto results = pool.imap(twice, first_numbers(50), {.window = 1});
            auto outcomes = results.outcomes();
            auto it = outcomes.begin();
            pool.close();
            std::thread joiner([&] { pool.join(); });
            int at = 0;
            for (; it != outcomes.end(); ++it, ++at) {
                if (it->has_value()) {
                    CHECK(it->value() == 2 * at);
                } else {
                    CHECK_THROWS_AS(it->value(), pool_closed);
                }
            }
            CHECK(at > 0);
            joiner.join();
        }
    });
}

TEST_CASE("an imap may outlive its pool", "[process_pool]") {
    leaves_nothing([] {
        std::optional<imap_range<int>> results;
        {
            process_pool pool(2);
            results = pool.imap(twice, first_numbers(10), {.window = 4});
            CHECK(*results->begin() == 0);
        }
        int seen = 0;
        int refused = 0;
        auto outcomes = results->outcomes();
        for (auto& one : outcomes) (one.has_value() ? seen : refused) += 1;
        CHECK(seen >= 3);
        CHECK(refused <= 1);
    });
}

TEST_CASE("a pool may be destroyed in its own callback", "[process_pool]") {
    leaves_nothing([] {
        for (int round = 0; round < 20; ++round) {
            auto* pool = new process_pool(1);
            tools::mailbox done;
            {
                tools::mailbox gate;
                tools::mailbox started;
                auto f = pool->submit(wait_for, started.to(), gate.from());
                f.on_done([pool, &done](const auto&) {
                    delete pool;
                    done.send(1);
                });
                started.receive();
                gate.send(1);
            }
            CHECK(done.receive() == 1);
        }
    });
}

TEST_CASE("join in a callback of the same pool is refused", "[process_pool]") {
    leaves_nothing([] {
        std::atomic<bool> refused{false};
        process_pool pool(1);
        pool.submit(twice, 1).on_done([&](const auto&) {
            pool.close();
            try {
                pool.join();
            } catch (const invalid_state&) {
                refused = true;
            }
        });
        while (!refused) std::this_thread::yield();
    });
}

TEST_CASE("terminate in a callback ends the rest", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(1);
        auto first = pool.submit(twice, 1);
        first.on_done([&](const auto&) { pool.terminate(); });
        auto endless = pool.submit(sleep_forever);
        CHECK_THROWS_AS(endless.get(), cancelled_error);
        pool.join();
    });
}

TEST_CASE("a future may outlive its pool", "[process_pool]") {
    leaves_nothing([] {
        future<int> f;
        {
            process_pool pool(1);
            f = pool.submit(twice, 21);
        }
        int seen = 0;
        f.on_done([&](const outcome<int>& result) { seen = result.value(); });
        CHECK(seen == 42);
        CHECK_FALSE(f.cancel());
        CHECK(f.get() == 42);
    });
}

TEST_CASE("a pool can be made and destroyed two hundred times", "[process_pool]") {
    leaves_nothing([] {
        for (int i = 0; i < 200; ++i) {
            process_pool pool(2);
            if (i % 10 == 0) CHECK(pool.apply(twice, i) == 2 * i);
        }
    });
}

TEST_CASE("a pool of many workers starts and stops", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(100);
        CHECK(pool.map(twice, first_numbers(1000)).back() == 1998);
    });
}

TEST_CASE("more workers than a socket holds messages start, or are refused", "[process_pool]") {
    leaves_nothing([] {
        rlimit files{};
        ::getrlimit(RLIMIT_NOFILE, &files);
        const rlimit before = files;
        files.rlim_cur = std::min<rlim_t>(files.rlim_max, 4096);
        ::setrlimit(RLIMIT_NOFILE, &files);
        try {
            process_pool pool(tools::sanitized ? 50 : 700);
            CHECK(pool.apply(twice, 2) == 4);
        } catch (const error&) {
        }
        ::setrlimit(RLIMIT_NOFILE, &before);
    });
}

// Without room.

TEST_CASE("a pool that finds no room for descriptors throws, or works, and leaks nothing",
          "[process_pool]") {
    if (tools::sanitized) return;
    leaves_nothing([] {
        rlimit before{};
        ::getrlimit(RLIMIT_NOFILE, &before);
        const int lowest = ::dup(0);  // the first free number
        ::close(lowest);
        bool worked = false;
        bool refused = false;
        for (int room = 0; room < 24; ++room) {
            const rlimit tight{static_cast<rlim_t>(lowest + room), before.rlim_max};
            ::setrlimit(RLIMIT_NOFILE, &tight);
            try {
                process_pool pool(3);
                worked = pool.apply(twice, 2) == 4;
            } catch (const io_error& e) {
                CHECK(e.code() == std::errc::too_many_files_open);
                refused = true;
            } catch (const broken_pool&) {
                refused = true;
            }
            ::setrlimit(RLIMIT_NOFILE, &before);
        }
        CHECK(worked);
        CHECK(refused);
    });
}

TEST_CASE("a worker that cannot be replaced for lack of descriptors breaks the pool, no more",
          "[process_pool]") {
    if (tools::sanitized) return;
    leaves_nothing([] {
        process_pool pool(1);
        tools::mailbox started;
        auto f = pool.submit(run_forever, started.to());
        auto waiting = pool.submit(twice, 1);
        const auto pid = static_cast<int>(started.receive());
        rlimit before{};
        ::getrlimit(RLIMIT_NOFILE, &before);
        const int lowest = ::dup(0);  // the first free number
        ::close(lowest);
        const rlimit none{static_cast<rlim_t>(lowest), before.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &none);
        tools::kill_one(pid, SIGKILL);
        const bool ended = f.wait_for(10s) && waiting.wait_for(10s);
        ::setrlimit(RLIMIT_NOFILE, &before);
        REQUIRE(ended);
        CHECK_THROWS_AS(f.get(), worker_died);
        CHECK_THROWS_AS(waiting.get(), broken_pool);
        CHECK_THROWS_AS(pool.submit(twice, 1), broken_pool);
    });
}

// The helper, and other processes.

TEST_CASE("a pool whose helper is killed is broken, and nothing hangs", "[process_pool]") {
    const auto end = tools::in_child([] {
        std::string text;
        {
            process_pool pool(2);
            const auto helper = tools::children_of(::getpid()).at(0);
            auto running = pool.submit(sleep_forever);
            auto waiting = pool.map_async(twice, first_numbers(100000));
            tools::kill_one(helper, SIGKILL);
            for (const auto& error :
                 {(running.wait(), running.exception()), (waiting.wait(), waiting.exception())}) {
                try {
                    std::rethrow_exception(error);
                } catch (const broken_pool&) {
                    text += "broken ";
                } catch (const std::exception& e) {
                    text += std::string(e.what()) + " ";
                }
            }
            try {
                static_cast<void>(pool.submit(twice, 1));
            } catch (const broken_pool&) {
                text += "refused";
            }
        }
        return text;
    });
    CHECK(end.text == "broken broken refused");
}

TEST_CASE("a pool whose helper is killed while it replaces a worker can be destroyed",
          "[process_pool]") {
    for (int round = 0; round < 20; ++round) {
        const auto end = tools::in_child([round] {
            {
                process_pool pool(2);
                const auto helper = tools::children_of(::getpid()).at(0);
                const auto worker = pool.apply(worker_pid);
                auto f = pool.submit(twice, 1);
                tools::kill_one(worker, SIGKILL);
                std::this_thread::sleep_for(std::chrono::microseconds(50 * round));
                tools::kill_one(helper, SIGKILL);
                f.wait();
            }
            return std::string("destroyed");
        });
        CHECK(end.text == "destroyed");
    }
}

TEST_CASE("a stopped helper holds up neither the death of a task nor the end of the pool",
          "[process_pool]") {
    const auto end = tools::in_child([] {
        std::string text;
        {
            process_pool pool(2);
            const auto helper = tools::children_of(::getpid()).at(0);
            tools::mailbox started;
            const auto running = pool.submit(run_forever, started.to());
            const auto worker = static_cast<int>(started.receive());
            tools::kill_one(helper, SIGSTOP);
            tools::kill_one(worker, SIGKILL);
            running.wait();
            try {
                std::rethrow_exception(running.exception());
            } catch (const worker_died& e) {
                text = "died ";
            }
            text += std::to_string(pool.apply(twice, 2));
            tools::kill_one(helper, SIGSTOP);
        }
        return text + " destroyed";
    });
    CHECK(end.text == "died 4 destroyed");
}

TEST_CASE("a pool can be made again after its helper was killed, if it can be forked",
          "[process_pool]") {
    const auto end = tools::in_child([] {
        std::string text;
        {
            process_pool pool(1);
            const auto f = pool.submit(sleep_forever);  // ends when the death was noticed
            tools::kill_one(tools::children_of(::getpid()).at(0), SIGKILL);
            f.wait();
            try {
                process_pool another(1);
            } catch (const broken_pool& e) {
                text = e.what();
            }
        }
        process_pool pool(1);
        return text + " then " + std::to_string(pool.apply(twice, 2));
    });
    CHECK(end.text ==
          "process_pool: the helper process was killed, and this process has several threads and "
          "cannot fork another safely then 4");
}

TEST_CASE("a pool that cannot wait any more is broken, and can be destroyed", "[process_pool]") {
    if (tools::sanitized) return;  // it needs descriptors itself
    const auto end = tools::in_child([] {
        std::string text;
        {
            process_pool pool(4);
            const auto running = pool.submit(sleep_forever);
            rlimit few{};
            ::getrlimit(RLIMIT_NOFILE, &few);
            const auto before = few.rlim_cur;
            few.rlim_cur = 4;  // fewer than poll() is asked about
            ::setrlimit(RLIMIT_NOFILE, &few);
            try {
                static_cast<void>(pool.submit(twice, 2));  // wakes who waits, if it still does
            } catch (const broken_pool&) {
            }
            running.wait();
            few.rlim_cur = before;
            ::setrlimit(RLIMIT_NOFILE, &few);
            try {
                std::rethrow_exception(running.exception());
            } catch (const broken_pool& e) {
                text = e.what();
            }
        }
        return text;
    });
    CHECK(end.text == "process_pool: cannot wait for workers: Invalid argument");
}

TEST_CASE("a threaded process without worker_main is told which line to add", "[process_pool]") {
    const tandem::testing::leak_check leaks;
    const auto end = tools::in_child([] {
        tools::mailbox gate;
        std::thread other([&] { gate.receive(); });
        std::string text = "no exception";
        try {
            process_pool pool(1);
        } catch (const invalid_state& e) {
            text = e.what();
        }
        const auto children = tools::children_of(::getpid()).size();
        gate.send(1);
        other.join();
        return std::to_string(children) + " children: " + text;
    });
    CHECK(end.text.find("0 children: ") == 0);
    CHECK(end.text.find("tandem::worker_main(argc, argv);") != std::string::npos);
    CHECK(tools::leftovers(leaks) == "");
}

TEST_CASE("a process whose threads have ended may fork a helper", "[process_pool]") {
    const auto end = tools::in_child([] {
        for (int i = 0; i < 50; ++i) {
            std::thread([] {}).join();
            process_pool pool(1);
            if (pool.apply(twice, i) != 2 * i) return std::string("wrong");
        }
        return std::string("good");
    });
    CHECK(end.text == "good");
}

TEST_CASE("a process with one thread needs no worker_main, and its helper ends with the pool",
          "[process_pool]") {
    const auto end = tools::in_child([] {
        const tandem::testing::leak_check leaks;
        for (int i = 0; i < 3; ++i) {
            process_pool one(1);
            process_pool other(1);  // in a process that has threads by now
            if (one.apply(twice, 1) + other.apply(twice, 2) != 6) return std::string("wrong");
        }
        return "left: " + tools::leftovers(leaks);
    });
    CHECK(end.text == "left: ");
}

TEST_CASE("worker_main may be called twice, and serves pools in threaded processes",
          "[process_pool]") {
    const auto end = tools::in_child([] {
        worker_main(0, nullptr);
        worker_main(0, nullptr);
        std::string text = std::to_string(tools::children_of(::getpid()).size());
        std::thread([&] {
            process_pool pool(1);
            text += pool.apply(twice, 1) == 2 ? " good" : " wrong";
        }).join();
        return text;
    });
    CHECK(end.text == "1 good");
}

TEST_CASE("a killed owner leaves no process behind", "[process_pool]") {
    tools::mailbox up;
    std::fflush(nullptr);
    const tandem::testing::leak_check leaks;
    const pid_t owner = ::fork();
    REQUIRE(owner >= 0);
    if (owner == 0) {
        process_pool pool(2);
        auto f = pool.submit(
            [](const std::string& to) {
                const auto child = ::fork();
                if (child == 0) {
                    sleep_forever();
                    ::_exit(0);
                }
                tools::tell(to, ::getpid());
                tools::tell(to, child);
                sleep_forever();
            },
            // The parent's own, which the owner has inherited.
            up.to());
        auto idle = pool.submit(worker_pid);
        tools::tell(up.to(), idle.get());
        tools::tell(up.to(), tools::children_of(::getpid()).at(0));
        f.wait();
        ::_exit(0);
    }
    std::vector<int> processes;
    for (int i = 0; i < 4; ++i) processes.push_back(static_cast<int>(up.receive()));
    for (const int pid : processes) CHECK(tools::exists(pid));
    tools::kill_one(owner, SIGKILL);
    ::waitpid(owner, nullptr, 0);
    for (const int pid : processes) {
        CHECK(tools::eventually([&] { return tools::is_over(pid); }, 1s));
    }
    CHECK(tools::leftovers(leaks) == "");
}

TEST_CASE("an owner that exits while its pool works leaves no process behind", "[process_pool]") {
    std::vector<int> processes;
    const auto end = tools::in_child([] {
        auto* pool = new process_pool(2);
        auto f = pool->submit(sleep_forever);
        const int helper = tools::children_of(::getpid()).at(0);
        std::string text = std::to_string(helper);
        for (const int worker : tools::children_of(helper)) text += " " + std::to_string(worker);
        return text;
    });
    std::istringstream pids(end.text);
    for (int pid; pids >> pid;) {
        CHECK(tools::eventually([&] { return tools::is_over(pid); }, 1s));
        processes.push_back(pid);
    }
    CHECK(processes.size() == 3);
}

TEST_CASE("a fork of the owner has no use of the pool and does it no harm", "[process_pool]") {
    if (tools::sanitized) return;
    leaves_nothing([] {
        auto pool = std::make_unique<process_pool>(2);
        tools::mailbox started;
        tools::mailbox gate;
        auto running = pool->submit(wait_for, started.to(), gate.from());
        const auto pid = static_cast<int>(started.receive());
        auto results = std::make_optional(
            pool->imap(twice, first_numbers(50), {.chunk_size = 10, .window = 20}));
        auto it = results->begin();
        const auto end = tools::in_child([&] {
            std::string text;
            try {
                static_cast<void>(pool->submit(twice, 1));
            } catch (const pool_closed&) {
                text += "refused ";
            }
            running.cancel();
            results.reset();
            pool->terminate();
            pool.reset();
            return text + "gone";
        });
        CHECK(end.text == "refused gone");
        CHECK(tools::exists(pid));
        int at = 0;
        for (; it != results->end(); ++it) CHECK(*it == 2 * at++);
        CHECK(at == 50);
        gate.send(5);
        CHECK(running.get() == 5);
        CHECK(pool->stats().replaced == 0);
    });
}

TEST_CASE("a fork of the owner may have a pool of its own", "[process_pool]") {
    if (tools::sanitized) return;
    leaves_nothing([] {
        process_pool pool(1);
        const auto end = tools::in_child([] {
            process_pool own(1);
            return std::to_string(own.apply(twice, 21));
        });
        CHECK(end.text == "42");
        CHECK(pool.apply(twice, 1) == 2);
    });
}

TEST_CASE("a fork of the owner that lives on does not keep the helper or the pool from ending",
          "[process_pool]") {
    const auto end = tools::in_child([] {
        pid_t copy = 0;
        {
            process_pool pool(1);
            copy = ::fork();
            if (copy == 0) {
                sleep_forever();
                ::_exit(0);
            }
            if (pool.apply(twice, 1) != 2) return std::string("wrong");
        }
        const bool alone = tools::eventually(
            [&] { return tools::children_of(::getpid()) == std::vector<int>{copy}; });
        tools::kill_one(copy, SIGKILL);
        ::waitpid(copy, nullptr, 0);
        return std::string(alone ? "alone" : "not alone");
    });
    CHECK(end.text == "alone");
}
