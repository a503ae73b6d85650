// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/callback_thread.hpp>

#include "support/catch.hpp"
#include "support/within.hpp"

#include <tandem/testing/leak_check.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

using namespace tandem::detail;
using namespace std::chrono_literals;

namespace {

class call_function final : public callback {
   public:
    explicit call_function(std::function<void()> f) : f_(std::move(f)) {}
    void call(future_state&) override { f_(); }

   private:
    std::function<void()> f_;
};

void post(callback_thread& thread, std::function<void()> f) {
    const auto state = make_ref<tandem::detail::state<int>>();
    callback_list list(new call_function(std::move(f)));
    thread.post(*state, list);
    if (!list.empty()) state->run_callbacks(std::move(list));
}

}  // namespace

TEST_CASE("callbacks run one after the other in a thread of their own", "[callback_thread]") {
    const tandem::testing::leak_check leaks;
    within(20s, [] {
        std::vector<int> order;
        std::vector<std::thread::id> threads;
        std::atomic<int> idle{0};
        {
            callback_thread thread([&] { ++idle; });
            CHECK(thread.idle());
            for (int i = 0; i < 100; ++i) {
                post(thread, [&, i] {
                    order.push_back(i);
                    threads.push_back(std::this_thread::get_id());
                    CHECK(thread.on_it());
                    CHECK_FALSE(thread.idle());
                });
            }
            CHECK_FALSE(thread.on_it());
            thread.stop();
            CHECK(thread.idle());
        }
        REQUIRE(order.size() == 100);
        for (int i = 0; i < 100; ++i) CHECK(order[static_cast<std::size_t>(i)] == i);
        CHECK(threads.front() != std::this_thread::get_id());
        for (const auto& id : threads) CHECK(id == threads.front());
        CHECK(idle >= 1);
    });
    CHECK(leaks.check().find("thread") == std::string::npos);
}

TEST_CASE("a thread that nothing was posted to was never started", "[callback_thread]") {
    const tandem::testing::leak_check leaks;
    callback_thread thread([] {});
    CHECK(leaks.check() == "");
    thread.stop();
    thread.stop();
}

TEST_CASE("once stopped, callbacks are left to who posts them", "[callback_thread]") {
    callback_thread thread([] {});
    thread.stop();
    bool here = false;
    const auto id = std::this_thread::get_id();
    post(thread, [&] { here = std::this_thread::get_id() == id; });
    CHECK(here);
}

TEST_CASE("a callback may post more", "[callback_thread]") {
    within(20s, [] {
        std::atomic<int> called{0};
        callback_thread thread([] {});
        post(thread, [&] {
            ++called;
            post(thread, [&] { ++called; });
        });
        while (called < 2) std::this_thread::yield();
        thread.stop();
        CHECK(called == 2);
    });
}

TEST_CASE("a callback may destroy the thread that runs it", "[callback_thread]") {
    within(20s, [] {
        for (int i = 0; i < 100; ++i) {
            auto* thread = new callback_thread([] {});
            std::atomic<bool> done{false};
            post(*thread, [&] {
                delete thread;
                done = true;
            });
            while (!done) std::this_thread::yield();
        }
    });
}
