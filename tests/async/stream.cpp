// SPDX-License-Identifier: BSL-1.0
#include <tandem/async/stream.hpp>

#include "tools.hpp"

#include <tandem/async/event_loop.hpp>
#include <tandem/async/spawn.hpp>
#include <tandem/async/timeout.hpp>
#include <tandem/core/unique_fd.hpp>
#include <tandem/testing/leak_check.hpp>

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace async_tests;
using tandem::stream;
using tandem::stream_options;
using tandem::task;

static_assert(tandem::byte_stream<stream>);

namespace {

struct two_ends {
    explicit two_ends(stream_options options = {}) : two_ends(make(), options) {}
    stream near, far;

   private:
    using fds = std::pair<tandem::unique_fd, tandem::unique_fd>;
    static fds make() { return tandem::detail::make_socketpair(SOCK_STREAM); }
    two_ends(fds ends, stream_options options)
        : near(std::move(ends.first), options), far(std::move(ends.second), options) {}
};

// Lets the reader see each byte by itself.
task<> write_slowly(stream& to, std::string bytes, frame_mark = {}) {
    for (const char& c : bytes) {
        co_await to.write(std::string_view(&c, 1));
        co_await to.flush();
        co_await tandem::yield_now();
        co_await tandem::yield_now();
    }
    to.close();
}
task<std::string> lines_of(stream& from, frame_mark = {}) {
    std::string all;
    try {
        while (auto line = co_await from.read_line()) all += *line + "|";
        all += "end";
    } catch (const tandem::incomplete_read& e) {
        all += "partial " + e.partial();
    }
    co_return all;
}
task<std::string> read_line_of(stream& from, frame_mark = {}) {
    co_return (co_await from.read_line()).value_or("the end");
}
task<std::string> read_all_of(stream& from, frame_mark = {}) { co_return co_await from.read_all(); }
task<> write_to(stream& to, std::string bytes, frame_mark = {}) { co_await to.write(bytes); }

}  // namespace

TEST_CASE("lines arrive whole, byte by byte or together", "[stream]") {
    const auto main = [](bool slowly, std::string text) -> task<std::string> {
        two_ends pair;
        auto reads = tandem::spawn(lines_of(pair.far));
        if (slowly) {
            co_await write_slowly(pair.near, text);
        } else {
            co_await pair.near.write(text);
            pair.near.close();
        }
        co_return co_await std::move(reads);
    };
    for (const bool slowly : {true, false}) {
        CHECK(run(main(slowly, "a\nbc\r\n\n\rd\n")) == "a|bc||\rd|end");
        CHECK(run(main(slowly, "")) == "end");
        CHECK(run(main(slowly, "whole\npar")) == "whole|partial par");
    }
}

TEST_CASE("read_until finds a separator across any boundary", "[stream]") {
    const auto main = [](std::size_t cut) -> task<> {
        two_ends pair;
        const std::string text = "one\r\n\r\ntwo\r\r\n\r\nthree";
        const auto reads = [](stream& from, std::vector<std::string>& to) -> task<> {
            try {
                while (auto part = co_await from.read_until("\r\n\r\n")) to.push_back(*part);
            } catch (const tandem::incomplete_read& e) {
                to.push_back(e.partial());
            }
        };
        std::vector<std::string> parts;
        auto reader = tandem::spawn(reads(pair.far, parts));
        co_await pair.near.write(text.substr(0, cut));
        co_await tandem::sleep_for(1ms);
        co_await pair.near.write(text.substr(cut));
        pair.near.close();
        co_await std::move(reader);
        CHECK(parts == std::vector<std::string>{"one\r\n\r\n", "two\r\r\n\r\n", "three"});
    };
    for (std::size_t cut = 0; cut <= 20; ++cut) run(main(cut));
}

TEST_CASE("a line over the limit is an error, and the next one can be read", "[stream]") {
    const auto main = [](std::size_t length, bool slowly) -> task<> {
        two_ends pair({.line_limit = 100});
        const auto text = std::string(length, 'x') + "\nnext\n";
        task<> writes = slowly ? write_slowly(pair.near, text) : write_to(pair.near, text);
        auto writer = tandem::spawn(std::move(writes));
        const auto failure = co_await failure_of(read_line_of(pair.far));
        CHECK(failure == "a line is longer than the limit of 100 bytes");
        const auto got1 = co_await read_line_of(pair.far);
        CHECK(got1 == "next");
        co_await std::move(writer);
    };
    for (const std::size_t length : {101u, 102u, 5000u, 20000u}) run(main(length, false));
    for (const std::size_t length : {101u, 102u, 300u}) run(main(length, true));

    const auto exact = []() -> task<> {
        two_ends pair({.line_limit = 100});
        co_await pair.near.write(std::string(100, 'x') + "\n");
        const auto got2 = co_await read_line_of(pair.far);
        CHECK(got2.size() == 100);
    };
    run(exact());
}

TEST_CASE("read_exactly takes just so many, or has what came", "[stream]") {
    const auto main = []() -> task<> {
        two_ends pair;
        auto writer = tandem::spawn(write_slowly(pair.near, "abcdefgh"));
        const auto got3 = co_await pair.far.read_exactly(3);
        CHECK(got3 == "abc");
        const auto got4 = co_await pair.far.read_exactly(0);
        CHECK(got4 == "");
        const auto rest = [](stream& from) -> task<std::string> {
            co_return co_await from.read_exactly(6);
        };
        std::string partial;
        try {
            co_await rest(pair.far);
        } catch (const tandem::incomplete_read& e) {
            partial = e.partial();
            CHECK(e.expected() == 6);
        }
        CHECK(partial == "defgh");
        co_await std::move(writer);
    };
    run(main());
}

TEST_CASE("megabytes go through, both ways at once", "[stream]") {
    const auto main = []() -> task<> {
        two_ends pair;
        std::string much(5'000'000, '\0');
        for (std::size_t i = 0; i < much.size(); ++i) much[i] = static_cast<char>(i * 7 + i / 256);
        const auto sends = [](stream& to, const std::string& bytes) -> task<> {
            co_await to.write(bytes);
            co_await to.shutdown_write();
        };
        auto a = tandem::spawn(sends(pair.near, much));
        auto b = tandem::spawn(sends(pair.far, much));
        auto c = tandem::spawn(read_all_of(pair.near));
        const auto got5 = co_await read_all_of(pair.far);
        CHECK(got5 == much);
        const auto got6 = co_await std::move(c);
        CHECK(got6 == much);
        co_await std::move(a);
        co_await std::move(b);
    };
    run(main());
}

TEST_CASE("a writer stays under the high-water mark", "[stream]") {
    const auto main = []() -> task<> {
        two_ends pair({.high_water = 10'000});
        std::size_t taken = 0, most = 0;
        const auto writes = [](stream& to, std::size_t& count, std::size_t& high) -> task<> {
            const std::string chunk(1000, 'x');
            for (int i = 0; i < 100'000; ++i) {  // 100 MB
                co_await to.write(chunk);
                count += chunk.size();
                high = std::max(high, to.unsent());
            }
        };
        auto writer = tandem::spawn(writes(pair.near, taken, most));
        for (int i = 0; i < 100; ++i) co_await tandem::yield_now();
        CHECK(most <= 10'000);
        CHECK(taken < 10'000'000);
        CHECK_FALSE(writer.done());
        std::vector<char> room(1 << 20);
        std::size_t got = 0;
        while (got < 100'000'000) got += co_await pair.far.read_some(room);
        co_await std::move(writer);
        CHECK(most <= 10'000);
        CHECK(got == 100'000'000);
    };
    run(main());
}

TEST_CASE("small writes of a turn go out together, in order", "[stream]") {
    const auto main = []() -> task<> {
        two_ends pair;
        co_await pair.near.write("a");
        co_await pair.near.write("b");
        co_await pair.near.write("c");
        CHECK(pair.near.unsent() == 2);
        char c[10];
        const auto got7 = co_await pair.far.read_some(std::span(c));
        CHECK(got7 == 1);
        const auto got8 = co_await pair.far.read_exactly(2);
        CHECK(got8 == "bc");
        CHECK(pair.near.unsent() == 0);
        std::array<std::byte, 2> bytes{std::byte{1}, std::byte{2}};
        co_await pair.near.write(bytes);
        std::array<std::byte, 8> room;
        const auto got9 = co_await pair.far.read_some(room);
        CHECK(got9 == 2);
        CHECK(room[1] == std::byte{2});
        const auto got10 = co_await pair.far.read_some(std::span(c, 0));
        CHECK(got10 == 0);
    };
    run(main());
}

TEST_CASE("half of a stream ends before the other", "[stream]") {
    const auto main = []() -> task<> {
        two_ends pair;
        co_await pair.near.write("question");
        co_await pair.near.shutdown_write();
        const auto got11 = co_await read_all_of(pair.far);
        CHECK(got11 == "question");
        co_await pair.far.write("answer");
        pair.far.close();
        const auto got12 = co_await read_all_of(pair.near);
        CHECK(got12 == "answer");
        const auto failure = co_await failure_of(write_to(pair.near, "more"));
        CHECK(failure == "the stream's writing side was shut down");
    };
    run(main());
}

TEST_CASE("the end that came with the last bytes is seen", "[stream]") {
    const auto main = []() -> task<> {
        for (int i = 0; i < 20; ++i) {
            two_ends pair;
            char room[100];
            auto reads = tandem::spawn(lines_of(pair.far));  // registered, and waits
            co_await tandem::yield_now();
            co_await pair.near.write("last\n");
            pair.near.close();
            const auto got13 = co_await std::move(reads);
            CHECK(got13 == "last|end");
            const auto got14 = co_await pair.far.read_some(std::span(room));
            CHECK(got14 == 0);
        }
    };
    run(main());
}

TEST_CASE("what was kept goes out after close", "[stream]") {
    const auto main = [](stream_options options) -> task<std::size_t> {
        two_ends pair(options);
        std::string much(150'000, 'x');
        // The system keeps some, the stream the rest.
        int size = 4096;
        ::setsockopt(pair.near.fd(), SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
        const auto writes = co_await tandem::move_on_after(5ms, write_to(pair.near, much));
        CHECK(writes);
        CHECK(pair.near.unsent() > 100'000);
        pair.near.close();
        CHECK_FALSE(pair.near.is_open());
        co_return (co_await read_all_of(pair.far)).size();
    };
    CHECK(run(main({.high_water = 200'000})) == 150'000);
    CHECK(run(main({.high_water = 200'000, .linger = 0ms})) < 150'000);
}

TEST_CASE("the loop's end waits for what was kept, for a time", "[stream]") {
    auto [near, far] = tandem::detail::make_socketpair(SOCK_STREAM);
    const auto main = [](tandem::unique_fd to, std::chrono::milliseconds linger) -> task<> {
        stream out(std::move(to), {.high_water = 4'000'000, .linger = linger});
        co_await out.write(std::string(3'000'000, 'x'));
    };
    SECTION("nobody reads") { run(main(std::move(near), 20ms)); }
    SECTION("a thread reads") {
        std::size_t got = 0;
        std::thread reads([&, fd = far.get()] {
            std::vector<char> room(100'000);
            while (true) {
                const auto n = ::read(fd, room.data(), room.size());
                if (n <= 0) break;
                got += static_cast<std::size_t>(n);
            }
        });
        run(main(std::move(near), 60s));
        reads.join();
        CHECK(got == 3'000'000);
    }
}

TEST_CASE("a peer that is gone is an error of the writer", "[stream]") {
    const auto main = []() -> task<> {
        two_ends pair;
        pair.far.close();
        const auto failure = co_await failure_of(write_to(pair.near, std::string(100, 'x')));
        CHECK(failure == "cannot write to the stream: Broken pipe");
        // Of what was kept, the next one tells.
        two_ends other;
        co_await other.near.write(std::string(1'000'000, 'x').substr(0, 60'000));
        co_await other.near.write(std::string(60'000, 'x'));
        other.far.close();
        co_await tandem::sleep_for(1ms);
        const auto got15 = co_await failure_of(write_to(other.near, std::string(300'000, 'x')));
        CHECK(got15 != "");
    };
    run(main());
}

TEST_CASE("a pipe without a reader is an error, not a signal", "[stream]") {
    const auto main = []() -> task<> {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        stream in{tandem::unique_fd(ends[0])};
        stream out{tandem::unique_fd(ends[1])};
        co_await out.write("to\nfro\n");
        const auto got16 = co_await read_line_of(in);
        CHECK(got16 == "to");
        const auto got17 = co_await read_line_of(in);
        CHECK(got17 == "fro");
        in.close();
        co_await tandem::sleep_for(1ms);  // the first write of a turn goes out at once
        const auto failure = co_await failure_of(write_to(out, "x"));
        CHECK(failure == "cannot write to the stream: Broken pipe");
    };
    run(main());
}

TEST_CASE("the end of a pipe's writing side is its close", "[stream]") {
    const auto main = []() -> task<> {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        stream in{tandem::unique_fd(ends[0])};
        stream out{tandem::unique_fd(ends[1])};
        const auto writes = [](stream& to) -> task<> {
            co_await to.write(std::string(1'000'000, 'x'));
            co_await to.shutdown_write();
        };
        auto writer = tandem::spawn(writes(out));
        const auto got18 = co_await read_all_of(in);
        CHECK(got18.size() == 1'000'000);
        co_await std::move(writer);
        CHECK_FALSE(out.is_open());
    };
    run(main());
}

TEST_CASE("a cancel ends a read, and nothing is lost", "[stream]") {
    const auto main = []() -> task<> {
        two_ends pair;
        const auto exactly = [](stream& from) -> task<> { co_await from.read_exactly(10); };
        auto reader = tandem::spawn(exactly(pair.far));
        co_await pair.near.write("half");
        co_await tandem::sleep_for(1ms);
        CHECK(reader.cancel());
        co_await tandem::yield_now();
        CHECK(reader.done());
        auto line = tandem::spawn(read_line_of(pair.far));
        co_await tandem::yield_now();
        line.cancel();
        co_await tandem::yield_now();
        CHECK(line.done());
        co_await pair.near.write(" and half\n");
        const auto got19 = co_await read_line_of(pair.far);
        CHECK(got19 == "half and half");
        const auto got20 = co_await tandem::move_on_after(1ms, read_line_of(pair.far));
        CHECK_FALSE(got20);
    };
    run(main());
}

TEST_CASE("a cancel ends a write", "[stream]") {
    const auto main = []() -> task<> {
        two_ends pair({.high_water = 1000, .linger = 0ms});
        auto writer = tandem::spawn(write_to(pair.near, std::string(10'000'000, 'x')));
        co_await tandem::sleep_for(1ms);
        CHECK_FALSE(writer.done());
        writer.cancel();
        co_await tandem::yield_now();
        CHECK(writer.done());
        CHECK(pair.near.unsent() <= 1000);
    };
    run(main());
}

TEST_CASE("to close a stream ends the waits for it", "[stream]") {
    const auto main = []() -> task<> {
        two_ends pair({.linger = 0ms});
        auto reader = tandem::spawn(failure_of(read_line_of(pair.near)));
        auto writer = tandem::spawn(failure_of(write_to(pair.near, std::string(10'000'000, 'x'))));
        co_await tandem::sleep_for(1ms);
        CHECK_FALSE(reader.done());
        CHECK_FALSE(writer.done());
        pair.near.close();
        pair.near.close();
        const auto got21 = co_await std::move(reader);
        CHECK(got21 == "it was closed while a task waited");
        const auto got22 = co_await std::move(writer);
        CHECK(got22 == "it was closed while a task waited");
        const auto got23 = co_await failure_of(read_line_of(pair.near));
        CHECK(got23 == "it is closed");
    };
    run(main());
}

TEST_CASE("mistakes with a stream are told", "[stream]") {
    const auto main = []() -> task<> {
        two_ends pair;
        auto reader = tandem::spawn(read_line_of(pair.near));
        co_await tandem::yield_now();
        const auto got24 = co_await failure_of(read_line_of(pair.near));
        CHECK(got24.find("two tasks read from") == 0);
        co_await pair.far.write("x\n");
        co_await std::move(reader);
        CHECK_THROWS_AS(pair.near.read_until(""), std::invalid_argument);
        stream moved = std::move(pair.near);
        CHECK_THROWS_AS(pair.near.fd(), tandem::invalid_state);
        CHECK_THROWS_AS(stream(tandem::unique_fd(), {}), tandem::io_error);
        CHECK_THROWS_AS(two_ends({.line_limit = -1}), std::invalid_argument);
    };
    run(main());
}

TEST_CASE("a stream goes from a loop that ended to another one", "[stream]") {
    two_ends pair;
    const auto exchanges = [](two_ends& ends) -> task<> {
        auto reader = tandem::spawn(read_line_of(ends.far));
        co_await tandem::yield_now();
        co_await ends.near.write("x\n");
        const auto got25 = co_await std::move(reader);
        CHECK(got25 == "x");
    };
    for (int i = 0; i < 3; ++i) run(exchanges(pair));
    tandem::event_loop other;
    const auto waits = [](stream& from) -> task<> {
        const auto got26 = co_await tandem::move_on_after(1ms, read_line_of(from));
        CHECK_FALSE(got26);
    };
    other.run(waits(pair.far));
    CHECK_THROWS_AS(run(waits(pair.far)), tandem::invalid_state);
}

TEST_CASE("one who always finds bytes lets others have their turn", "[stream]") {
    const auto main = []() -> task<> {
        two_ends pair;
        bool stop = false;
        std::size_t count = 0;
        const auto echoes_to_itself = [](two_ends& ends, const bool& ended,
                                         std::size_t& rounds) -> task<> {
            char c[1];
            while (!ended) {
                co_await ends.near.write("x");
                co_await ends.near.flush();
                co_await ends.far.read_some(std::span(c));
                ++rounds;
            }
        };
        auto busy = tandem::spawn(echoes_to_itself(pair, stop, count));
        for (int i = 0; i < 10; ++i) co_await tandem::yield_now();
        stop = true;
        co_await std::move(busy);
        CHECK(count > 0);
    };
    run(main());
}

TEST_CASE("streams leave no descriptor behind, wherever they end", "[stream]") {
    const tandem::testing::leak_check before;
    {
        tandem::event_loop loop;
        const auto waits = [](frame_mark) -> task<> {
            two_ends pair;
            co_await read_line_of(pair.near);
        };
        const auto writes = [](frame_mark) -> task<> {
            two_ends pair({.high_water = 1'000'000});
            co_await pair.near.write(std::string(900'000, 'x'));
        };
        loop.spawn(waits({}));
        loop.spawn(writes({}));
        for (int i = 0; i < 3; ++i) loop.poll_once();
    }
    CHECK(frame_mark::alive == 0);
    CHECK(before.check() == "");
}
