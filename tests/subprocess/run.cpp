// SPDX-License-Identifier: BSL-1.0
#include <tandem/subprocess/run.hpp>

#include "subprocess/tools.hpp"

#include <atomic>
#include <chrono>
#include <csignal>
#include <stdexcept>
#include <string>

#include <sys/resource.h>

using namespace tandem;
using namespace std::chrono_literals;
using tools::leaves_nothing;

TEST_CASE("a program runs, and says what it has to say", "[run]") {
    leaves_nothing([] {
        const auto r = run({"echo", "Hello from the child!"}, {.capture_output = true});
        CHECK(r.out == "Hello from the child!\n");
        CHECK(r.err == "");
        CHECK(r.status.success());
        CHECK(r.args == std::vector<std::string>{"echo", "Hello from the child!"});
        CHECK(r.statuses.size() == 1);
        CHECK_FALSE(r.truncated);
        CHECK_FALSE(r.streams_abandoned);
        CHECK_FALSE(r.input_unread);
        CHECK(r.usage.max_memory > 0);
        const auto both = run(shell("echo out; echo err >&2"), {.capture_output = true});
        CHECK(both.out == "out\n");
        CHECK(both.err == "err\n");
        CHECK(run(shell("echo out; echo err >&2"), {.out = stdio::null, .err = stdio::pipe}).err ==
              "err\n");
    });
}

TEST_CASE("codes and signals are told apart", "[run]") {
    leaves_nothing([] {
        const auto seven = run({"sh", "-c", "echo reason >&2; exit 7"}, {.capture_output = true});
        CHECK(seven.status == exit_status::exited(7));
        try {
            seven.check();
            FAIL("nothing was thrown");
        } catch (const called_process_error& e) {
            CHECK(std::string(e.what()).ends_with("exited with 7: reason"));
        }
        const auto killed = run({"sh", "-c", "kill -9 $$"}).status;
        CHECK(killed == exit_status::signaled(SIGKILL));
        CHECK(killed.returncode() == -9);
        CHECK_THROWS_AS(run({"false"}, {.check = true}), called_process_error);
        CHECK(run({"true"}, {.check = true}).status.success());
    });
}

TEST_CASE("output is what a program writes, without one newline", "[run]") {
    leaves_nothing([] {
        CHECK(output({"printf", "a\\n\\n"}) == "a\n");
        CHECK(output({"printf", "a"}) == "a");
        CHECK(output({"true"}) == "");
        CHECK(output({"cat"}, {.input = "x"}) == "x");
        CHECK(output(shell("echo a; echo b >&2"), {.err = stdio::merge}) == "a\nb");
        try {
            output(shell("echo why >&2; exit 1"));
            FAIL("nothing was thrown");
        } catch (const called_process_error& e) {
            CHECK(e.process().err == "why\n");
        }
    });
}

TEST_CASE("options that contradict each other are refused", "[run]") {
    leaves_nothing([] {
        const auto refused = [](const run_options& o) {
            CHECK_THROWS_AS(run({"true"}, o), std::invalid_argument);
        };
        refused({.input = "x", .in = stdio::null});
        refused({.capture_output = true, .out = stdio::null});
        refused({.capture_output = true, .err = stdio::merge});
        refused({.in = stdio::merge});
    });
}

TEST_CASE("an empty input is an end, no input is ours", "[run]") {
    leaves_nothing([] {
        CHECK(run({"cat"}, {.input = "", .out = stdio::pipe}).out == "");
        CHECK(run({"cat"}, {.in = stdio::pipe, .out = stdio::pipe}).out == "");
        CHECK(output({"readlink", "/proc/self/fd/0"}) ==
              std::filesystem::read_symlink("/proc/self/fd/0").string());
    });
}

TEST_CASE("much goes in and comes out at once, twice", "[run]") {
    leaves_nothing([] {
        const auto data = tools::noise(tools::sanitized ? 20 << 20 : 100 << 20);
        const auto r = run({"tee", "/dev/stderr"}, {.input = data, .capture_output = true});
        CHECK(r.status.success());
        CHECK((r.out == data));
        CHECK((r.err == data));
    });
}

namespace {
std::atomic<int> sigpipes{0};
}

TEST_CASE("a program that does not read its input ends all the same", "[run]") {
    leaves_nothing([] {
        struct sigaction action{}, before{};
        action.sa_handler = [](int) { ++sigpipes; };
        ::sigaction(SIGPIPE, &action, &before);
        const std::string data(10 << 20, 'x');
        for (const command& c : {command{"true"}, command{"sleep", "0.05"},
                                 shell("exec <&-; sleep 0.05"), shell("head -c 100000")}) {
            const auto r = run(c, {.input = data, .capture_output = true});
            CHECK(r.status.success());
            CHECK(r.input_unread);
        }
        CHECK(sigpipes == 0);
        ::sigaction(SIGPIPE, &before, nullptr);
    });
}

TEST_CASE("of much output only the end, or the beginning, is kept", "[run]") {
    leaves_nothing([] {
        constexpr std::size_t limit = 1 << 20;
        const std::size_t total = 100 << 20;
        const command numbers = shell("seq 20000000 | head -c \"$1\"", std::to_string(total));
        const auto whole = run(numbers, {.capture_output = true}).out;
        REQUIRE(whole.size() == total);
        const auto tail =
            run(numbers,
                {.capture_output = true, .max_output = limit, .overflow = overflow::keep_tail});
        const auto head =
            run(numbers,
                {.capture_output = true, .max_output = limit, .overflow = overflow::keep_head});
        CHECK((tail.out == whole.substr(total - limit)));
        CHECK((head.out == whole.substr(0, limit)));
        for (const auto* r : {&tail, &head}) {
            CHECK(r->status.success());
            CHECK(r->truncated);
            CHECK(r->dropped == total - limit);
        }
    });
}

TEST_CASE("memory for a bounded capture stays bounded", "[run]") {
    if (tools::sanitized) {
        WARN("skipped: the sanitizer keeps memory that was freed");
        return;
    }
    const auto end = tools::in_child([] {
        const auto resident = [] {
            rusage now{};
            ::getrusage(RUSAGE_SELF, &now);
            return now.ru_maxrss / 1024;
        };
        const auto before = resident();
        std::string wrong;
        for (const auto policy : {overflow::keep_tail, overflow::keep_head}) {
            const auto r = run(shell("head -c 100M /dev/zero"),
                               {.capture_output = true, .max_output = 1 << 20, .overflow = policy});
            if (r.out.size() != 1 << 20) wrong += "not the limit; ";
        }
        if (resident() - before >= 8)
            wrong += "took " + std::to_string(resident() - before) + " MB";
        return wrong;
    });
    CHECK(end.text == "");
}

TEST_CASE("too much output kills the program and whatever is in its group", "[run]") {
    leaves_nothing([] {
        try {
            run(shell("echo $$; sleep 1000 & yes"),
                {.capture_output = true, .max_output = 1000, .kill = kill_scope::group});
            FAIL("it ended");
        } catch (const output_overflow& e) {
            CHECK(e.process().out.size() == 1000);
            CHECK(e.process().truncated);
            CHECK(e.process().status.signal() == SIGKILL);
            const int leader = std::stoi(e.process().out);
            CHECK(tools::eventually([&] { return ::kill(-leader, 0) != 0; }));  // reaped by init
        }
        CHECK_NOTHROW(run({"printf", "12345"}, {.capture_output = true, .max_output = 5}));
        CHECK_THROWS_AS(run({"printf", "123456"}, {.capture_output = true, .max_output = 5}),
                        output_overflow);
    });
}

TEST_CASE("what a program started may hold its streams, and is not waited for", "[run]") {
    leaves_nothing([] {
        within(tools::soon, [] {
            const auto start = std::chrono::steady_clock::now();
            auto r = run(shell("sleep 1000 & echo $!; echo hi"),
                         {.capture_output = true, .linger = 200ms});
            CHECK(std::chrono::steady_clock::now() - start >= 200ms);
            CHECK(r.status.success());
            CHECK(r.streams_abandoned);
            CHECK(r.out.ends_with("\nhi\n"));
            tools::kill_one(std::stoi(r.out), SIGKILL);
            // Its last words are not lost, however short the time is.
            r = run(shell("sleep 1000 & echo $!; head -c 60000 /dev/zero"),
                    {.capture_output = true, .linger = 0ms});
            CHECK(r.out.size() > 60000);
            tools::kill_one(std::stoi(r.out), SIGKILL);
            // A stream that ends before the time is over is read to its end.
            r = run(shell("(sleep 0.1; echo late) & echo early"),
                    {.capture_output = true, .linger = 10s});
            CHECK(r.out == "early\nlate\n");
            CHECK_FALSE(r.streams_abandoned);
            // One that reads the input is given it meanwhile.
            const tools::temporary_folder folder;
            const std::string data = tools::noise(1 << 20);
            r = run(shell("exec 3<&0; cat <&3 > \"$1\" & exit 0", folder / "x"),
                    {.input = data, .linger = 10s});
            CHECK_FALSE(r.input_unread);
            CHECK(tools::eventually([&] { return tools::text_of(folder / "x") == data; }));
        });
    });
}

TEST_CASE("at a time-out a program is asked to end, then killed", "[run]") {
    leaves_nothing([] {
        const auto expired = [](const command& c, const run_options& o) {
            try {
                run(c, o);
            } catch (const timeout_expired& e) {
                return e.process();
            }
            return completed_process{};
        };
        auto start = std::chrono::steady_clock::now();
        auto r = expired(
            shell("trap '' TERM; echo ready; while :; do sleep 0.1; done"),
            {.capture_output = true, .timeout = 300ms, .grace = 100ms, .kill = kill_scope::group});
        CHECK(std::chrono::steady_clock::now() - start >= 400ms);
        CHECK(r.status.signal() == SIGKILL);
        CHECK(r.out == "ready\n");
        // One that listens may end in its own way, and say so.
        r = expired(shell("trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.01; done"),
                    {.capture_output = true, .timeout = 300ms, .grace = 20s});
        CHECK(r.status.code() == 3);
        CHECK(r.out == "ready\nbye\n");
        r = expired({"sleep", "1000"}, {.timeout = 1ms});
        CHECK(r.status.signal() == SIGKILL);
        r = expired({"sleep", "1000"}, {.timeout = -1ms});
        CHECK(r.status.signal() == SIGKILL);
    });
}

TEST_CASE("a program that never stops writing is over time too", "[run]") {
    leaves_nothing([] {
        try {
            run({"yes"}, {.capture_output = true,
                          .timeout = 50ms,
                          .max_output = 1 << 16,
                          .overflow = overflow::keep_tail});
            FAIL("it ended");
        } catch (const timeout_expired& e) {
            CHECK(e.process().out.size() == 1 << 16);
        }
    });
}

TEST_CASE("a time-out that is long enough changes nothing", "[run]") {
    leaves_nothing([] {
        CHECK(
            run({"echo", "x"}, {.capture_output = true, .timeout = std::chrono::nanoseconds::max()})
                .out == "x\n");
        CHECK(run({"echo", "x"}, {.capture_output = true, .timeout = 1h}).out == "x\n");
    });
}

TEST_CASE("one byte at a time is as good as many", "[run]") {
    leaves_nothing([] {
        const auto r = run(shell("for i in 1 2 3 4 5 6 7 8 9; do printf $i; sleep 0.001; done"),
                           {.capture_output = true});
        CHECK(r.out == "123456789");
    });
}
