// SPDX-License-Identifier: BSL-1.0
#include <tandem/executor/sleepers.hpp>

#include "../support/catch.hpp"
#include "../support/interleaving.hpp"
#include "../support/within.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using tandem::detail::basic_sleepers;
using tandem::detail::sleepers;

namespace {

// What is left out of the protocol, for the model to find.
enum class fault { none, no_second_look, no_chain, no_wake };

// Two publishers of two works each, and three threads that take them, until all four are done: all
// as in a pool, with a counter for its queues. Returns false if a thread slept for ever.
template <fault Fault>
bool all_is_done(std::uint64_t seed) {
    using counter = interleaving::atomic<std::uint32_t>;
    constexpr auto order = std::memory_order_seq_cst;
    constexpr std::uint32_t works = 4;
    basic_sleepers<interleaving::atomic, interleaving::parking> threads(3);
    counter waiting;
    counter done;

    const auto publish = [&] {
        for (std::uint32_t i = 0; i < works / 2; ++i) {
            waiting.fetch_add(1, order);
            if constexpr (Fault != fault::no_wake) threads.work_came();
        }
    };
    const auto has_work = [&] { return waiting.load(order) != 0 || done.load(order) == works; };
    const auto take = [&] {
        auto seen = waiting.load(order);
        while (seen != 0 && !waiting.compare_exchange_weak(seen, seen - 1, order)) {
        }
        return seen != 0;
    };
    const auto serve = [&](std::size_t me) {
        for (;;) {
            threads.begin_search();
            for (;;) {
                if (take()) break;
                if (done.load(order) == works) {
                    threads.end_search();
                    return;
                }
                threads.sleep(me, [&] {
                    if constexpr (Fault == fault::no_second_look) return false;
                    return has_work();
                });
            }
            const bool last = threads.end_search();
            if constexpr (Fault != fault::no_chain) {
                if (last && has_work()) threads.work_came();
            }
            // The work takes the thread until the others have been done, so that one thread alone
            // cannot do it all.
            if (done.fetch_add(1, order) + 1 == works) threads.wake_all();
        }
    };
    return interleaving::run(
        seed, {publish, publish, [&] { serve(0); }, [&] { serve(1); }, [&] { serve(2); }});
}

// Two works that wait for each other, published while all sleep: a second thread must come.
template <fault Fault>
bool two_meet(std::uint64_t seed) {
    using counter = interleaving::atomic<std::uint32_t>;
    constexpr auto order = std::memory_order_seq_cst;
    basic_sleepers<interleaving::atomic, interleaving::parking> threads(3);
    counter waiting;
    counter met;

    const auto publish = [&] {
        for (int i = 0; i < 12; ++i) met.load(order);  // often the others sleep by then
        waiting.fetch_add(2, order);
        if constexpr (Fault != fault::no_wake) threads.work_came();
    };
    const auto has_work = [&] { return waiting.load(order) != 0; };
    const auto serve = [&](std::size_t me) {
        threads.begin_search();
        for (;;) {
            auto seen = waiting.load(order);
            while (seen != 0 && !waiting.compare_exchange_weak(seen, seen - 1, order)) {
            }
            if (seen != 0) break;
            threads.sleep(me, has_work);
        }
        const bool last = threads.end_search();
        if constexpr (Fault != fault::no_chain) {
            if (last && has_work()) threads.work_came();
        }
        // Meets the other.
        if (met.fetch_add(1, order) == 0) {
            interleaving::parking::park(met, std::uint32_t{1});
        } else {
            interleaving::parking::unpark(met, 1);
        }
    };
    return interleaving::run(seed, {publish, [&] { serve(0); }, [&] { serve(1); }});
}

template <class Model>
std::uint64_t first_failure(std::uint64_t rounds, Model model) {
    std::uint64_t seed = 0;
    while (seed < rounds && model(seed)) ++seed;
    return seed;
}

}  // namespace

TEST_CASE("in thousands of interleavings no thread of a pool sleeps for ever", "[sleepers]") {
    within(300s, [] {
        const auto rounds = interleaving::rounds(1'000);
        CHECK(first_failure(rounds, all_is_done<fault::none>) == rounds);
        CHECK(first_failure(rounds, two_meet<fault::none>) == rounds);
    });
}

TEST_CASE("the model finds a second look that is missing", "[sleepers]") {
    within(300s, [] { CHECK(first_failure(5'000, all_is_done<fault::no_second_look>) < 5'000); });
}

TEST_CASE("the model finds a wake-up that is missing", "[sleepers]") {
    within(300s, [] { CHECK(first_failure(5'000, two_meet<fault::no_wake>) < 5'000); });
}

TEST_CASE("the model finds a wake-up that is not passed on", "[sleepers]") {
    within(300s, [] { CHECK(first_failure(5'000, two_meet<fault::no_chain>) < 5'000); });
}

TEST_CASE("nobody is woken while somebody searches", "[sleepers]") {
    sleepers threads(2);
    std::atomic<int> woken{0};
    std::atomic<bool> go{false};
    threads.begin_search();
    std::thread other([&] {
        threads.begin_search();
        threads.sleep(1, [&] { return go.load(); });
        ++woken;
        threads.end_search();
    });
    threads.work_came();
    CHECK(woken == 0);  // true at once or later, but for a thread that has not begun to sleep
    within(60s, [&] {
        go = true;
        threads.end_search();
        while (woken == 0) threads.work_came();
        other.join();
    });
}

TEST_CASE("all are woken at once", "[sleepers][pinned]") {
    within(60s, [] {
        for (int round = 0; round < 100; ++round) {
            sleepers threads(4);
            std::atomic<bool> ended{false};
            std::vector<std::thread> all;
            for (std::size_t i = 0; i < 4; ++i) {
                all.emplace_back([&, i] {
                    threads.begin_search();
                    while (!ended) threads.sleep(i, [&] { return ended.load(); });
                    threads.end_search();
                });
            }
            ended = true;
            threads.wake_all();
            for (auto& thread : all) thread.join();
        }
    });
}
