// SPDX-License-Identifier: BSL-1.0
#include <tandem/async/interrupt_guard.hpp>

#include "tools.hpp"

#include <csignal>
#include <string>

using namespace async_tests;
using tandem::task;

TEST_CASE("the first Ctrl-C cancels the main task, once", "[interrupt_guard]") {
    struct sigaction before{};
    struct sigaction by_default{};
    by_default.sa_handler = SIG_DFL;
    ::sigaction(SIGINT, &by_default, &before);  // Catch2 handles it
    std::string log;
    const auto main = [](std::string& to) -> task<> {
        auto other = tandem::spawn(sleeps(1h));
        tandem::event_loop::current()->post([] { std::raise(SIGINT); });
        try {
            co_await tandem::sleep_for(1h);
        } catch (const tandem::cancelled_error&) {
            to += "cancelled ";
            CHECK_FALSE(other.done());
            throw;
        }
    };
    CHECK_THROWS_AS(run(main(log)), tandem::cancelled_error);
    CHECK(log == "cancelled ");
    struct sigaction now{};
    ::sigaction(SIGINT, nullptr, &now);
    CHECK(now.sa_handler == SIG_DFL);
    ::sigaction(SIGINT, &before, nullptr);
}

TEST_CASE("a handler of the program's own is left alone", "[interrupt_guard]") {
    struct sigaction before{};
    struct sigaction ours{};
    ours.sa_handler = [](int) {};
    ::sigaction(SIGINT, &ours, &before);
    const auto main = []() -> task<int> {
        std::raise(SIGINT);
        co_await tandem::sleep_for(1ms);
        co_return 1;
    };
    CHECK(run(main()) == 1);
    ::sigaction(SIGINT, &before, nullptr);
}
