// SPDX-License-Identifier: BSL-1.0
#include <tandem/executor/work_queue.hpp>

#include "../support/catch.hpp"

#include <algorithm>
#include <cstddef>
#include <exception>
#include <utility>
#include <vector>

using namespace tandem::detail;

namespace {

class some_calls final : public state<void>, public work {
   public:
    explicit some_calls(std::size_t count) : work(static_cast<future_state&>(*this)), left(count) {}
    using state<void>::add_ref;
    using state<void>::drop_ref;
    call_range claim(std::size_t most) noexcept override {
        const auto count = std::min(most, left);
        left -= count;
        return {0, count};
    }
    std::size_t unclaimed() const noexcept override { return left; }
    std::size_t run(call_range) noexcept override { return 0; }
    std::size_t abandon(std::exception_ptr) noexcept override { return std::exchange(left, 0U); }
    std::size_t left;
};

struct scene {
    explicit scene(std::size_t capacity = tandem::unbounded) : queue(capacity) {}
    bool push(const ref<some_calls>& calls, std::size_t threads = 1, bool counted = false) {
        ref<work> added = ref<work>::share(calls.get());
        const bool pushed = queue.push(added, threads, counted, removed);
        CHECK((added == nullptr) == pushed);
        return pushed;
    }
    const void* take() { return queue.take(removed).get(); }
    work_queue queue;
    work_queue::removed removed;
};

ref<some_calls> calls(std::size_t count) { return make_ref<some_calls>(count); }
const void* id(const ref<some_calls>& c) { return static_cast<const work*>(c.get()); }

}  // namespace

TEST_CASE("works are taken oldest first, each by as many threads as it can use", "[work_queue]") {
    scene s;
    const auto a = calls(5);
    const auto b = calls(5);
    CHECK(s.queue.empty());
    s.push(a, 2);
    s.push(b);
    CHECK(s.queue.unclaimed() == 10);
    CHECK(s.take() == id(a));
    CHECK(s.take() == id(a));
    CHECK(s.take() == id(b));
    CHECK(s.take() == nullptr);
    CHECK(s.queue.empty());
    CHECK(s.removed.size() == 2);
}

TEST_CASE("works without calls are passed over and taken out", "[work_queue]") {
    scene s;
    const auto a = calls(1);
    const auto b = calls(1);
    s.push(a);
    s.push(b);
    a->left = 0;
    CHECK(s.take() == id(b));
    CHECK(s.queue.empty());
}

TEST_CASE("a full queue leaves the work alone", "[work_queue]") {
    scene s(1);
    const auto a = calls(1);
    const auto b = calls(1);
    CHECK(s.push(a, 1, true));
    CHECK_FALSE(s.push(b, 1, true));
    CHECK(s.push(b, 1, false));
    CHECK(s.take() == id(a));
    CHECK(s.push(a, 1, true));
}

TEST_CASE("works that lost their calls leave room, wherever they are", "[work_queue]") {
    scene s(3);
    const auto a = calls(1);
    const auto b = calls(1);
    const auto c = calls(1);
    const auto d = calls(1);
    for (const auto& one : {a, b, c}) CHECK(s.push(one, 1, true));
    CHECK_FALSE(s.push(d, 1, true));
    b->left = 0;
    CHECK(s.push(d, 1, true));
    CHECK(s.removed.size() == 1);
    CHECK(s.take() == id(a));
    CHECK(s.take() == id(c));
    CHECK(s.take() == id(d));
}

TEST_CASE("what a waiter made itself does not pile up behind other works", "[work_queue]") {
    scene s;
    const auto stranger = calls(1);
    s.push(stranger);
    for (int i = 0; i < 100; ++i) {
        const auto child = calls(1);
        s.push(child);
        child->left = 0;
    }
    CHECK(s.removed.size() == 99);
    CHECK(s.take() == id(stranger));
    CHECK(s.take() == nullptr);
}

TEST_CASE("a work that is there twice counts its calls once", "[work_queue]") {
    scene s;
    const auto a = calls(3);
    s.push(a);
    s.push(a);
    CHECK(s.queue.unclaimed() == 3);
}

TEST_CASE("empty entries at the front are dropped on request", "[work_queue]") {
    scene s;
    const auto a = calls(1);
    const auto b = calls(1);
    s.push(a);
    s.push(b);
    a->left = 0;
    s.queue.drop_empty_at_front(s.removed);
    CHECK_FALSE(s.queue.empty());
    b->left = 0;
    s.queue.drop_empty_at_front(s.removed);
    CHECK(s.queue.empty());
}

TEST_CASE("clear gives back all and the room", "[work_queue]") {
    scene s(1);
    const auto a = calls(1);
    s.push(a, 1, true);
    CHECK(s.queue.clear().size() == 1);
    CHECK(s.queue.empty());
    CHECK(s.push(a, 1, true));
}
