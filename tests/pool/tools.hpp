// SPDX-License-Identifier: BSL-1.0
// tests/pool/tools.hpp: what tests of processes need: nothing left behind, and words from outside.
#pragma once

#include <tandem/core/unique_fd.hpp>
#include <tandem/testing/leak_check.hpp>

#include "support/catch.hpp"
#include "support/within.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <source_location>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tools {

// Whether a sanitizer watches. Its own allocator does not survive a fork of a process with threads,
// nor a limit on memory; and it opens descriptors to look at memory.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool sanitized = true;
#elif defined(__has_feature)
inline constexpr bool sanitized = __has_feature(address_sanitizer) || TANDEM_TSAN;
#else
inline constexpr bool sanitized = TANDEM_TSAN != 0;
#endif

// Repeats a question until the answer is yes or the time is up. Only for what the kernel does in
// its own time, such as the end of a process that nobody here waits for.
template <class Question>
bool eventually(Question question, std::chrono::milliseconds limit = std::chrono::seconds(5)) {
    const auto until = std::chrono::steady_clock::now() + limit;
    while (!question()) {
        if (std::chrono::steady_clock::now() > until) return question();
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

inline std::string leftovers(const tandem::testing::leak_check& leaks) {
    std::string left;
    eventually([&] { return (left = leaks.check()).empty(); }, std::chrono::seconds(2));
    return left;
}

// Runs a test of processes: it must end in time, and leave nothing behind.
template <class Body>
void leaves_nothing(Body body, std::chrono::seconds limit = std::chrono::seconds(60),
                    std::source_location where = std::source_location::current()) {
    const tandem::testing::leak_check leaks;
    within(limit, std::move(body), where);
    CHECK(leftovers(leaks) == "");
}

inline std::string path_of(int fd) {
    return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(fd);
}

// A pipe of this process that others open by its path.
class mailbox {
   public:
    mailbox() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
        in_.reset(ends[0]);
        out_.reset(ends[1]);
    }
    std::string to() const { return path_of(out_.get()); }
    std::string from() const { return path_of(in_.get()); }

    // The next number that somebody sends.
    std::int64_t receive() const {
        std::int64_t value = 0;
        ssize_t n;
        do {
            n = ::read(in_.get(), &value, sizeof value);
        } while (n < 0 && errno == EINTR);
        if (n != static_cast<ssize_t>(sizeof value)) std::abort();
        return value;
    }
    void send(std::int64_t value) const {
        static_cast<void>(!::write(out_.get(), &value, sizeof value));
    }

   private:
    tandem::unique_fd in_;
    tandem::unique_fd out_;
};
inline void tell(const std::string& to, std::int64_t value) {
    const tandem::unique_fd fd(::open(to.c_str(), O_WRONLY | O_CLOEXEC));
    static_cast<void>(!::write(fd.get(), &value, sizeof value));
}
inline std::int64_t hear(const std::string& from) {
    std::int64_t value = -1;
    const tandem::unique_fd fd(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
    static_cast<void>(!::read(fd.get(), &value, sizeof value));
    return value;
}

// A list of numbers that other processes add to; what they added stays, however they end.
class journal {
   public:
    journal() : fd_(::memfd_create("journal", MFD_CLOEXEC)) {}
    std::string path() const { return path_of(fd_.get()); }
    std::vector<int> read() const {
        std::vector<int> all(static_cast<std::size_t>(::lseek(fd_.get(), 0, SEEK_END)) /
                             sizeof(int));
        static_cast<void>(!::pread(fd_.get(), all.data(), all.size() * sizeof(int), 0));
        return all;
    }
    static void add(const std::string& path, int value) {
        const tandem::unique_fd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
        static_cast<void>(!::write(fd.get(), &value, sizeof value));
    }

   private:
    tandem::unique_fd fd_;
};

// To one process, whatever went wrong in the test: 0 and -1 would be many.
inline void kill_one(int pid, int signal) {
    if (pid <= 1) std::abort();
    ::kill(pid, signal);
}
inline bool exists(int pid) { return pid > 1 && ::kill(pid, 0) == 0; }

// Whether a process has ended, be it reaped or not: nobody here may be there to reap it.
inline bool is_over(int pid) {
    const std::string path = "/proc/" + std::to_string(pid) + "/stat";
    std::FILE* file = std::fopen(path.c_str(), "re");
    if (!file) return true;
    char state = 'X';
    const int fields = std::fscanf(file, "%*d %*[^)]) %c", &state);
    std::fclose(file);
    return fields != 1 || state == 'Z' || state == 'X';
}

// The children of a process.
inline std::vector<int> children_of(int pid) {
    std::vector<int> all;
    const auto task = std::to_string(pid);
    const std::string path = "/proc/" + task + "/task/" + task + "/children";
    std::FILE* file = std::fopen(path.c_str(), "re");
    int child = 0;
    while (file && std::fscanf(file, "%d", &child) == 1) all.push_back(child);
    if (file) std::fclose(file);
    return all;
}
// The workers of this process: the children of its helper.
inline std::vector<int> workers() {
    std::vector<int> all;
    for (const int helper : children_of(::getpid())) {
        for (const int worker : children_of(helper)) all.push_back(worker);
    }
    return all;
}

struct child_end {
    int status = 0;
    std::string text;
};

// Runs `body` in a forked child, which has one thread. Returns what it returned, or "threw: ...".
inline child_end in_child(const std::function<std::string()>& body) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
    tandem::unique_fd in(ends[0]);
    tandem::unique_fd out(ends[1]);
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child < 0) std::abort();
    if (child == 0) {
        in.reset();
        std::string text;
        try {
            text = body();
        } catch (const std::exception& e) {
            text = std::string("threw: ") + e.what();
        }
        static_cast<void>(!::write(out.get(), text.data(), text.size()));
        ::_exit(0);
    }
    out.reset();
    child_end end;
    char part[256];
    for (ssize_t n; (n = ::read(in.get(), part, sizeof part)) > 0;) {
        end.text.append(part, static_cast<std::size_t>(n));
    }
    ::waitpid(child, &end.status, 0);
    return end;
}

}  // namespace tools
