// SPDX-License-Identifier: BSL-1.0
#include <tandem/observe/progress_bar.hpp>

#include <tandem/executor/thread_pool.hpp>

#include "../support/catch.hpp"
#include "../support/gate.hpp"
#include "../support/within.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <string_view>

using namespace std::chrono_literals;
using tandem::progress_bar;
using tandem::progress_style;

namespace {

// A pipe, and what was written into it.
class captured {
   public:
    captured() { REQUIRE(::pipe(ends_) == 0); }
    captured(const captured&) = delete;
    captured& operator=(const captured&) = delete;
    ~captured() {
        ::close(ends_[0]);
        if (ends_[1] >= 0) ::close(ends_[1]);
    }
    int fd() const { return ends_[1]; }
    // What is there until a text is among it.
    std::string until(std::string_view text) {
        std::string all;
        char next = 0;
        while (all.find(text) == std::string::npos && ::read(ends_[0], &next, 1) == 1) all += next;
        return all;
    }
    std::string all() {
        ::close(std::exchange(ends_[1], -1));
        return until("what nobody writes");
    }
    void close_reader() { ::close(std::exchange(ends_[0], -1)); }

   private:
    int ends_[2];
};

}  // namespace

TEST_CASE("a bar says at its end how far it came", "[progress_bar]") {
    captured out;
    {
        progress_bar bar({.total = 10, .label = "parts", .fd = out.fd()});
        for (int i = 0; i < 7; ++i) bar.advance();
        CHECK(bar.done() == 7);
    }
    const auto said = out.all();
    CHECK(said.substr(0, 16) == "parts   70% 7/10");
    CHECK(said.back() == '\n');
    CHECK(said.find('\r') == std::string::npos);  // it is no terminal
}

TEST_CASE("a bar that is silent says nothing, and needs no thread", "[progress_bar]") {
    captured out;
    {
        progress_bar bar({.total = 10, .style = progress_style::silent, .fd = out.fd()});
        bar.advance(10);
        bar.finish();
    }
    CHECK(out.all().empty());
}

TEST_CASE("on a terminal one line is drawn again and again", "[progress_bar]") {
    const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY);
    REQUIRE(terminal >= 0);
    REQUIRE((::grantpt(terminal) == 0 && ::unlockpt(terminal) == 0));
    const int screen = ::open(::ptsname(terminal), O_RDWR | O_NOCTTY);
    REQUIRE(screen >= 0);
    std::string seen;
    within(60s, [&] {
        progress_bar bar({.total = 4, .fd = screen});
        bar.advance(2);
        char next = 0;
        while (seen.find(" 50% 2/4") == std::string::npos && ::read(terminal, &next, 1) == 1) {
            seen += next;  // drawn while it goes on
        }
        bar.advance(2);
        bar.finish();
        while (seen.find("100% 4/4") == std::string::npos && ::read(terminal, &next, 1) == 1) {
            seen += next;
        }
    });
    CHECK(seen.find("\r[") != std::string::npos);
    CHECK(seen.find('#') != std::string::npos);
    ::close(screen);
    ::close(terminal);
}

TEST_CASE("a bar shows how many workers of a pool are busy", "[progress_bar]") {
    captured out;
    tandem::thread_pool pool(2);
    gate go;
    gate begun;
    std::string seen;
    within(60s, [&] {
        progress_bar bar(pool, {.total = 2, .fd = out.fd(), .interval = 100ms});
        auto result = pool.submit([&] {
            begun.open();
            go.wait();
        });
        begun.wait();
        seen = out.until("1 busy");
        go.open();
        result.get();
        pool.wait_idle();
        bar.update(pool.stats());
        CHECK(bar.done() == 1);
    });
    CHECK(seen.find("1 busy") != std::string::npos);
}

TEST_CASE("a pipe that nobody reads any more ends the drawing, not the program", "[progress_bar]") {
    captured out;
    out.close_reader();
    progress_bar bar({.fd = out.fd()});
    bar.advance();
    bar.finish();
    bar.finish();
    CHECK(bar.done() == 1);
}

TEST_CASE("in a forked child a bar ends without a word", "[progress_bar]") {
    captured out;
    within(60s, [&] {
        progress_bar bar({.total = 1, .fd = out.fd()});
        const pid_t child = ::fork();
        if (child == 0) {
            bar.finish();
            ::_exit(0);
        }
        int status = -1;
        CHECK(::waitpid(child, &status, 0) == child);
        CHECK(status == 0);
    });
    const auto said = out.all();
    CHECK(said.find("0/1") == said.rfind("0/1"));  // once: the parent's
}
