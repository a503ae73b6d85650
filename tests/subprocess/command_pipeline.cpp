// SPDX-License-Identifier: BSL-1.0
#include <tandem/subprocess/command_pipeline.hpp>

#include <tandem/subprocess/run.hpp>

#include "subprocess/tools.hpp"

#include <csignal>
#include <string>
#include <vector>

using namespace tandem;
using namespace std::chrono_literals;
using tools::leaves_nothing;

TEST_CASE("commands are put in a row in any grouping", "[command_pipeline]") {
    const command a{"a", "1"}, b{"b"}, c{"c"};
    const std::vector<std::string> all = {"a", "1", "|", "b", "|", "c"};
    CHECK((a | b | c).args() == all);
    CHECK((a | (b | c)).args() == all);
    CHECK(((a | b) | (b | c)).stages().size() == 4);
}

TEST_CASE("each command reads what the one before it writes", "[command_pipeline]") {
    leaves_nothing([] {
        const auto r = run(command{"cat"} | command{"tr", "a-z", "A-Z"} | command{"rev"},
                           {.input = "hello", .capture_output = true, .check = true});
        CHECK(r.out == "OLLEH");
        CHECK(r.statuses.size() == 3);
        CHECK(output(command{"echo", "x"} | command{"cat"}) == "x");
    });
}

TEST_CASE("a writer whose reader had enough succeeded", "[command_pipeline]") {
    leaves_nothing([] {
        const auto r =
            run(command{"yes"} | command{"head", "-1"}, {.capture_output = true, .check = true});
        CHECK(r.out == "y\n");
        CHECK(r.statuses[0] == exit_status::signaled(SIGPIPE));
        CHECK(r.statuses[1].success());
        CHECK(r.status.success());
    });
}

TEST_CASE("the status is that of the last stage that failed", "[command_pipeline]") {
    leaves_nothing([] {
        const auto status = [](const command_pipeline& p) { return run(p).status; };
        CHECK(status(shell("exit 3") | command{"true"}).code() == 3);
        CHECK(status(shell("exit 3") | shell("exit 4") | command{"true"}).code() == 4);
        CHECK(status(command{"true"} | shell("exit 5")).code() == 5);
        CHECK(status(command{"true"} | shell("kill -PIPE $$")).signal() == SIGPIPE);
        CHECK(status(shell("kill -TERM $$") | command{"true"}).signal() == SIGTERM);
        CHECK_THROWS_AS(run(shell("exit 3") | command{"true"}, {.check = true}),
                        called_process_error);
    });
}

TEST_CASE("standard error of all stages comes together, or goes where a stage says",
          "[command_pipeline]") {
    leaves_nothing([] {
        const auto noisy = shell("echo from a >&2; echo data");
        auto r = run(noisy | shell("cat; echo from b >&2"), {.capture_output = true});
        CHECK(r.out == "data\n");
        CHECK(r.err == "from a\nfrom b\n");
        r = run(command(noisy).err(stdio::merge) | command{"sort"}, {.capture_output = true});
        CHECK(r.out == "data\nfrom a\n");
        CHECK(r.err == "");
        r = run(command(noisy).err(stdio::null) | command{"cat"}, {.capture_output = true});
        CHECK(r.err == "");
        const tools::temporary_folder folder;
        run(command(noisy).err(to_file(folder / "err")) | command{"cat"}, {.out = stdio::null});
        CHECK(tools::text_of(folder / "err") == "from a\n");
        run(noisy | shell("cat; echo from b >&2"),
            {.out = stdio::null, .err = to_file(folder / "both")});
        CHECK(tools::text_of(folder / "both").size() == 14);
    });
}

TEST_CASE("a stage that cannot start takes the others with it", "[command_pipeline]") {
    leaves_nothing([] {
        CHECK(tools::spawn_failure([] {
                  run(command{"sleep", "1000"} | command{"/nonexistent"} | command{"cat"});
              }) == "exec 2 /nonexistent");
        CHECK(tools::spawn_failure([] { run(command{"/nonexistent"} | command{"cat"}); }) ==
              "exec 2 /nonexistent");
    });
}

TEST_CASE("a time-out is for the whole pipeline", "[command_pipeline]") {
    leaves_nothing([] {
        CHECK_THROWS_AS(run(command{"sleep", "1000"} | command{"cat"} | command{"sleep", "1000"},
                            {.timeout = 50ms}),
                        timeout_expired);
    });
}

TEST_CASE("much goes through a pipeline of commands", "[command_pipeline]") {
    leaves_nothing([] {
        const auto data = tools::noise(20 << 20);
        const auto r = run(command{"cat"}.pipe_size(1 << 18) | command{"cat"} | command{"cat"},
                           {.input = data, .capture_output = true, .check = true});
        CHECK((r.out == data));
    });
}
