// SPDX-License-Identifier: BSL-1.0
#include <tandem/subprocess/subprocess.hpp>

#include <tandem/subprocess/run.hpp>

#include "subprocess/tools.hpp"

#include <chrono>
#include <csignal>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <sys/resource.h>

using namespace tandem;
using namespace std::chrono_literals;
using tools::leaves_nothing;

static_assert(std::is_nothrow_move_constructible_v<subprocess>);
static_assert(!std::is_copy_constructible_v<subprocess>);

TEST_CASE("a program runs beside us, is polled, waited for and has a status", "[subprocess]") {
    leaves_nothing([] {
        subprocess p({"sh", "-c", "read x; exit 5"}, {.in = stdio::pipe});
        CHECK_FALSE(p.poll());
        CHECK_FALSE(p.wait(10ms));
        CHECK(p.args().front() == "sh");
        CHECK(p.pid() > 1);
        p.in().close();
        CHECK(p.wait().code() == 5);
        CHECK(p.wait().code() == 5);
        CHECK(p.poll()->code() == 5);
        CHECK(p.wait(0ms)->code() == 5);
    });
}

TEST_CASE("a wait ends in time and takes no part of a CPU", "[subprocess]") {
    leaves_nothing([] {
        subprocess p({"sleep", "1000"});
        const auto used = [] {
            rusage now{};
            ::getrusage(RUSAGE_THREAD, &now);
            return std::chrono::seconds(now.ru_utime.tv_sec + now.ru_stime.tv_sec) +
                   std::chrono::microseconds(now.ru_utime.tv_usec + now.ru_stime.tv_usec);
        };
        const auto before = used();
        const auto start = std::chrono::steady_clock::now();
        CHECK_FALSE(p.wait(100ms));
        CHECK(std::chrono::steady_clock::now() - start >= 100ms);
        CHECK(used() - before < 50ms);
        CHECK_FALSE(p.wait(0ms));
        CHECK_FALSE(p.wait(-1h));
        CHECK_FALSE(p.wait(std::chrono::steady_clock::time_point::min()));
        CHECK(p.terminate());
        CHECK(p.wait(std::chrono::hours::max())->signal() == SIGTERM);
    });
}

TEST_CASE("signals are sent to a program until it has ended", "[subprocess]") {
    leaves_nothing([] {
        subprocess p(
            {"sh", "-c", "trap 'echo usr1; exit 0' USR1; echo ready; while :; do sleep 0.01; done"},
            {.out = stdio::pipe});
        CHECK(p.out().read() == "ready\n");
        CHECK(p.send_signal(SIGUSR1));
        CHECK(p.wait().success());
        CHECK_FALSE(p.kill());
        CHECK_FALSE(p.terminate());
        CHECK(p.out().read_all() == "usr1\n");
    });
}

TEST_CASE("a program that is dropped is killed, waited for or left alone", "[subprocess]") {
    leaves_nothing([] {
        int pid = 0;
        {
            subprocess p(
                {"sh", "-c", "trap '' TERM INT HUP; echo ready; while :; do sleep 1; done"},
                {.out = stdio::pipe, .kill = kill_scope::group});
            p.out().read();
            pid = p.pid();
        }
        CHECK_FALSE(tools::exists(pid));
        const tools::temporary_folder folder;
        {
            subprocess p(shell("cat > \"$1\"; sleep 0.05; echo end >> \"$1\"", folder / "x"),
                         {.in = stdio::pipe, .on_drop = on_drop::wait});
            p.in().write("text\n");
        }
        CHECK(tools::text_of(folder / "x") == "text\nend\n");
        {
            subprocess ended({"true"});
        }
        {
            // Moving keeps one owner.
            subprocess a({"sleep", "1000"});
            subprocess b = std::move(a);
            CHECK_FALSE(b.poll());
            CHECK_THROWS_AS(a.poll(), invalid_state);
            pid = b.pid();
            b = subprocess({"sleep", "1000"});
            CHECK_FALSE(tools::exists(pid));
        }
    });
}

TEST_CASE("an exception takes the program with it", "[subprocess]") {
    leaves_nothing([] {
        const auto before = tools::children_of(::getpid());
        try {
            subprocess p({"sleep", "1000"}, {.out = stdio::pipe});
            throw std::runtime_error("x");
        } catch (const std::runtime_error&) {
        }
        CHECK(tools::children_of(::getpid()) == before);
    });
}

TEST_CASE("the output of one program is the input of another", "[subprocess]") {
    leaves_nothing([] {
        subprocess a({"printf", "b\\na\\n"}, {.out = stdio::pipe});
        subprocess b({"sort"}, {.in = output_of(a), .out = stdio::pipe});
        CHECK_FALSE(a.out().is_open());
        CHECK(b.communicate().out == "a\nb\n");
        CHECK(a.wait().success());
        // As a pipe should: the writer hears that nobody reads.
        subprocess yes({"yes"}, {.out = stdio::pipe});
        subprocess head({"head", "-1"}, {.in = output_of(yes), .out = stdio::pipe});
        CHECK(head.communicate().out == "y\n");
        CHECK(yes.wait().signal() == SIGPIPE);
        CHECK_THROWS_AS(output_of(yes), invalid_state);
        subprocess read({"printf", "abc"}, {.out = stdio::pipe});
        read.out().read(1);
        CHECK_THROWS_AS(output_of(read), invalid_state);
    });
}

TEST_CASE("an output that could not be handed over is still there", "[subprocess]") {
    leaves_nothing([] {
        subprocess a({"printf", "text"}, {.out = stdio::pipe});
        CHECK_THROWS_AS(subprocess({"/nonexistent"}, {.in = output_of(a)}), spawn_error);
        CHECK(a.out().read_all() == "text");
    });
}

TEST_CASE("many programs run at the same time", "[subprocess]") {
    leaves_nothing([] {
        std::vector<subprocess> all;
        for (int i = 0; i < 10; ++i) {
            all.emplace_back(command{"sh", "-c", "read x; exit " + std::to_string(i)},
                             subprocess_options{.in = stdio::pipe});
        }
        for (auto& p : all) p.in().close();
        for (int i = 0; i < 10; ++i) CHECK(all[static_cast<std::size_t>(i)].wait().code() == i);
    });
}

TEST_CASE("a pipeline of commands is one subprocess", "[subprocess]") {
    leaves_nothing([] {
        subprocess p(command{"cat"} | command{"tr", "a", "b"} | shell("cat; exit 2"),
                     {.in = stdio::pipe, .out = stdio::pipe});
        CHECK_FALSE(p.statuses(0ms));
        CHECK(p.communicate("banana").out == "bbnbnb");
        CHECK(p.wait().code() == 2);
        CHECK(p.statuses()->size() == 3);
        subprocess q(command{"sleep", "1000"} | command{"sleep", "1000"});
        CHECK(q.kill());
        CHECK(q.wait().signal() == SIGKILL);
    });
}
