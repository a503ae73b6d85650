// SPDX-License-Identifier: BSL-1.0
#include <tandem/subprocess/exit_status.hpp>

#include "support/catch.hpp"

#include <csignal>
#include <optional>
#include <sstream>

using tandem::exit_status;

TEST_CASE("a code, a signal and nothing known are three things", "[exit_status]") {
    const auto seven = exit_status::exited(7);
    CHECK(seven.code() == 7);
    CHECK_FALSE(seven.signal());
    CHECK_FALSE(seven.success());
    CHECK_FALSE(seven.unknown());
    CHECK(seven.returncode() == 7);

    const auto killed = exit_status::signaled(SIGKILL);
    CHECK_FALSE(killed.code());
    CHECK(killed.signal() == SIGKILL);
    CHECK_FALSE(killed.success());
    CHECK(killed.returncode() == -9);
    CHECK_FALSE(killed == exit_status::exited(9));
    CHECK_FALSE(killed == exit_status::exited(137));

    CHECK(exit_status::exited(0).success());
}

TEST_CASE("an unknown status is never success and has no returncode", "[exit_status]") {
    const exit_status unknown;
    CHECK(unknown.unknown());
    CHECK_FALSE(unknown.success());
    CHECK_FALSE(unknown.code());
    CHECK_FALSE(unknown.signal());
    CHECK_THROWS_AS(unknown.returncode(), tandem::invalid_state);
    CHECK(unknown.text() == "ended, nobody knows how");
}

TEST_CASE("a status says in words what it is", "[exit_status]") {
    CHECK(exit_status::exited(3).text() == "exited with 3");
    CHECK(exit_status::signaled(SIGTERM).text() == "died with SIGTERM");
    CHECK(exit_status::signaled(SIGSEGV, true).text() == "died with SIGSEGV (core dumped)");
    CHECK(exit_status::signaled(SIGRTMIN + 2).text() == "died with SIGRTMIN+2");
    CHECK(exit_status::signaled(123).text() == "died with signal 123");
    std::ostringstream out;
    out << exit_status::signaled(SIGPIPE);
    CHECK(out.str() == "died with SIGPIPE");
}

TEST_CASE("what waitid says becomes a status", "[exit_status]") {
    siginfo_t info{};
    info.si_code = CLD_EXITED;
    info.si_status = 5;
    CHECK(tandem::detail::status_from(info) == exit_status::exited(5));
    info.si_code = CLD_DUMPED;
    info.si_status = SIGABRT;
    CHECK(tandem::detail::status_from(info) == exit_status::signaled(SIGABRT, true));
    CHECK(tandem::detail::status_from(info).core_dumped());
    info.si_code = 0;
    CHECK(tandem::detail::status_from(info).unknown());
}
