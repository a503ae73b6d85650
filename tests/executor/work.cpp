// SPDX-License-Identifier: BSL-1.0
#include <tandem/executor/work.hpp>

#include "../support/catch.hpp"

#include <algorithm>
#include <cstddef>
#include <exception>
#include <stdexcept>
#include <utility>
#include <vector>

using namespace tandem::detail;
using tandem::deadline;
using tandem::pool_stats;

namespace {

// A map of `count` calls that counts how many were made.
class counting_map final : public state<void>, public work {
   public:
    explicit counting_map(std::size_t count)
        : work(static_cast<future_state&>(*this)), size_(count) {}
    using state<void>::add_ref;
    using state<void>::drop_ref;

    std::size_t size() const noexcept { return size_; }
    void finish_if_empty() noexcept { finish(); }
    call_range claim(std::size_t most) noexcept override {
        const call_range calls{next, std::min(most, size_ - next)};
        next += calls.count;
        return calls;
    }
    std::size_t unclaimed() const noexcept override { return size_ - next; }
    job::tally run(call_range calls) noexcept override {
        made += calls.count;
        if (made == size_ && begin_set()) finish_with();
        return {calls.count, 0};
    }
    std::size_t abandon(std::exception_ptr why) noexcept override {
        const auto ended = size_ - std::exchange(next, size_);
        if (begin_set()) fail_set(std::move(why));
        return ended;
    }

    std::size_t next = 0;
    std::size_t made = 0;

   private:
    std::size_t size_;
};

// An executor of `workers` that makes no call of its own accord.
class idle_core final : public executor_core {
   public:
    explicit idle_core(int workers) : workers_(workers) {}
    void start(ref<work>, std::size_t most_threads, tandem::detail::admission) override {
        asked.push_back(most_threads);
    }
    void require_open() const override {}
    bool on_own_thread() const noexcept override { return own; }
    bool caller_takes_part(bool timed) const noexcept override { return part && !timed; }
    void take_part(work& calls, deadline until) noexcept override {
        while (!until.expired()) {
            const auto claimed = calls.claim(1);
            if (claimed.count == 0) return;
            calls.run(claimed);
        }
    }
    int size() const noexcept override { return workers_; }
    const char* kind() const noexcept override { return "idle"; }
    const char* state_name() const noexcept override { return "running"; }
    pool_stats stats() const override { return {}; }
    void close() override {}
    void join() override {}
    void terminate() override {}

    std::vector<std::size_t> asked;
    bool own = false;
    bool part = false;

   private:
    int workers_;
};

}  // namespace

TEST_CASE("a caller that takes part asks for one thread less", "[work]") {
    const auto core = make_ref<idle_core>(4);
    core->part = true;
    const auto many = make_ref<counting_map>(100U);
    run_to_end(*core, *many, deadline::never());
    CHECK(many->made == 100);
    CHECK(core->asked == std::vector<std::size_t>{3});
}

TEST_CASE("no more threads are asked for than there are calls", "[work]") {
    const auto core = make_ref<idle_core>(4);
    core->part = true;
    const auto two = make_ref<counting_map>(2U);
    run_to_end(*core, *two, deadline::never());
    const auto one = make_ref<counting_map>(1U);
    run_to_end(*core, *one, deadline::never());
    CHECK(core->asked == std::vector<std::size_t>{1});
}

TEST_CASE("a worker makes the calls itself and asks all others", "[work]") {
    const auto core = make_ref<idle_core>(4);
    core->own = true;
    const auto many = make_ref<counting_map>(100U);
    run_to_end(*core, *many, deadline::never());
    CHECK(many->made == 100);
    CHECK(core->asked == std::vector<std::size_t>{4});
}

TEST_CASE("an empty map asks nobody", "[work]") {
    const auto core = make_ref<idle_core>(2);
    const auto none = make_ref<counting_map>(0U);
    run_to_end(*core, *none, deadline::never());
    CHECK(none->ready());
    CHECK(core->asked.empty());
}

TEST_CASE("a map that nobody runs in time is abandoned with timeout_error", "[work]") {
    const auto core = make_ref<idle_core>(2);
    core->part = true;
    const auto late = make_ref<counting_map>(5U);
    run_to_end(*core, *late, deadline(std::chrono::milliseconds(5)));
    CHECK(late->made == 0);
    CHECK_THROWS_AS(late->result().value(), tandem::timeout_error);
    CHECK(core->asked == std::vector<std::size_t>{2});
}

TEST_CASE("only a worker of the executor helps", "[work]") {
    const auto core = make_ref<idle_core>(1);
    const auto calls = make_ref<counting_map>(3U);
    core->help(*calls);
    CHECK(calls->made == 0);
    core->own = true;
    core->help(*calls);
    CHECK(calls->made == 3);
}

TEST_CASE("a work is kept by its references and says how long its calls took", "[work]") {
    const auto map = make_ref<counting_map>(1U);
    const ref<work> calls = ref<work>::share(map.get());
    CHECK(&calls->owner() == map.get());
    CHECK(calls->mean_ns() == 0);
    calls->add_time(2, 300);
    calls->add_time(1, 0);
    CHECK(calls->mean_ns() == 100);
}

TEST_CASE("what an executor need not do has a default", "[work]") {
    idle_core core(3);
    counting_map calls(1);
    CHECK_FALSE(core.ships());
    CHECK(core.least_window() == 6);
    CHECK_FALSE(core.stop(calls, nullptr, true));
    CHECK(calls.chunk_size() == 0);
}
