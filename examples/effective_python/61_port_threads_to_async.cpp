// SPDX-License-Identifier: BSL-1.0
// Python:  async def handle_connection(reader, writer): ...
//          server = await asyncio.start_server(handle_connection, *address)
//
// A guessing game over TCP, first with threads and blocking sockets, then with tasks. The rules and
// the words are the same; the port changes who waits: a read_line gets a co_await in front of it,
// and so do the functions on the way to it.
//
// A line each: the client sends PARAMS lower upper, NUMBER (the server guesses) and REPORT Warmer,
// Colder, Unsure or Correct; PARAMS 0 -1 ends a session.
#include <tandem.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

using tandem::stream;
using tandem::task;

// A whole line, for the server and the client speak at the same time.
void say(const std::string& line) { std::cout << line + "\n" << std::flush; }

// What the server knows of a session. It waits for nothing, so both versions have it.
class guessing {
   public:
    // What to answer, if anything. Throws for a command that there is not.
    std::optional<std::string> handle(const std::string& command) {
        std::istringstream words(command);
        std::string name;
        words >> name;
        if (name == "PARAMS") {
            words >> lower_ >> upper_;
            guesses_.clear();
            secret_.reset();
        } else if (name == "NUMBER") {
            return std::to_string(next_guess());
        } else if (name == "REPORT") {
            std::string decision;
            words >> decision;
            if (decision == "Correct") secret_ = last_;
            say("Server: " + std::to_string(last_) + " is " + decision);
        } else {
            throw std::invalid_argument("Unknown command: " + command);
        }
        return std::nullopt;
    }

   private:
    int next_guess() {
        if (secret_) return *secret_;  // it was told
        do {
            last_ = std::uniform_int_distribution<>(lower_, upper_)(random_);
        } while (!guesses_.insert(last_).second);
        return last_;
    }
    std::mt19937 random_{42};
    int lower_ = 0, upper_ = -1, last_ = 0;
    std::set<int> guesses_;
    std::optional<int> secret_;
};

// What the client says of a guess.
class secret_number {
   public:
    explicit secret_number(int secret) : secret_(secret) {}
    std::string report(int guess) {
        const int distance = std::abs(guess - secret_);
        const auto before = std::exchange(last_, distance);
        if (distance == 0) return "Correct";
        if (!before || *before == distance) return "Unsure";
        return distance < *before ? "Warmer" : "Colder";
    }

   private:
    int secret_;
    std::optional<int> last_;
};

void announce(int lower, int upper, int secret) {
    say("Guess a number between " + std::to_string(lower) + " and " + std::to_string(upper) +
        "! Shhhhh, it's " + std::to_string(secret) + ".");
}

// 1. Threads and blocking sockets.
class blocking_stream {
   public:
    explicit blocking_stream(int fd) : fd_(fd), file_(::fdopen(fd, "r")) {}
    std::optional<std::string> read_line() {
        std::string line;
        for (int c; (c = std::fgetc(file_.get())) != EOF;) {
            if (c == '\n') return line;
            line += static_cast<char>(c);
        }
        return std::nullopt;
    }
    void write(const std::string& text) {
        if (::send(fd_, text.data(), text.size(), MSG_NOSIGNAL) < 0) std::perror("send");
    }

   private:
    struct closes {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    int fd_;
    std::unique_ptr<std::FILE, closes> file_;
};

void threads_serve(blocking_stream peer) {
    guessing session;
    try {
        while (auto command = peer.read_line()) {
            if (auto answer = session.handle(*command)) peer.write(*answer + "\n");
        }
    } catch (const std::invalid_argument& error) {
        say(std::string("Server: ") + error.what());
    }
}

void threads_play(blocking_stream& server, int lower, int upper, int secret, int requests) {
    announce(lower, upper, secret);
    secret_number number(secret);
    server.write("PARAMS " + std::to_string(lower) + " " + std::to_string(upper) + "\n");
    for (int i = 0; i < requests; ++i) {
        server.write("NUMBER\n");
        const int guess = std::stoi(server.read_line().value());
        const auto decision = number.report(guess);
        server.write("REPORT " + decision + "\n");
        say("Client: " + std::to_string(guess) + " is " + decision);
    }
    server.write("PARAMS 0 -1\n");
}

// A socket that listens on a free port, or is connected to one, in the words of the system.
int listening_socket(int& port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ::sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::socklen_t size = sizeof where;
    auto* const address = reinterpret_cast<::sockaddr*>(&where);
    if (::bind(fd, address, size) != 0 || ::listen(fd, 10) != 0) std::abort();
    ::getsockname(fd, address, &size);
    port = ntohs(where.sin_port);
    return fd;
}
int connected_socket(int port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ::sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(static_cast<std::uint16_t>(port));
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd, reinterpret_cast<::sockaddr*>(&where), sizeof where) != 0) std::abort();
    return fd;
}

void with_threads() {
    int port = 0;
    const int listens = listening_socket(port);
    std::thread server([listens] {
        const int fd = ::accept(listens, nullptr, nullptr);
        threads_serve(blocking_stream(fd));
    });
    {
        blocking_stream peer(connected_socket(port));
        threads_play(peer, 1, 5, 3, 5);
        threads_play(peer, 10, 15, 12, 5);
    }
    server.join();
    ::close(listens);
}

// 2. Tasks. What blocks is awaited; the rest is as it was.
task<> serve_session(stream peer) {
    guessing session;
    try {
        while (auto command = co_await peer.read_line()) {
            if (auto answer = session.handle(*command)) co_await peer.write(*answer + "\n");
        }
    } catch (const std::invalid_argument& error) {
        say(std::string("Server: ") + error.what());  // this connection ends, the server does not
    }
}

// The server's guesses, as they come.
tandem::async_generator<int> guesses(stream& server, int requests) {
    for (int i = 0; i < requests; ++i) {
        co_await server.write("NUMBER\n");
        const auto answer = co_await server.read_line();
        co_yield std::stoi(answer.value());
    }
}

task<> play(stream& server, int lower, int upper, int secret, int requests) {
    announce(lower, upper, secret);
    secret_number number(secret);
    co_await server.write("PARAMS " + std::to_string(lower) + " " + std::to_string(upper) + "\n");
    auto all = guesses(server, requests);
    while (const int* guess = co_await all.next()) {
        const auto decision = number.report(*guess);
        co_await server.write("REPORT " + decision + "\n");
        say("Client: " + std::to_string(*guess) + " is " + decision);
    }
    co_await server.write("PARAMS 0 -1\n");
}

task<> with_tasks() {
    auto listens = co_await tandem::tcp::listen("127.0.0.1", 0);
    auto server = tandem::spawn(tandem::serve(listens, serve_session));
    {
        auto peer = co_await tandem::tcp::connect("127.0.0.1", listens.port());
        co_await play(peer, 1, 5, 3, 5);
        co_await play(peer, 10, 15, 12, 5);
    }
    // What the server does not know ends that connection only.
    auto bad = co_await tandem::tcp::connect("127.0.0.1", listens.port());
    co_await bad.write("NONSENSE\n");
    const auto end = co_await bad.read_line();
    say(end ? "an answer to nonsense" : "The server closed that connection.");
    auto good = co_await tandem::tcp::connect("127.0.0.1", listens.port());
    co_await good.write("PARAMS 7 7\nNUMBER\n");
    const auto seven = co_await good.read_line();
    say("And it still guesses: " + seven.value());
    good.close();
    listens.close();
    co_await std::move(server);
}

int main() {
    say("Threads:");
    with_threads();
    say("Tasks:");
    tandem::sync_wait(with_tasks());
}
