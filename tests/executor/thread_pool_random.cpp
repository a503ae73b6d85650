// SPDX-License-Identifier: BSL-1.0
// What users do to thread pools, at random, from several threads at once: submit, submit in bulk,
// wait, cancel, close, destroy. Every call is made once or known to be cancelled or refused.
//
// The seed is printed. TANDEM_SEED repeats a run (as far as the system's scheduler does), and
// TANDEM_SECONDS makes it longer:
//
//     TANDEM_SECONDS=600 build/gcc/tests/tandem_tests "[random]"
#include <tandem/executor/thread_pool.hpp>

#include "../support/catch.hpp"
#include "../support/within.hpp"

#include <tandem/core/config.hpp>
#include <tandem/future/as_completed.hpp>
#include <tandem/future/collect.hpp>
#include <tandem/future/wait.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using tandem::future;
using tandem::thread_pool;

namespace {

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
    const char* const text = std::getenv(name);
    return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

// What became of the calls that were tried.
struct ledger {
    std::atomic<long> tried{0};
    std::atomic<long> made{0};
    std::atomic<long> refused{0};
    std::atomic<long> cancelled{0};
};

// A thread's way of using a pool that may be closed at any moment.
class user {
   public:
    user(thread_pool& pool, ledger& all, std::uint64_t seed)
        : pool_(pool), all_(all), random_(seed) {}

    void act() {
        switch (below(11)) {
            case 0:
                return submit_some();
            case 1:
                return wait_for_one();
            case 2:
                return cancel_one();
            case 3:
                return detach_some();
            case 4:
                return map_some();
            case 5:
                return wait_for_all();
            case 6:
                return nested();
            case 7:
                return try_one();
            case 8:
                return forks();
            case 9:
                return lazily();
            default:
                static_cast<void>(pool_.wait_idle(std::chrono::microseconds(below(200))));
        }
    }
    // Knows in the end what became of each.
    void settle() {
        for (auto& f : futures_) take(std::move(f));
        futures_.clear();
    }

   private:
    std::uint64_t below(std::uint64_t end) { return random_() % end; }
    auto call() {
        ++all_.tried;
        const auto work = below(4) == 0 ? below(2'000) : 0;
        return [this, work] {
            for (std::uint64_t i = 0; i < work; ++i)
                std::atomic_signal_fence(std::memory_order_seq_cst);
            ++all_.made;
        };
    }
    // Whatever may be refused.
    template <class F>
    void attempt(long calls, F f) {
        try {
            f();
        } catch (const tandem::pool_closed&) {
            all_.refused += calls;
        }
    }
    void take(future<void> f) {
        try {
            f.get();
        } catch (const tandem::cancelled_error&) {
            ++all_.cancelled;
        }
    }
    void submit_some() {
        for (auto left = below(20); left > 0; --left) {
            attempt(1, [&] { futures_.push_back(pool_.submit(call())); });
        }
    }
    void wait_for_one() {
        if (futures_.empty()) return;
        std::swap(futures_[below(futures_.size())], futures_.back());
        auto f = std::move(futures_.back());
        futures_.pop_back();
        take(std::move(f));
    }
    void cancel_one() {
        if (!futures_.empty()) futures_[below(futures_.size())].cancel();
    }
    // A call without a future that is not made is noticed by its destructor.
    class counted {
       public:
        explicit counted(ledger& all) : all_(&all) { ++all.tried; }
        counted(counted&& other) noexcept : all_(std::exchange(other.all_, nullptr)) {}
        counted& operator=(counted&&) = delete;
        ~counted() {
            if (all_) ++all_->cancelled;
        }
        void operator()() { ++std::exchange(all_, nullptr)->made; }

       private:
        ledger* all_;
    };
    void detach_some() {
        // One that is refused is destroyed, too.
        for (auto left = below(50); left > 0; --left) {
            attempt(0, [&] { pool_.detach(counted(all_)); });
        }
    }
    void map_some() {
        const auto count = below(200);
        const std::vector<int> numbers(count, 1);
        std::atomic<long> made{0};
        try {
            pool_.for_each([&](int) { ++made; }, numbers);
            if (made != static_cast<long>(count)) wrong();
        } catch (const tandem::pool_closed&) {
        } catch (const tandem::cancelled_error&) {
        }
    }
    void wait_for_all() {
        static_cast<void>(tandem::wait(futures_, tandem::return_when::first_completed, 100us));
        if (below(4) == 0) settle();
    }
    void nested() {
        attempt(0, [&] {
            try {
                const int three = pool_
                                      .submit([this] {
                                          auto inner = pool_.submit([] { return 1; });
                                          std::vector<future<int>> more;
                                          more.push_back(pool_.submit([] { return 2; }));
                                          return inner.get() + collect(std::move(more)).get()[0];
                                      })
                                      .get();
                if (three != 3) wrong();
            } catch (const tandem::cancelled_error&) {
            }
        });
    }
    void try_one() {
        attempt(1, [&] {
            if (auto f = pool_.try_submit(call())) {
                futures_.push_back(std::move(*f));
            } else {
                ++all_.refused;
            }
        });
    }
    int fib(int n) {
        if (n < 2) return n;
        const auto [a, b] = pool_.fork_join([&] { return fib(n - 1); }, [&] { return fib(n - 2); });
        return a + b;
    }
    void forks() {
        attempt(0, [&] {
            try {
                if (pool_.apply([this] { return fib(8); }) != 21) wrong();
            } catch (const tandem::cancelled_error&) {
            }
        });
    }
    void lazily() {
        attempt(0, [&] {
            try {
                int next = 0;
                const std::vector<int> numbers{0, 1, 2, 3, 4, 5, 6, 7};
                const auto most = static_cast<int>(below(9));
                for (const int x : pool_.imap([](int i) { return i; }, numbers)) {
                    if (x != next++) wrong();
                    if (next >= most) break;
                }
            } catch (const tandem::cancelled_error&) {
            }
        });
    }
    [[noreturn]] static void wrong() {
        std::fprintf(stderr, "thread_pool_random: a wrong result\n");
        std::abort();
    }

    thread_pool& pool_;
    ledger& all_;
    std::mt19937_64 random_;
    std::vector<future<void>> futures_;
};

void live_and_let_die(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    ledger all;
    std::vector<std::unique_ptr<user>> users;
    {
        tandem::thread_pool_options options;
        options.workers = static_cast<int>(1 + random() % 4);
        if (random() % 4 == 0) options.queue_capacity = 1 + random() % 8;
        if (random() % 4 == 0) options.initializer = [] {};
        thread_pool pool(options);
        for (int i = 0; i < 3; ++i) {
            users.push_back(std::make_unique<user>(pool, all, random()));
        }
        std::vector<std::thread> threads;
        for (auto& one : users) {
            threads.emplace_back([&one, steps = 10 + random() % 60] {
                for (std::uint64_t i = 0; i < steps; ++i) one->act();
            });
        }
        const auto end = random() % 4;
        if (end == 1) pool.close();
        if (end == 2) pool.terminate();
        for (auto& thread : threads) thread.join();
        if (end == 3) {
            pool.terminate();
            pool.join();
        }
    }
    for (auto& one : users) one->settle();
    REQUIRE(all.made + all.refused + all.cancelled == all.tried);
}

}  // namespace

TEST_CASE("whatever users do, every call is made, cancelled or refused",
          "[thread_pool_random][random]") {
    const auto seconds = std::chrono::seconds(setting("TANDEM_SECONDS", 20));
    const auto given = setting("TANDEM_SEED", 0);
    const auto first = given ? given : std::random_device()() | std::uint64_t{1};
    std::printf("thread_pool_random: TANDEM_SEED=%llu\n", static_cast<unsigned long long>(first));
    std::fflush(stdout);
    const auto until = std::chrono::steady_clock::now() + seconds;
    for (auto seed = first; std::chrono::steady_clock::now() < until; ++seed) {
        INFO("seed " << seed);
        within(100s, [&] { live_and_let_die(seed); });
    }
}
