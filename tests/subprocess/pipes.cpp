// SPDX-License-Identifier: BSL-1.0
#include <tandem/subprocess/pipes.hpp>

#include <tandem/subprocess/subprocess.hpp>

#include "subprocess/tools.hpp"

#include <atomic>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

using namespace tandem;
using namespace std::chrono_literals;
using tools::leaves_nothing;

namespace {

std::vector<std::string> lines_of(const command& c, std::size_t max = 1 << 20) {
    subprocess p(c, {.out = stdio::pipe});
    std::vector<std::string> all;
    for (const std::string& line : p.out().lines(max)) all.push_back(line);
    return all;
}
using words = std::vector<std::string>;

std::atomic<int> sigpipes{0};

}  // namespace

TEST_CASE("one writes to a program and reads from it, in turn", "[pipes]") {
    leaves_nothing([] {
        subprocess p({"cat"}, {.in = stdio::pipe, .out = stdio::pipe});
        CHECK(p.in().write("one\n"));
        CHECK(p.out().read() == "one\n");
        CHECK(p.in().write("two"));
        CHECK(p.out().read(2) == "tw");
        CHECK(p.out().read(2) == "o");
        p.in().close();
        CHECK_FALSE(p.in().is_open());
        CHECK(p.out().read() == "");
        CHECK(p.out().read_all() == "");
        CHECK(p.wait().success());
    });
}

TEST_CASE("lines come without their ends, the last one too if it has none", "[pipes]") {
    leaves_nothing([] {
        CHECK(lines_of({"printf", "a\\nb\\n"}) == words{"a", "b"});
        CHECK(lines_of({"printf", "a\\n\\nb"}) == words{"a", "", "b"});
        CHECK(lines_of({"printf", "\\n"}) == words{""});
        CHECK(lines_of({"true"}).empty());
    });
}

TEST_CASE("a line that is too long comes in pieces", "[pipes]") {
    leaves_nothing([] {
        CHECK(lines_of({"printf", "abcdefg\\nabc\\nabcd\\n"}, 3) ==
              words{"abc", "def", "g", "abc", "abc", "d"});
        subprocess p({"sh", "-c", "head -c 10485760 /dev/zero | tr '\\0' x; printf '\\nend'"},
                     {.out = stdio::pipe});
        auto lines = p.out().lines(65536);
        std::size_t pieces = 0, bytes = 0;
        auto line = lines.begin();
        for (; line.partial(); ++line) {
            ++pieces;
            bytes += (*line).size();
            if ((*line).size() != 65536) break;
        }
        bytes += (*line).size();
        CHECK(pieces == 159);
        CHECK(bytes == 10485760);
        ++line;
        CHECK(*line == "end");
        ++line;
        CHECK(line == lines.end());
        CHECK_THROWS_AS(p.out().lines(0), std::invalid_argument);
    });
}

TEST_CASE("lines are seen as they are written", "[pipes]") {
    leaves_nothing([] {
        subprocess p({"sh", "-c", "while read x; do echo got $x; done"},
                     {.in = stdio::pipe, .out = stdio::pipe});
        p.in().write("1\n");
        auto lines = p.out().lines();
        auto line = lines.begin();
        CHECK(*line == "got 1");
        p.in().write("2\n");
        ++line;
        CHECK(*line == "got 2");
        p.in().close();
        ++line;
        CHECK(line == lines.end());
    });
}

TEST_CASE("reading and writing end in time", "[pipes]") {
    leaves_nothing([] {
        subprocess p({"sleep", "1000"}, {.in = stdio::pipe, .out = stdio::pipe});
        CHECK_THROWS_AS(p.out().read(10, 20ms), timeout_error);
        CHECK_THROWS_AS(p.out().read_all(20ms), timeout_error);
        CHECK_THROWS_AS(p.in().write(std::string(1 << 20, 'x'), 20ms), timeout_error);
        CHECK(p.kill());
        CHECK(p.out().read_all() == "");
    });
}

TEST_CASE("what was read before a time-out is not lost", "[pipes]") {
    leaves_nothing([] {
        subprocess p({"sh", "-c", "printf first; read x; printf second"},
                     {.in = stdio::pipe, .out = stdio::pipe});
        CHECK_THROWS_AS(p.out().read_all(100ms), timeout_error);
        p.in().write("\n");
        CHECK(p.out().read_all() == "firstsecond");
    });
}

TEST_CASE("a program that reads no more makes a write fail, and sends us no signal", "[pipes]") {
    leaves_nothing([] {
        struct sigaction action{}, before{};
        action.sa_handler = [](int) { ++sigpipes; };
        ::sigaction(SIGPIPE, &action, &before);
        subprocess p({"true"}, {.in = stdio::pipe});
        static_cast<void>(p.wait());
        CHECK_FALSE(p.in().write("x"));
        CHECK_FALSE(p.in().write("y"));
        sigset_t pending;
        ::sigpending(&pending);
        CHECK(::sigismember(&pending, SIGPIPE) == 0);
        CHECK(sigpipes == 0);
        ::sigaction(SIGPIPE, &before, nullptr);
    });
}

TEST_CASE("a pipe that is not there is said to be so", "[pipes]") {
    leaves_nothing([] {
        subprocess p({"true"});
        CHECK_FALSE(p.in().is_open());
        CHECK_FALSE(p.out().is_open());
        CHECK(p.out().fd() == -1);
        CHECK_THROWS_AS(p.in().write("x"), invalid_state);
        CHECK_THROWS_AS(p.out().read(), invalid_state);
        CHECK_THROWS_AS(p.err().read_all(), invalid_state);
    });
}

TEST_CASE("a grandchild that holds the output does not make a reader wait for ever", "[pipes]") {
    leaves_nothing([] {
        within(tools::soon, [] {
            subprocess p(shell("sleep 1000 & echo $!; echo hi"),
                         {.out = stdio::pipe, .linger = 30ms});
            words all;
            for (const std::string& line : p.out().lines()) all.push_back(line);
            REQUIRE(all.size() == 2);
            CHECK(all[1] == "hi");
            tools::kill_one(std::stoi(all[0]), SIGKILL);
            // One that goes on writing as well.
            subprocess q(shell("echo $$; (exec yes) & echo $!; sleep 0.05"),
                         {.out = stdio::pipe, .kill = kill_scope::group, .linger = 30ms});
            CHECK(q.out().read_all().size() > 1000);
            CHECK(q.kill());
        });
    });
}

TEST_CASE("one thread writes while another one reads", "[pipes]") {
    leaves_nothing([] {
        const auto data = tools::noise(5 << 20);
        subprocess p({"cat"}, {.in = stdio::pipe, .out = stdio::pipe});
        std::thread writer([&] {
            p.in().write(data);
            p.in().close();
        });
        const auto text = p.out().read_all();
        writer.join();
        CHECK((text == data));
    });
}
