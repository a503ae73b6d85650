// SPDX-License-Identifier: BSL-1.0
#include <tandem/executor/pool_errors.hpp>

#include "../support/catch.hpp"

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

using tandem::detail::pool_errors;

namespace {

std::exception_ptr error(const char* text) {
    return std::make_exception_ptr(std::runtime_error(text));
}

}  // namespace

TEST_CASE("errors go to the listener until that is forgotten", "[pool_errors]") {
    const auto heard = std::make_shared<int>(0);
    pool_errors errors([heard](std::exception_ptr) { ++*heard; });
    errors.report(error("one"));
    CHECK(*heard == 1);
    errors.forget();
    CHECK(heard.use_count() == 1);
    errors.report(error("expected on stderr"));
    CHECK(*heard == 1);
    errors.forget();
}

TEST_CASE("without a listener, or if it throws, errors go to stderr", "[pool_errors]") {
    pool_errors silent(nullptr);
    silent.report(error("expected on stderr"));
    pool_errors throwing(
        [](std::exception_ptr) { throw std::runtime_error("expected on stderr"); });
    throwing.report(error("not this one"));
}

TEST_CASE("a listener may be forgotten while it listens", "[pool_errors][pinned]") {
    std::atomic<int> heard{0};
    pool_errors errors([&](std::exception_ptr) { ++heard; });
    std::atomic<bool> stop{false};
    std::thread reporter([&] {
        while (!stop && heard < 1'000) errors.report(error("one"));
    });
    while (heard == 0) std::this_thread::yield();
    stop = true;
    errors.report(error("two"));
    reporter.join();
    errors.forget();
    CHECK(heard >= 2);
}
