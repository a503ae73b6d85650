// SPDX-License-Identifier: BSL-1.0
#include <tandem/future/state.hpp>

#include "../support/catch.hpp"
#include "../support/within.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using namespace tandem::detail;
using tandem::deadline;

namespace {

using int_state = state<int>;

// Writes its number down when it is called.
class note final : public callback {
   public:
    note(std::vector<int>& log, int number, bool internal = false, bool dropped = false)
        : log_(log), number_(number), internal_(internal), dropped_(dropped) {}
    void call(future_state&) override { log_.push_back(number_); }
    bool is_internal() const noexcept override { return internal_; }
    bool is_dropped() const noexcept override { return dropped_; }

   private:
    std::vector<int>& log_;
    int number_;
    bool internal_;
    bool dropped_;
};
class thrower final : public callback {
   public:
    void call(future_state&) override { throw std::runtime_error("a callback's"); }
};

// An executor that keeps the callbacks to run them later, and what was reported.
class keeping_context final : public executor_context {
   public:
    void post(future_state&, callback_list& list) noexcept override {
        kept.append(std::move(list));
    }
    void report(std::exception_ptr error) noexcept override {
        reported.push_back(std::move(error));
    }
    callback_list kept;
    std::vector<std::exception_ptr> reported;
};
// One that only listens.
class listening_context final : public executor_context {
   public:
    void report(std::exception_ptr error) noexcept override {
        reported.push_back(std::move(error));
    }
    std::vector<std::exception_ptr> reported;
};

}  // namespace

TEST_CASE("a state is pending, then running, then ready", "[state]") {
    int_state s;
    CHECK_FALSE(s.ready());
    CHECK_FALSE(s.running());
    CHECK_FALSE(s.begun());
    REQUIRE(s.claim());
    CHECK(s.running());
    CHECK(s.begun());
    s.finish_with(3);
    CHECK(s.ready());
    CHECK_FALSE(s.running());
    CHECK(s.begun());
    CHECK(s.result().value() == 3);
    CHECK(s.error() == nullptr);
}

TEST_CASE("one claim succeeds", "[state]") {
    int_state s;
    CHECK(s.claim());
    CHECK_FALSE(s.claim());
    CHECK_FALSE(s.begin_cancel());
    CHECK(s.begin_set());
    CHECK_FALSE(s.begin_set());
    CHECK_FALSE(s.claim());
    s.finish_with(1);
    CHECK_FALSE(s.claim());
    CHECK_FALSE(s.begin_set());
}

TEST_CASE("a claim that is taken back can be made again", "[state]") {
    int_state s;
    CHECK_FALSE(s.unclaim());
    REQUIRE(s.claim());
    CHECK(s.unclaim());
    CHECK_FALSE(s.begun());
    CHECK(s.claim());
}

TEST_CASE("a pending state can be cancelled, a running one cannot", "[state]") {
    int_state pending;
    CHECK(pending.cancel());
    CHECK(pending.ready());
    CHECK(pending.was_cancelled());
    CHECK(pending.cancel());
    CHECK_FALSE(pending.claim());

    int_state running;
    REQUIRE(running.claim());
    CHECK_FALSE(running.cancel());
    running.finish_with(1);
    CHECK_FALSE(running.cancel());
    CHECK_FALSE(running.was_cancelled());
}

TEST_CASE("callbacks run in the order of their adding, once", "[state]") {
    std::vector<int> log;
    int_state s;
    for (int i = 0; i < 5; ++i) s.add_callback(std::make_unique<note>(log, i));
    CHECK(log.empty());
    REQUIRE(s.claim());
    s.finish_with(1);
    CHECK(log == std::vector{0, 1, 2, 3, 4});
}

TEST_CASE("a callback on a ready state runs at once", "[state]") {
    std::vector<int> log;
    int_state s;
    REQUIRE(s.claim());
    s.finish_with(1);
    s.add_callback(std::make_unique<note>(log, 7));
    CHECK(log == std::vector{7});
}

TEST_CASE("a callback that throws is reported and the others run", "[state]") {
    std::vector<int> log;
    const auto context = make_ref<listening_context>();
    const auto s = make_ref<int_state>(context);
    s->add_callback(std::make_unique<note>(log, 1));
    s->add_callback(std::make_unique<thrower>());
    s->add_callback(std::make_unique<note>(log, 2));
    REQUIRE(s->claim());
    s->finish_with(1);
    CHECK(log == std::vector{1, 2});
    REQUIRE(context->reported.size() == 1);
    CHECK_THROWS_WITH(std::rethrow_exception(context->reported[0]), "a callback's");
}

TEST_CASE("an executor may take the user's callbacks elsewhere, not the internal ones", "[state]") {
    std::vector<int> log;
    const auto context = make_ref<keeping_context>();
    const auto s = make_ref<int_state>(context);
    s->add_callback(std::make_unique<note>(log, 1));
    s->add_callback(std::make_unique<note>(log, 2, /*internal=*/true));
    s->add_callback(std::make_unique<note>(log, 3));
    REQUIRE(s->claim());
    s->finish_with(1);
    CHECK(log == std::vector{2});
    s->run_callbacks(std::move(context->kept));
    CHECK(log == std::vector{2, 1, 3});
}

TEST_CASE("pruning frees the callbacks that nobody wants and keeps the others in order",
          "[state]") {
    std::vector<int> log;
    int_state s;
    s.add_callback(std::make_unique<note>(log, 1));
    s.add_callback(std::make_unique<note>(log, 2, false, /*dropped=*/true));
    s.add_callback(std::make_unique<note>(log, 3));
    s.prune_callbacks();
    s.add_callback(std::make_unique<note>(log, 4));
    s.prune_callbacks();
    REQUIRE(s.claim());
    s.finish_with(1);
    s.prune_callbacks();
    CHECK(log == std::vector{1, 3, 4});
}

TEST_CASE("pruning loses no callback while others add and complete", "[state][pinned]") {
    for (int round = 0; round < 300; ++round) {
        struct count_up final : callback {
            explicit count_up(std::atomic<int>& c) : count(c) {}
            void call(future_state&) override { ++count; }
            std::atomic<int>& count;
        };
        std::atomic<int> called{0};
        const auto s = make_ref<int_state>();
        std::thread adder([&] {
            for (int i = 0; i < 20; ++i) s->add_callback(std::make_unique<count_up>(called));
        });
        std::thread pruner([&] {
            for (int i = 0; i < 20; ++i) s->prune_callbacks();
        });
        if (s->claim()) s->finish_with(1);
        adder.join();
        pruner.join();
        REQUIRE(called == 20);
    }
}

TEST_CASE("a state with unheard callbacks frees them", "[state]") {
    const auto alive = std::make_shared<int>(1);
    struct holds final : callback {
        explicit holds(std::shared_ptr<int> p) : kept(std::move(p)) {}
        void call(future_state&) override {}
        std::shared_ptr<int> kept;
    };
    {
        int_state s;
        for (int i = 0; i < 10; ++i) s.add_callback(std::make_unique<holds>(alive));
        CHECK(alive.use_count() == 11);
    }
    CHECK(alive.use_count() == 1);
}

TEST_CASE("wait returns when the state is ready, or when time runs out", "[state]") {
    const auto s = make_ref<int_state>();
    CHECK_FALSE(s->wait(deadline(0s)));
    CHECK_FALSE(s->wait(deadline(5ms)));
    within(30s, [&] {
        std::thread setter([&] {
            if (s->claim()) s->finish_with(2);
        });
        CHECK(s->wait());
        setter.join();
    });
    CHECK(s->wait(deadline(0s)));
}

TEST_CASE("every waiter is woken, whenever it came", "[state][pinned]") {
    within(120s, [] {
        for (int round = 0; round < 200; ++round) {
            const auto s = make_ref<int_state>();
            std::vector<std::thread> waiters;
            for (int i = 0; i < 4; ++i) {
                waiters.emplace_back([s, i] {
                    if (i % 2 == 0) {
                        s->wait();
                    } else {
                        while (!s->wait(deadline(50us))) {
                        }
                    }
                });
            }
            if (s->claim()) s->finish_with(1);
            for (auto& waiter : waiters) waiter.join();
        }
    });
}

TEST_CASE("who waits without limit is asked to help once, who has a limit is not", "[state]") {
    struct helped final : state<int> {
        void help() noexcept override {
            ++count;
            if (claim()) finish_with(9);
        }
        int count = 0;
    };
    const auto timed = make_ref<helped>();
    CHECK_FALSE(timed->wait(deadline(1ms)));
    CHECK(timed->count == 0);
    const auto patient = make_ref<helped>();
    CHECK(patient->wait());
    CHECK(patient->count == 1);
}

TEST_CASE("a waiter helps again when the source is another", "[state][pinned]") {
    // Helping does something only the second time, as when the call was not submitted before.
    struct moves final : state<int> {
        void help() noexcept override {
            if (++count == 2 && claim()) finish_with(9);
        }
        void move_on() noexcept { source_changed(); }
        std::atomic<int> count{0};
    };
    within(60s, [] {
        for (int round = 0; round < 200; ++round) {
            const auto s = make_ref<moves>();
            std::thread waiter([s] { s->wait(); });
            while (s->count == 0) std::this_thread::yield();
            s->move_on();  // the waiter may be anywhere between helping and sleeping
            waiter.join();
            REQUIRE(s->count == 2);
        }
    });
}

TEST_CASE("callbacks nest no deeper than a limit", "[state]") {
    // Each callback adds one to a state that is ready, which runs at once.
    struct nest final : callback {
        nest(int_state& s, int n, int& depth, int& deepest, int& total)
            : s_(s), left_(n), depth_(depth), deepest_(deepest), total_(total) {}
        void call(future_state&) override {
            ++total_;
            deepest_ = std::max(deepest_, ++depth_);
            if (left_ > 0) {
                s_.add_callback(std::make_unique<nest>(s_, left_ - 1, depth_, deepest_, total_));
            }
            --depth_;
        }
        int_state& s_;
        int left_;
        int& depth_;
        int& deepest_;
        int& total_;
    };
    const auto s = make_ref<int_state>();
    REQUIRE(s->claim());
    s->finish_with(1);
    int depth = 0;
    int deepest = 0;
    int total = 0;
    s->add_callback(std::make_unique<nest>(*s, 10'000, depth, deepest, total));
    CHECK(total == 10'001);
    CHECK(deepest <= 64);
}

TEST_CASE("how a state ended is known without its result", "[state]") {
    int_state failed;
    CHECK_FALSE(failed.has_failed());
    REQUIRE(failed.claim());
    failed.fail_set(std::make_exception_ptr(1));
    CHECK(failed.has_failed());
    CHECK_FALSE(failed.was_cancelled());
    CHECK(failed.take_error() != nullptr);
    CHECK(failed.has_failed());
    int_state fine;
    REQUIRE(fine.claim());
    fine.finish_with(2);
    CHECK_FALSE(fine.has_failed());
    CHECK(fine.take_error() == nullptr);
    CHECK(fine.take() == 2);
}

TEST_CASE("who takes a result waits for those that look at it", "[state]") {
    int_state s;
    CHECK(s.wait_unobserved(deadline(0s)));
    s.add_observer();
    s.add_observer();
    CHECK(s.observed());
    CHECK_FALSE(s.wait_unobserved(deadline(0s)));
    CHECK_FALSE(s.wait_unobserved(deadline(2ms)));
    s.drop_observer();
    within(60s, [&] {
        std::thread waiter([&] { s.wait_unobserved(); });
        s.drop_observer();
        waiter.join();
    });
    CHECK_FALSE(s.observed());
}
