// SPDX-License-Identifier: BSL-1.0
#include <tandem/sync/wait_side.hpp>

#include "../support/catch.hpp"
#include "../support/within.hpp"

#include <climits>
#include <mutex>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using tandem::deadline;
using tandem::detail::wait_observer;
using tandem::detail::wait_side;

namespace {

struct listener final : wait_observer {
    int told = 0;

   private:
    void notify() noexcept override { ++told; }
};

}  // namespace

TEST_CASE("nobody is woken where nobody waits", "[wait_side]") {
    wait_side side;
    CHECK_FALSE(side.wants());
    CHECK(side.wake_one() == 0);
    CHECK(side.wake_all() == 0);
}

TEST_CASE("one wake-up is under way at a time", "[wait_side]") {
    wait_side side;
    const auto first = side.enter();
    const auto second = side.enter();
    CHECK(side.wants());
    CHECK(side.wake_one() == 1);
    CHECK_FALSE(side.wants());
    CHECK(side.wake_one() == 0);
    side.leave();
    CHECK(side.wants());
    CHECK(side.wake_one() == 1);
    side.leave();
    CHECK_FALSE(side.wants());
    within(10s, [&] {  // both came before a wake-up: they do not sleep
        CHECK(side.sleep(first, deadline::never()));
        CHECK(side.sleep(second, deadline::never()));
    });
}

TEST_CASE("waking all wakes all, and again those that come later", "[wait_side]") {
    wait_side side;
    side.enter();
    CHECK(side.wake_all() == INT_MAX);
    side.enter();
    CHECK(side.wake_all() == INT_MAX);
}

TEST_CASE("a sleep ends with its time", "[wait_side]") {
    wait_side side;
    const auto ticket = side.enter();
    within(60s, [&] {
        while (side.sleep(ticket, 1ms)) {
        }
    });
    side.leave();
    CHECK_FALSE(side.wants());
}

TEST_CASE("each observer is told once and is then forgotten", "[wait_side]") {
    wait_side side;
    listener a, b, c;
    side.add(a);
    side.add(b);
    side.add(c);
    CHECK(side.wants());
    CHECK(side.remove(b));
    CHECK_FALSE(side.remove(b));
    CHECK(side.wake_one() == 0);
    CHECK((a.told == 1 && b.told == 0 && c.told == 1));
    CHECK_FALSE(side.remove(a));
    CHECK_FALSE(side.wants());
    side.add(a);
    side.wake_all();
    CHECK((a.told == 2 && c.told == 1));
}

TEST_CASE("looking before sleeping is short when it does not pay off, but for a try now and then",
          "[wait_side]") {
    wait_side side;
    const int first = side.polls();
    for (int i = 0; i < 10; ++i) side.learn(false);
    const int least = side.polls();
    CHECK((least > 0 && least < first));
    int tries = 0;
    for (int i = 0; i < 1000; ++i) {
        const int polls = side.polls();
        CHECK(polls >= least);
        tries += polls != least ? 1 : 0;
    }
    CHECK((tries > 0 && tries < 20));
    side.learn(true);
    CHECK(side.polls() == first);
}

TEST_CASE("threads that keep the promise of a wait side lose no token", "[wait_side][pinned]") {
    std::mutex mutex;
    wait_side side;
    int tokens = 0;  // guarded by mutex, as side is
    constexpr int each = 2000;
    const auto unlock = [&] {
        const int wake = tokens != 0 ? side.wake_one() : 0;
        mutex.unlock();
        side.wake(wake);
    };
    within(120s, [&] {
        std::vector<std::jthread> takers;
        for (int i = 0; i < 4; ++i) {
            takers.emplace_back([&, i] {
                for (int taken = 0; taken < each;) {
                    mutex.lock();
                    if (tokens != 0) {
                        --tokens;
                        ++taken;
                    } else {
                        const auto ticket = side.enter();
                        unlock();
                        side.sleep(ticket, i == 0 ? deadline(10us) : deadline::never());
                        mutex.lock();
                        side.leave();
                    }
                    unlock();
                }
            });
        }
        for (int i = 0; i < 4 * each; ++i) {
            mutex.lock();
            ++tokens;
            unlock();
        }
    });
    CHECK(tokens == 0);
    CHECK_FALSE(side.wants());
}
