// SPDX-License-Identifier: BSL-1.0
#include <tandem/async/mailbox.hpp>

#include "../support/catch.hpp"
#include "../support/within.hpp"

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include <sys/epoll.h>

using namespace std::chrono_literals;
using tandem::detail::mail;
using tandem::detail::mailbox;
using tandem::detail::make_ref;

namespace {

struct letter final : mail {
    letter(std::vector<int>& delivered_, std::atomic<int>& dropped_, int n_)
        : delivered(delivered_), dropped(dropped_), n(n_) {}
    void deliver() noexcept override {
        delivered.push_back(n);
        delete this;
    }
    void drop() noexcept override {
        ++dropped;
        delete this;
    }
    std::vector<int>& delivered;
    std::atomic<int>& dropped;
    int n;
};

}  // namespace

TEST_CASE("letters are delivered in the order of posting", "[mailbox]") {
    std::vector<int> got;
    std::atomic<int> dropped{0};
    const auto box = make_ref<mailbox>();
    CHECK_FALSE(box->has_mail());
    for (int i = 0; i < 5; ++i) CHECK(box->post(*new letter(got, dropped, i)));
    CHECK(box->has_mail());
    CHECK_FALSE(box->fall_asleep());
    box->open();
    CHECK(got == std::vector{0, 1, 2, 3, 4});
    CHECK(box->fall_asleep());
    CHECK(box->fall_asleep());
    CHECK_FALSE(box->has_mail());
}

TEST_CASE("a closed mailbox drops what it has and takes nothing", "[mailbox]") {
    std::vector<int> got;
    std::atomic<int> dropped{0};
    const auto box = make_ref<mailbox>();
    box->post(*new letter(got, dropped, 1));
    box->close();
    CHECK(dropped == 1);
    auto* const late = new letter(got, dropped, 2);
    CHECK_FALSE(box->post(*late));
    late->drop();
    CHECK(got.empty());
}

TEST_CASE("what is in a mailbox goes with it", "[mailbox]") {
    std::vector<int> got;
    std::atomic<int> dropped{0};
    {
        const auto box = make_ref<mailbox>();
        box->post(*new letter(got, dropped, 1));
        const auto sleeps = make_ref<mailbox>();
        CHECK(sleeps->fall_asleep());
    }
    CHECK(dropped == 1);
}

TEST_CASE("no letter of many threads is lost, and no wake-up", "[mailbox]") {
    constexpr int threads = 4, each = 5000;
    std::vector<int> got;
    std::atomic<int> dropped{0};
    const auto box = make_ref<mailbox>();
    tandem::unique_fd poll(::epoll_create1(EPOLL_CLOEXEC));
    ::epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    REQUIRE(::epoll_ctl(poll.get(), EPOLL_CTL_ADD, box->fd(), &event) == 0);

    std::vector<std::thread> posting;
    for (int t = 0; t < threads; ++t) {
        posting.emplace_back([&, t] {
            for (int i = 0; i < each; ++i) box->post(*new letter(got, dropped, t * each + i));
        });
    }
    within(60s, [&] {
        while (got.size() < threads * each) {
            if (box->fall_asleep()) ::epoll_wait(poll.get(), &event, 1, -1);
            box->open();
        }
    });
    for (auto& one : posting) one.join();
    std::vector<int> last(threads, -1);
    bool ordered = true;
    for (const int n : got) {
        auto& before = last[static_cast<std::size_t>(n / each)];
        ordered = ordered && n % each > before;
        before = n % each;
    }
    CHECK(ordered);
    CHECK(dropped == 0);
}
