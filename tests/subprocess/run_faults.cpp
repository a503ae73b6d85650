// SPDX-License-Identifier: BSL-1.0
// What cannot be made to fail otherwise is made to by strace, which is told which call is to fail.
#include <tandem/subprocess/run.hpp>

#include <tandem/subprocess/which.hpp>

#include "subprocess/tools.hpp"

#include <cstdio>
#include <string>
#include <vector>

using namespace tandem;
using namespace std::chrono_literals;
using tools::leaves_nothing;

// Run by the tests below, alone in a process whose system calls fail.
TEST_CASE("(a program runs while system calls fail)", "[.run_under_faults]") {
    const tandem::testing::leak_check leaks;
    std::string said;
    try {
        const auto r = run(command{"cat"} | command{"cat"},
                           {.input = "text", .capture_output = true, .timeout = 20s});
        said = r.out + " " + r.status.text();
    } catch (const spawn_error& e) {
        said = "spawn_error " + e.step() + " " + std::to_string(e.code().value());
    } catch (const io_error& e) {
        said = "io_error " + std::to_string(e.code().value());
    }
    std::printf("said: %s; left: %s.\n", said.c_str(), tools::leftovers(leaks).c_str());
}

namespace {

// What the case above says when strace does this to it.
std::string outcome(const std::string& inject) {
    // Not -f: what the child calls is its own affair.
    const auto self = std::filesystem::read_symlink("/proc/self/exe").string();
    const auto r = run(
        {"strace", "-qq", "-o", "/dev/null", "-e", "inject=" + inject, self, "[.run_under_faults]"},
        {.capture_output = true, .timeout = 60s, .kill = kill_scope::tree});
    const auto from = r.out.find("said: ");
    if (from == std::string::npos) return "nothing: " + r.out + r.err;
    const auto end = r.out.find(".\n", from);
    return r.out.substr(from + 6, end - from - 6);
}

bool can_inject() {
    if (tools::sanitized || !which("strace")) return false;
    return outcome("getpriority:error=EPERM") == "text exited with 0; left: ";
}

const std::string works = "text exited with 0; left: ";

}  // namespace

TEST_CASE("a system call that fails is reported by its step, and nothing is left", "[run]") {
    if (!can_inject()) {
        WARN("skipped: no strace, no right to trace, or a sanitizer that cannot be traced");
        return;
    }
    // The first and a later one, with another process running already. The first clone of all is
    // that of the process_pool's helper, in main.
    CHECK(outcome("pipe2:error=EMFILE:when=1") == "spawn_error pipe 24; left: ");
    CHECK(outcome("pipe2:error=ENFILE:when=3") == "spawn_error pipe 23; left: ");
    CHECK(outcome("clone:error=EAGAIN:when=2") == "spawn_error clone 11; left: ");
    CHECK(outcome("clone:error=EAGAIN:when=3") == "spawn_error clone 11; left: ");
    CHECK(outcome("clone:error=ENOMEM:when=2") == "spawn_error clone 12; left: ");
    CHECK(outcome("ppoll:error=ENOMEM:when=1") == "io_error 12; left: ");
}

TEST_CASE("a system call that is refused or interrupted is done in another way", "[run]") {
    if (!can_inject()) {
        WARN("skipped: no strace, no right to trace, or a sanitizer that cannot be traced");
        return;
    }
    for (const char* inject :
         {"clone:error=EPERM:when=2", "clone:error=EINVAL:when=2..3",
          "clone:error=ENOSYS:when=2..4", "waitid:error=EINTR:when=1", "waitid:error=EINVAL:when=1",
          "ppoll:error=EINTR:when=1..3", "read:error=EINTR:when=30+20", "write:error=EINTR:when=1",
          "write:error=EAGAIN:when=1", "mprotect:error=ENOMEM:when=40+",
          "close_range:error=EPERM"}) {
        CAPTURE(inject);
        CHECK(outcome(inject) == works);
    }
}
