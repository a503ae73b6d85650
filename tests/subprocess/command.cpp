// SPDX-License-Identifier: BSL-1.0
#include <tandem/subprocess/command.hpp>

#include <tandem/subprocess/run.hpp>

#include "subprocess/tools.hpp"

#include <csignal>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

using namespace tandem;
using namespace std::chrono_literals;
using tools::leaves_nothing;

// {{"ls", "-l"}} must not become the string between two pointers.
static_assert(!std::is_constructible_v<argument, const char*, const char*>);
static_assert(!std::is_constructible_v<argument, std::nullptr_t>);

namespace {

using words = std::vector<std::string>;

// What a shell command prints in the surroundings of the command.
std::string printed(command c) { return output(c); }

}  // namespace

TEST_CASE("arguments are strings of any kind, and paths", "[command]") {
    const std::string text = "b c";
    const std::string_view view = "d";
    const command c{"a", text, view, std::filesystem::path("/e")};
    CHECK(c.args() == words{"a", "b c", "d", "/e"});
    CHECK(command(words{"x", "y"}).args() == words{"x", "y"});
}

TEST_CASE("a command that cannot be one is refused when it is made", "[command]") {
    CHECK_THROWS_AS(command(words{}), std::invalid_argument);
    CHECK_THROWS_AS(command({"a", std::string("b\0c", 3)}), std::invalid_argument);
    command c{"true"};
    CHECK_THROWS_AS(c.env("", "x"), std::invalid_argument);
    CHECK_THROWS_AS(c.env("A=B", "x"), std::invalid_argument);
    CHECK_THROWS_AS(c.env(std::string("A\0", 2), "x"), std::invalid_argument);
    CHECK_THROWS_AS(c.env("A", std::string("\0", 1)), std::invalid_argument);
    CHECK_THROWS_AS(c.user("nobody of this name"), std::invalid_argument);
    CHECK_THROWS_AS(c.group("no group of this name"), std::invalid_argument);
    CHECK_THROWS_AS(c.pass_fd(-1), std::invalid_argument);
    CHECK_THROWS_AS(c.pass_fd(5, 2), std::invalid_argument);
    CHECK_THROWS_AS(c.pass_fd(1), std::invalid_argument);
    CHECK_THROWS_AS(c.pass_fd(5, 7).pass_fd(6, 7), std::invalid_argument);
    CHECK_THROWS_AS(c.process_group(-2), std::invalid_argument);
    CHECK_THROWS_AS(c.pipe_size(0), std::invalid_argument);
    CHECK_THROWS_AS(c.err(stdio::pipe), std::invalid_argument);
    const command taken = std::move(c);
    CHECK_THROWS_AS(run(c), std::invalid_argument);
}

TEST_CASE("no argument is taken apart or interpreted", "[command]") {
    const auto r =
        run({"printf", "%s|", "a b", "$HOME", "\"q\" 'q'", "*", ""}, {.capture_output = true});
    CHECK(r.out == "a b|$HOME|\"q\" 'q'|*||");
}

TEST_CASE("the environment is inherited, changed, or empty", "[command]") {
    leaves_nothing([] {
        ::setenv("TANDEM_TEST", "ours", 1);
        const auto show = shell("echo \"$TANDEM_TEST/$OTHER\"");
        CHECK(printed(show) == "ours/");
        CHECK(printed(command(show).env("OTHER", "a b")) == "ours/a b");
        CHECK(printed(command(show).env("TANDEM_TEST", "1").env("TANDEM_TEST", "2")) == "2/");
        CHECK(printed(command(show).unset_env("TANDEM_TEST")) == "/");
        CHECK(printed(command(show).unset_env("TANDEM_TEST").env("TANDEM_TEST", "")) == "/");
        CHECK(output(command{"env"}.clear_env().env("ONLY", "this")) == "ONLY=this");
        CHECK(output(command{"/usr/bin/env"}.clear_env()) == "");
        CHECK(std::string(std::getenv("TANDEM_TEST")) == "ours");
        ::unsetenv("TANDEM_TEST");
    });
}

TEST_CASE("the PATH that counts is that of the program", "[command]") {
    leaves_nothing([] {
        const tools::temporary_folder folder;
        folder.write("only-here", "#!/bin/sh\necho found\n", 0755);
        CHECK(printed(command{"only-here"}.env("PATH", folder.path())) == "found");
        CHECK(tools::spawn_failure([] { run({"only-here"}); }) == "exec 2 only-here");
        // Empty and relative entries are no places to look.
        for (const char* path : {"", ":", ".", "sub:."}) {
            CHECK(tools::spawn_failure([&] {
                      run(command{"only-here"}.env("PATH", path).cwd(folder.path()));
                  }) == "exec 2 only-here");
        }
        // A folder of that name, or a file that may not be run, does not hide the program.
        std::filesystem::create_directories(folder / "a/only-here");
        std::filesystem::create_directories(folder / "b");
        folder.write("b/only-here", "no program", 0644);
        const auto path = folder / "a" + ":" + folder / "b" + ":/nonexistent:" + folder.path();
        CHECK(printed(command{"only-here"}.env("PATH", path)) == "found");
        CHECK(tools::spawn_failure([&] { run(command{"only-here"}.env("PATH", folder / "b")); }) ==
              "exec 13 " + folder / "b/only-here");
    });
}

TEST_CASE("a relative program is taken from the folder that it starts in", "[command]") {
    leaves_nothing([] {
        const tools::temporary_folder folder;
        folder.write("here", "#!/bin/sh\npwd\n", 0755);
        const auto real = std::filesystem::canonical(folder.path()).string();
        CHECK(printed(command{"./here"}.cwd(folder.path())) == real);
        CHECK(tools::spawn_failure([] { run({"./here"}); }) == "exec 2 ./here");
        CHECK(tools::spawn_failure([] { run(command{"true"}.cwd("/nonexistent")); }) ==
              "chdir 2 /nonexistent");
    });
}

TEST_CASE("another file is executed under the name that was given", "[command]") {
    CHECK(output(command{"called this", "-c", "echo $0"}.executable("/bin/sh")) == "called this");
    CHECK(output(command{"called this", "-c", "echo $0"}.executable("sh")) == "called this");
}

TEST_CASE("groups, sessions, masks and limits are those that were ordered", "[command]") {
    leaves_nothing([] {
        subprocess own(command{"sleep", "100"}.process_group());
        CHECK(::getpgid(own.pid()) == own.pid());
        CHECK(::getsid(own.pid()) == ::getsid(0));
        subprocess joined(command{"sleep", "100"}.process_group(own.pid()));
        CHECK(::getpgid(joined.pid()) == own.pid());
        subprocess session(command{"sleep", "100"}.new_session());
        CHECK(::getsid(session.pid()) == session.pid());
        subprocess plain({"sleep", "100"});
        CHECK(::getpgid(plain.pid()) == ::getpgrp());
        CHECK(printed(shell("umask").umask(027)) == "0027");
        CHECK(printed(shell("ulimit -n; ulimit -Hn").limit(RLIMIT_NOFILE, 50, 60)) == "50\n60");
        CHECK(printed(shell("ulimit -c").limit(RLIMIT_CORE, 0)) == "0");
    });
}

TEST_CASE("a program runs as somebody else", "[command]") {
    if (::geteuid() != 0) {
        WARN("skipped: only root may change who it is");
        return;
    }
    leaves_nothing([] {
        const auto show = shell("id -u; id -g; id -G");
        CHECK(printed(command(show).groups({}).group(7).user(1234)) == "1234\n7\n7");
        CHECK(printed(command(show).groups({5, 6}).group(7).user(1234)) == "1234\n7\n7 5 6");
        CHECK(printed(shell("id -un; id -gn").group("daemon").user("nobody")) == "nobody\ndaemon");
        CHECK(tools::spawn_failure([] {
                  run(command{"/root/nothing"}.user(1234));
              }).starts_with("exec "));
    });
}

TEST_CASE("each step that fails is named", "[command]") {
    leaves_nothing([] {
        const tools::temporary_folder folder;
        const auto text = folder.write("text", "no program", 0755);
        const auto sealed = folder.write("sealed", "#!/bin/sh\n", 0644);
        const auto failure = [](const command& c) { return tools::spawn_failure([&] { run(c); }); };
        CHECK(failure({"/nonexistent/program"}) == "exec 2 /nonexistent/program");
        CHECK(failure({sealed}) == "exec 13 " + sealed);
        CHECK(failure({folder.path()}) == "exec 13 " + folder.path());
        CHECK(failure({text}) == "exec 8 " + text);
        CHECK(failure(command{"true"}.process_group(1)).starts_with("setpgid 1 "));
        CHECK(failure(command{"true"}.limit(RLIMIT_NOFILE, rlim_t{1} << 40)) == "setrlimit 1 true");
        CHECK(failure(command{"true"}.limit(RLIMIT_NOFILE, 20, 10)) == "setrlimit 22 true");
        CHECK(failure(command{"true"}.pass_fd(12345, 5)) == "dup 9 true");
        CHECK(failure({""}) == "exec 2 ");
        CHECK(failure(command{"true", std::string(4 << 20, 'x')}).starts_with("exec 7 "));
    });
}

TEST_CASE("without the right to, a program cannot run as somebody else", "[command]") {
    if (::geteuid() != 0) {
        WARN("skipped: needs root, to be somebody who is not");
        return;
    }
    if (tools::sanitized) {
        WARN("skipped: forks a process with threads");
        return;
    }
    const auto end = tools::in_child([] {
        if (::setresgid(1234, 1234, 1234) != 0 || ::setresuid(1234, 1234, 1234) != 0)
            return std::string("?");
        std::string said;
        for (const command& c :
             {command{"true"}.groups({}), command{"true"}.group(0), command{"true"}.user(0)}) {
            said += tools::spawn_failure([&] { run(c); }) + ", ";
        }
        return said;
    });
    CHECK(end.text == "setgroups 1 true, setgid 1 true, setuid 1 true, ");
}
