// SPDX-License-Identifier: BSL-1.0
#include <tandem/subprocess/completed_process.hpp>

#include "support/catch.hpp"

#include <csignal>
#include <string>
#include <utility>
#include <vector>

using namespace tandem;

namespace {

completed_process failed() {
    completed_process p;
    p.args = {"git", "commit", "-m", "a message"};
    p.status = exit_status::exited(7);
    p.statuses = {p.status};
    p.out = "out";
    p.err = "line 1\nline 2\n";
    return p;
}

}  // namespace

TEST_CASE("a failure is thrown with all that is known about it", "[completed_process]") {
    try {
        failed().check();
        FAIL("nothing was thrown");
    } catch (const called_process_error& e) {
        CHECK(std::string(e.what()) == "git commit -m 'a message': exited with 7: line 1\nline 2");
        CHECK(e.process().status.code() == 7);
        CHECK(e.process().out == "out");
        CHECK(e.process().args.size() == 4);
    }
}

TEST_CASE("success passes through a check, anything else does not", "[completed_process]") {
    auto p = failed();
    p.status = exit_status::exited(0);
    CHECK(&p.check() == &p);
    CHECK(std::move(p).check().out == "out");
    p.status = exit_status::signaled(SIGPIPE);
    CHECK_THROWS_AS(p.check(), called_process_error);
    p.status = {};
    CHECK_THROWS_AS(p.check(), called_process_error);
}

TEST_CASE("messages stay short", "[completed_process]") {
    auto p = failed();
    p.args.insert(p.args.end(), 1000, "argument");
    p.err = std::string(100'000, 'x') + "the end\n";
    try {
        p.check();
    } catch (const called_process_error& e) {
        const std::string what = e.what();
        CHECK(what.size() < 700);
        CHECK(what.ends_with("xthe end"));
    }
}

TEST_CASE("the status of a pipeline is that of the last stage that failed", "[completed_process]") {
    const auto ok = exit_status::exited(0);
    const auto three = exit_status::exited(3);
    const auto pipe = exit_status::signaled(SIGPIPE);
    CHECK(detail::status_of({ok, ok}) == ok);
    CHECK(detail::status_of({three, ok}) == three);
    CHECK(detail::status_of({three, pipe, ok}) == three);
    CHECK(detail::status_of({pipe, ok}) == ok);
    CHECK(detail::status_of({ok, pipe}) == pipe);
    CHECK(detail::status_of({exit_status{}, ok}).unknown());
}
