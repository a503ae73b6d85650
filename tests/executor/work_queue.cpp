// SPDX-License-Identifier: BSL-1.0
#include <tandem/executor/work_queue.hpp>

#include "../support/catch.hpp"

#include <array>
#include <cstddef>
#include <exception>
#include <vector>

using namespace tandem::detail;

namespace {

// A job with a number of calls that the test changes.
struct some_job final : job {
    explicit some_job(std::size_t count = 1) : left(count) {}
    tally execute(running_calls&) noexcept override { return {}; }
    std::size_t drop(const std::exception_ptr&) noexcept override { return 0; }
    void let_go() noexcept override {}
    std::size_t waiting() const noexcept override { return left; }
    std::size_t left;
};

struct scene {
    explicit scene(std::size_t capacity = tandem::unbounded) : queue(capacity) {}
    bool push(some_job& item, std::size_t places = 1, bool counted = false) {
        return queue.push(&item, places, counted, removed);
    }
    job* take() {
        job* item = nullptr;
        queue.take(&item, 1);
        return item;
    }
    work_queue queue;
    work_queue::removed removed;
};

}  // namespace

TEST_CASE("jobs are taken oldest first, each as often as it was wanted", "[work_queue]") {
    scene s;
    some_job a(5);
    some_job b(5);
    CHECK(s.queue.empty());
    s.push(a, 2);
    s.push(b);
    CHECK_FALSE(s.queue.empty());
    CHECK(s.queue.pushed() == 3);
    CHECK(s.take() == &a);
    CHECK(s.take() == &a);
    CHECK(s.take() == &b);
    CHECK(s.take() == nullptr);
    CHECK(s.queue.empty());
    CHECK(s.queue.pushed() == 3);
}

TEST_CASE("many jobs are taken at once, in order", "[work_queue]") {
    scene s;
    std::vector<some_job> jobs(1'000);
    for (auto& one : jobs) s.push(one);
    std::array<job*, 300> taken{};
    std::size_t next = 0;
    while (const auto count = s.queue.take(taken.data(), taken.size())) {
        for (std::size_t i = 0; i < count; ++i) REQUIRE(taken[i] == &jobs[next++]);
    }
    CHECK(next == jobs.size());
    CHECK(s.removed.empty());
}

TEST_CASE("the ring goes round and grows in the middle of it", "[work_queue]") {
    scene s;
    std::vector<some_job> jobs(500);
    std::size_t in = 0;
    std::size_t out = 0;
    while (out < jobs.size()) {
        for (int i = 0; i < 7 && in < jobs.size(); ++i) s.push(jobs[in++]);
        for (int i = 0; i < 3; ++i) {
            if (job* const item = s.take()) REQUIRE(item == &jobs[out++]);
        }
    }
    CHECK(s.queue.empty());
}

TEST_CASE("a full queue leaves the job alone", "[work_queue]") {
    scene s(1);
    some_job a;
    some_job b;
    CHECK(s.push(a, 1, true));
    CHECK_FALSE(s.push(b, 1, true));
    CHECK(s.push(b, 1, false));
    CHECK(s.take() == &a);
    CHECK(s.push(a, 1, true));
}

TEST_CASE("jobs that lost their calls leave room, wherever they are", "[work_queue]") {
    scene s(3);
    some_job a;
    some_job b;
    some_job c;
    some_job d;
    for (auto* one : {&a, &b, &c}) CHECK(s.push(*one, 1, true));
    CHECK_FALSE(s.push(d, 1, true));
    b.left = 0;
    CHECK_FALSE(s.push(d, 1, true));  // nobody said so: it is not looked through in vain
    s.queue.call_left();
    CHECK(s.push(d, 1, true));
    CHECK(s.removed == work_queue::removed{&b});
    CHECK(s.take() == &a);
    CHECK(s.take() == &c);
    CHECK(s.take() == &d);
    CHECK(s.queue.empty());
}

TEST_CASE("what was cancelled does not pile up behind other jobs", "[work_queue]") {
    scene s;
    some_job first;
    s.push(first);
    std::vector<some_job> cancelled(10'000);
    for (auto& one : cancelled) {
        s.push(one);
        one.left = 0;
        REQUIRE(s.queue.size() <= 64);
    }
    CHECK(s.take() == &first);
}

TEST_CASE("a job that is there twice counts its calls once", "[work_queue]") {
    scene s;
    some_job a(3);
    some_job b(1);
    s.push(a);
    s.push(b);
    s.push(a, 2);
    CHECK(s.queue.waiting() == 4);
}
