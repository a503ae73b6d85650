// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/shared_buffer.hpp>

#include "pool/tasks.hpp"

#include <tandem/pool/channel.hpp>
#include <tandem/pool/process.hpp>

#include <csignal>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace tandem;
using namespace std::chrono_literals;
using tools::leaves_nothing;

namespace {

long fill(const shared_buffer<int>& all, int first) {
    std::iota(all.begin(), all.end(), first);
    return static_cast<long>(all.size());
}

}  // namespace

TEST_CASE("a buffer holds zeros, and copies share them", "[shared_buffer]") {
    leaves_nothing([] {
        const shared_buffer<int> a(1000);
        const auto b = a;
        CHECK(a.size() == 1000);
        CHECK(a[999] == 0);
        b[5] = 7;
        CHECK(a.span()[5] == 7);
        CHECK_THROWS_AS(shared_buffer<int>(0), std::invalid_argument);
        CHECK_THROWS_AS(shared_buffer<double>(~std::size_t{0} / 2), std::bad_alloc);
    });
}

TEST_CASE("what a task or a process writes into a buffer is seen here", "[shared_buffer]") {
    leaves_nothing([] {
        process_pool pool(2);
        const shared_buffer<int> all(1 << 20);
        CHECK(pool.apply(fill, all, 5) == 1 << 20);
        CHECK(all[0] == 5);
        CHECK(all[(1 << 20) - 1] == 4 + (1 << 20));
        std::vector<future<long>> parts;
        std::vector<shared_buffer<int>> buffers;
        for (int i = 0; i < 100; ++i) {
            buffers.emplace_back(10);
            parts.push_back(pool.submit(fill, buffers.back(), i));
        }
        for (int i = 0; i < 100; ++i) {
            CHECK(parts[static_cast<std::size_t>(i)].get() == 10);
            CHECK(buffers[static_cast<std::size_t>(i)][9] == i + 9);
        }
        process child(fill, all, 6);
        child.join();
        CHECK(all[0] == 6);
    });
}

TEST_CASE("buffers may be the elements of a map", "[shared_buffer]") {
    leaves_nothing([] {
        process_pool pool(2);
        const std::vector<shared_buffer<int>> buffers = {
            shared_buffer<int>(1), shared_buffer<int>(2), shared_buffer<int>(3)};
        const auto sizes = pool.map([](const shared_buffer<int>& b) { return fill(b, 1); }, buffers,
                                    {.chunk_size = 3});
        CHECK(sizes == std::vector<long>{1, 2, 3});
        CHECK(buffers[2][2] == 3);
    });
}

TEST_CASE("a task that dies or is tried again gets its buffer each time", "[shared_buffer]") {
    leaves_nothing([] {
        process_pool pool({.workers = 1, .retries = 2});
        const shared_buffer<int> count(1);
        const auto task = [](const shared_buffer<int>& tries) {
            if (++tries[0] < 3) ::kill(::getpid(), SIGKILL);
            return tries[0];
        };
        CHECK(pool.apply(task, count) == 3);
    });
}

TEST_CASE("a task of a pool can have an end of a channel", "[shared_buffer]") {
    leaves_nothing([] {
        process_pool pool(1);
        const auto answer = [](channel<std::string> end) {
            int words = 0;
            for (const auto& word : end) words += end.push(word + "!") ? 1 : 0;
            return words;
        };
        auto [here, there] = channel<std::string>::make();
        auto task = pool.submit(answer, there);
        there.close();  // the task has its own
        for (int i = 0; i < 10; ++i) {
            REQUIRE(here.push("word"));
            CHECK(here.pop(30s) == "word!");
        }
        here.close();
        CHECK(task.get() == 10);

        // A task that dies takes its end along.
        auto [ours, theirs] = channel<std::string>::make();
        auto dead = pool.submit([](channel<std::string>) { ::kill(::getpid(), SIGKILL); }, theirs);
        theirs.close();
        CHECK_FALSE(ours.pop(30s));
        CHECK_THROWS_AS(dead.get(), worker_died);
    });
}

TEST_CASE("a buffer cannot be a result", "[shared_buffer]") {
    leaves_nothing([] {
        process_pool pool(1);
        CHECK_THROWS_AS(pool.apply([] {
            return shared_buffer<int>(4).size();
        }) == 4 && pool.apply([](const shared_buffer<int>& b) { return b; }, shared_buffer<int>(4))
                                    .size() == 4,
                        codec_error);
    });
}
