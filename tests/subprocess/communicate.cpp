// SPDX-License-Identifier: BSL-1.0
#include <tandem/subprocess/communicate.hpp>

#include <tandem/subprocess/subprocess.hpp>

#include "subprocess/tools.hpp"

#include <chrono>
#include <csignal>
#include <stdexcept>
#include <string>

using namespace tandem;
using namespace std::chrono_literals;
using tools::leaves_nothing;

TEST_CASE("a conversation that ran out of time goes on where it was", "[communicate]") {
    leaves_nothing([] {
        // Goes on when it is told to; its input stays open while there is some of it left.
        auto [gate, key] = detail::make_socketpair(SOCK_STREAM);
        subprocess q(command{"sh", "-c", "printf one; read x <&9; printf two; cat >&2"}.pass_fd(
                         gate.get(), 9),
                     {.in = stdio::pipe, .out = stdio::pipe, .err = stdio::pipe});
        const auto input = tools::noise(3 << 20);
        try {
            q.communicate(std::string(input), 50ms);
            FAIL("it ended in time");
        } catch (const timeout_expired& e) {
            CHECK(e.process().args.front() == "sh");
            CHECK((e.process().out == "one" || e.process().out == ""));
        }
        CHECK_THROWS_AS(q.communicate("more"), std::invalid_argument);
        REQUIRE(::write(key.get(), "\n", 1) == 1);
        const auto all = q.communicate();
        CHECK(all.out == "onetwo");
        CHECK((all.err == input));
        CHECK(q.wait().success());
        CHECK(q.communicate().out == "");
    });
}

TEST_CASE("a conversation gives what was read ahead, too", "[communicate]") {
    leaves_nothing([] {
        subprocess p({"printf", "a\\nb\\nc\\n"}, {.out = stdio::pipe});
        auto lines = p.out().lines();
        CHECK(*lines.begin() == "a");
        CHECK(p.communicate().out == "b\nc\n");
    });
}

TEST_CASE("a conversation without pipes waits for the end", "[communicate]") {
    leaves_nothing([] {
        subprocess p({"sleep", "0.05"});
        const auto all = p.communicate();
        CHECK(all.out == "");
        CHECK(p.poll()->success());
        CHECK_THROWS_AS(subprocess({"true"}).communicate("input"), std::invalid_argument);
    });
}

TEST_CASE("a conversation may be asked for what there is now", "[communicate]") {
    leaves_nothing([] {
        subprocess p({"sh", "-c", "echo x; exec sleep 1000"}, {.out = stdio::pipe});
        std::string seen;
        CHECK(tools::eventually([&] {
            try {
                p.communicate({}, 0ms);
            } catch (const timeout_expired& e) {
                seen = e.process().out;
            }
            return seen == "x\n";
        }));
        CHECK(p.terminate());
        CHECK(p.communicate().out == "x\n");
        CHECK(p.wait().signal() == SIGTERM);
    });
}

TEST_CASE("too much output ends the program, or is counted", "[communicate]") {
    leaves_nothing([] {
        subprocess p({"yes"}, {.out = stdio::pipe, .max_output = 1000});
        try {
            p.communicate();
            FAIL("it ended");
        } catch (const output_overflow& e) {
            CHECK(e.process().out.size() == 1000);
            CHECK(e.process().truncated);
        }
        CHECK(p.wait().signal() == SIGKILL);
        subprocess q({"sh", "-c", "seq 1000"},
                     {.out = stdio::pipe, .max_output = 5, .overflow = overflow::keep_tail});
        CHECK(q.communicate().out == "1000\n");
    });
}

TEST_CASE("killing a program from another thread ends the conversation", "[communicate]") {
    leaves_nothing([] {
        subprocess p({"sleep", "1000"}, {.in = stdio::pipe, .out = stdio::pipe});
        std::thread killer([&] {
            std::this_thread::sleep_for(20ms);
            p.kill();
        });
        const auto data = tools::noise(1 << 20);
        p.communicate(data);
        killer.join();
        CHECK(p.wait().signal() == SIGKILL);
    });
}
