// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/process_pool_core.hpp>

#include "support/catch.hpp"

#include <tandem/executor/submit_work.hpp>
#include <tandem/testing/leak_check.hpp>

#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

using namespace tandem::detail;
using tandem::process_pool_options;

namespace {

// The books without a manager: nothing is ever handed out.
struct books final : process_pool_core {
    using process_pool_core::give_back;
    using process_pool_core::process_pool_core;
    using process_pool_core::returned_call;

    void join() override {}
};

int twice(int x) { return 2 * x; }
using call = shipped_submit<int, int (*)(int), int>;

bool ended_with_cancel(const ref<call>& c) { return c->ready() && c->was_cancelled(); }

}  // namespace

TEST_CASE("the books know their size, kind and state", "[process_pool_core]") {
    const auto core = make_ref<books>(process_pool_options{.workers = 3});
    CHECK(core->size() == 3);
    CHECK(core->kind() == std::string("process_pool"));
    CHECK(core->ships());
    CHECK(core->state_name() == std::string("running"));
    CHECK_THROWS_AS(core->require_joinable(), tandem::invalid_state);
    core->close();
    CHECK(core->state_name() == std::string("closed"));
    core->require_joinable();
    core->terminate();
    CHECK(core->state_name() == std::string("terminated"));
    CHECK_THROWS_AS(core->require_open(), tandem::pool_closed);
}

TEST_CASE("what waits is counted, and ended by terminate", "[process_pool_core]") {
    const auto core = make_ref<books>(process_pool_options{.workers = 1});
    std::vector<ref<call>> calls;
    for (int i = 0; i < 5; ++i) {
        calls.push_back(make_ref<call>(core, &twice, i));
        core->start(ref<work>::share(calls.back().get()), 1, admission::submitted);
    }
    CHECK(core->stats().queued == 5);
    core->terminate();
    for (const auto& each : calls) CHECK(ended_with_cancel(each));
    CHECK(core->stats().queued == 0);
    CHECK(core->stats().failed == 5);
    const auto late = make_ref<call>(core, &twice, 9);
    CHECK_THROWS_AS(core->start(ref<work>::share(late.get()), 1, admission::submitted),
                    tandem::pool_closed);
}

TEST_CASE("calls that come back go to the front of the queue", "[process_pool_core]") {
    const auto core = make_ref<books>(process_pool_options{.workers = 1});
    const auto one = make_ref<call>(core, &twice, 1);
    REQUIRE(one->claim(1).count == 1);
    CHECK(core->stats().queued == 0);
    core->give_back({{ref<work>::share(one.get()), 0}});
    CHECK(core->stats().queued == 1);
    CHECK(one->claim(1).count == 1);
    one->fail(0, std::make_exception_ptr(tandem::cancelled_error()));
    core->terminate();  // the queue and what is in it own each other
}

TEST_CASE("calls that come back after the end are ended", "[process_pool_core]") {
    const auto core = make_ref<books>(process_pool_options{.workers = 1});
    const auto one = make_ref<call>(core, &twice, 1);
    REQUIRE(one->claim(1).count == 1);
    core->terminate();
    CHECK_FALSE(one->ready());
    core->give_back({{ref<work>::share(one.get()), 0}});
    CHECK(ended_with_cancel(one));
}

TEST_CASE("errors that nobody hears go to on_error", "[process_pool_core]") {
    int heard = 0;
    const auto core = make_ref<books>(
        process_pool_options{.workers = 1, .on_error = [&](std::exception_ptr) { ++heard; }});
    core->report(std::make_exception_ptr(std::runtime_error("x")));
    CHECK(heard == 1);
}
