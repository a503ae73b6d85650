// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/worker_handle.hpp>

#include "support/catch.hpp"

#include <tandem/executor/submit_work.hpp>

#include <cstdint>
#include <exception>
#include <string>
#include <vector>

using namespace tandem::detail;
using namespace std::chrono_literals;

namespace {

// Calls that nobody makes.
class no_calls final : public future_state, public work {
   public:
    using future_state::add_ref;
    using future_state::drop_ref;

    no_calls() : work(static_cast<future_state&>(*this)) {}
    call_range claim(std::size_t) noexcept override { return {}; }
    std::size_t unclaimed() const noexcept override { return 0; }
    job::tally run(call_range) noexcept override { return {}; }
    std::size_t abandon(std::exception_ptr) noexcept override { return 0; }
    bool cancel() noexcept override { return false; }
    std::exception_ptr error() const noexcept override { return nullptr; }
};

worker_handle running_worker() {
    worker_handle worker;
    worker.region = shared_region::create(sizeof(channel_memory));
    worker.state = worker_handle::life::running;
    worker.pid = 123;
    return worker;
}
// Adds a chunk of `count` calls that is on its way.
chunk& add_sent_chunk(worker_handle& worker, std::size_t first, std::size_t count) {
    auto& part = worker.add_chunk(make_ref<no_calls>(), {first, count});
    part.encoding = false;
    return part;
}
void begin(worker_handle& worker, const chunk& part, std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) REQUIRE(begin_call(worker.memory(), part.number, i));
}

std::string cause(const worker_handle& worker) {
    try {
        std::rethrow_exception(worker.cause_of_death());
    } catch (const tandem::worker_died& e) {
        CHECK(e.pid() == worker.pid);
        return e.what();
    }
}

}  // namespace

TEST_CASE("a worker has room for two chunks, in two claim words", "[worker_handle]") {
    auto worker = running_worker();
    CHECK(worker.idle());
    for (int i = 0; i < 20; ++i) {
        auto& one = add_sent_chunk(worker, 0, 3);
        CHECK_FALSE(worker.idle());
        CHECK(worker.has_room());
        auto& two = add_sent_chunk(worker, 3, 3);
        CHECK_FALSE(worker.has_room());
        CHECK(one.number % 2 != two.number % 2);
        auto& first_gone = i % 2 ? one : two;
        for (std::size_t k = 0; k < 3; ++k) first_gone.end(k);
        CHECK(worker.remove_ended_chunks().size() == 1);
        auto& three = add_sent_chunk(worker, 6, 3);
        CHECK(three.number % 2 != worker.chunks.front()->number % 2);
        CHECK(worker.find_chunk(three.number) == &three);
        for (auto& part : worker.chunks) part->left = 0;
        CHECK(worker.remove_ended_chunks().size() == 2);
    }
}

TEST_CASE("calls that have not begun are taken back by their places", "[worker_handle]") {
    auto worker = running_worker();
    auto& part = add_sent_chunk(worker, 100, 6);
    begin(worker, part, 2);
    CHECK(worker.begun(part) == 2);
    CHECK(worker.unbegun(part) == 4);
    CHECK((worker.recall(part, 1) == std::vector<std::size_t>{103, 104, 105}));
    CHECK(worker.unbegun(part) == 1);
    CHECK(part.left == 3);
    CHECK((worker.recall(part) == std::vector<std::size_t>{102}));
    CHECK(worker.recall(part).empty());
    CHECK(worker.unbegun(part) == 0);
    CHECK(part.left == 2);
}

TEST_CASE("the newest chunk that has begun is the one that runs", "[worker_handle]") {
    auto worker = running_worker();
    auto& one = add_sent_chunk(worker, 0, 2);
    auto& two = add_sent_chunk(worker, 2, 2);
    CHECK(worker.running_chunk() == nullptr);
    CHECK_FALSE(worker.has_running_call());
    begin(worker, one, 1);
    CHECK(worker.running_chunk() == &one);
    CHECK(worker.has_running_call());
    one.end(0);
    CHECK_FALSE(worker.has_running_call());
    begin(worker, two, 1);
    CHECK(worker.running_chunk() == &two);
    CHECK(worker.has_running_call());
}

TEST_CASE("a claim word that the worker overwrote is noticed and not believed", "[worker_handle]") {
    auto worker = running_worker();
    auto& part = add_sent_chunk(worker, 0, 4);
    CHECK_FALSE(worker.claims_damaged());
    for (const auto word : {claim_word{part.number + 2, 0, 4}, claim_word{part.number, 5, 4},
                            claim_word{part.number, 0, 5}}) {
        worker.memory().claims[part.number % 2].store(word.pack());
        CHECK(worker.claims_damaged());
        CHECK(worker.recall(part).empty());
    }
    worker.memory().claims[part.number % 2].store(~std::uint64_t{0});
    CHECK(worker.begun(part) == 4);
}

TEST_CASE("a worker of which calls may wait behind another is looked at", "[worker_handle]") {
    auto worker = running_worker();
    const auto now = tandem::deadline::clock::now();
    worker.look_after(now, 6ms);
    CHECK(worker.next_look().is_never());
    auto& one = add_sent_chunk(worker, 0, 1);
    CHECK(worker.next_look().is_never());
    auto& two = add_sent_chunk(worker, 1, 1);
    CHECK(worker.next_look().time() == now + 6ms);
    two.encoding = true;
    CHECK(worker.next_look().is_never());
    two.encoding = false;
    one.end(0);
    CHECK(worker.next_look().is_never());
}

TEST_CASE("a worker that ended, was killed, or lies, gets nothing", "[worker_handle]") {
    for (bool worker_handle::* flaw : {&worker_handle::has_ended, &worker_handle::killed,
                                       &worker_handle::damaged, &worker_handle::stream_ended}) {
        auto worker = running_worker();
        CHECK(worker.has_room());
        worker.*flaw = true;
        CHECK_FALSE(worker.has_room());
        CHECK_FALSE(worker.idle());
    }
    worker_handle fresh;
    CHECK_FALSE(fresh.has_room());
}

TEST_CASE("the cause of a death says what is known of it", "[worker_handle]") {
    auto worker = running_worker();
    CHECK(cause(worker) ==
          "worker 123 of a process_pool ended, nobody knows how while it ran this task");
    worker.wait_status = 7 << 8;
    CHECK(cause(worker) ==
          "worker 123 of a process_pool exited with code 7 while it ran this task");
    worker.wait_status = SIGSEGV;
    CHECK(cause(worker) ==
          "worker 123 of a process_pool was killed by SIGSEGV (11) while it ran this task");
    worker.wait_status = SIGKILL;
    CHECK(cause(worker) ==
          "worker 123 of a process_pool was killed by SIGKILL (9), perhaps for lack of memory "
          "while it ran this task");
    worker.killed = true;
    CHECK(cause(worker) ==
          "worker 123 of a process_pool was killed by SIGKILL (9) while it ran this task");
    worker.damaged = true;
    CHECK(cause(worker).find("make no sense") != std::string::npos);
}

TEST_CASE("a death while idle by SIGKILL is no fault of the worker", "[worker_handle]") {
    auto worker = running_worker();
    CHECK_FALSE(worker.killed_while_idle());
    worker.wait_status = SIGKILL;
    CHECK(worker.killed_while_idle());
    worker.wait_status = SIGSEGV;
    CHECK_FALSE(worker.killed_while_idle());
    worker.wait_status = SIGKILL;
    add_sent_chunk(worker, 0, 1);
    CHECK_FALSE(worker.killed_while_idle());
}
