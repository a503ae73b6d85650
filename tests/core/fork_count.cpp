// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/fork_count.hpp>

#include "../support/catch.hpp"

#if TANDEM_LINUX
#include <sys/wait.h>
#include <unistd.h>
#endif

using tandem::detail::fork_count;

TEST_CASE("the count stays where it is in one process", "[fork_count]") {
    const auto before = fork_count();
    CHECK(fork_count() == before);
}

#if TANDEM_LINUX

namespace {

// What `look` returns in a child process, as an exit code.
template <class Look>
int in_child(Look look) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(look());
    int status = -1;
    if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
    return WEXITSTATUS(status);
}

}  // namespace

TEST_CASE("a forked process counts one more, and its own child another", "[fork_count]") {
    const auto before = fork_count();
    CHECK(in_child([&] { return static_cast<int>(fork_count() - before); }) == 1);
    CHECK(in_child([&] {
              return in_child([&] { return static_cast<int>(fork_count() - before); });
          }) == 2);
}

TEST_CASE("forking changes nothing in the parent", "[fork_count]") {
    const auto before = fork_count();
    CHECK(in_child([] { return 0; }) == 0);
    CHECK(fork_count() == before);
}

#endif
