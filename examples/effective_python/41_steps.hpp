// SPDX-License-Identifier: BSL-1.0
// 41_steps.hpp: what happens to a pair on its way through a process pool and back, as a trace.
//
// The book's ten steps, seen from the places where a program can look: the range that map reads,
// the codec of the argument and of the result, and the function. Steps 3 and 8, the copies from one
// process to the other, are the gaps between two of them; step 5, the import of the module, is not
// needed: a worker is a fork of this program and has the code.
#pragma once

#include <tandem.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

namespace steps {

// Adds one event to a Chrome trace, from any process: the clock is the same for all of them.
class span {
   public:
    span(std::string file, const char* name) : file_(std::move(file)), name_(name) {}
    span(const span&) = delete;
    span& operator=(const span&) = delete;
    ~span() {
        const auto begin = micros(begin_);
        const auto end = micros(std::chrono::steady_clock::now());
        char line[256];
        const int size =
            std::snprintf(line, sizeof line,
                          R"({"name":"%s","ph":"X","ts":%.3f,"dur":%.3f,"pid":%d,"tid":0},)"
                          "\n",
                          name_, begin, end - begin, static_cast<int>(::getpid()));
        append(file_, {line, static_cast<std::size_t>(size)});
    }

    static void append(const std::string& file, std::string_view text, int flags = O_APPEND) {
        const tandem::unique_fd out(
            ::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644));
        // One write for one event: lines of several processes do not mix.
        if (::write(out.get(), text.data(), text.size()) < 0) std::perror(file.c_str());
    }

   private:
    static double micros(std::chrono::steady_clock::time_point t) {
        return std::chrono::duration<double, std::micro>(t.time_since_epoch()).count();
    }
    std::string file_;
    const char* name_;
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

// A value that leaves a trace when it is encoded and when it is decoded.
template <class T, bool IsResult>
struct traced {
    traced(T v, std::string f) : value(std::move(v)), file(std::move(f)) {}
    T value;
    std::string file;
};

using argument = traced<std::pair<int, int>, false>;
using result = traced<int, true>;

}  // namespace steps

template <class T, bool IsResult>
struct tandem::codec<steps::traced<T, IsResult>> {
    static void encode(writer& out, const steps::traced<T, IsResult>& v) {
        const steps::span here(v.file, IsResult ? "7 encode the result" : "2 encode the pair");
        tandem::encode(out, v.file);
        tandem::encode(out, v.value);
    }
    static steps::traced<T, IsResult> decode(reader& in) {
        const auto file = tandem::decode<std::string>(in);
        const steps::span here(file, IsResult ? "9 decode the result" : "4 decode the pair");
        return {tandem::decode<T>(in), file};
    }
};

namespace steps {

int slow_gcd(const std::pair<int, int>& pair);  // the program's own

inline result run(const argument& given) {
    const span here(given.file, "6 run gcd");
    return {slow_gcd(given.value), given.file};
}

// Computes the gcds of the pairs and writes what happened to `file`.
inline std::vector<int> record(tandem::process_pool& pool,
                               const std::vector<std::pair<int, int>>& pairs,
                               const std::string& file) {
    span::append(file, "[\n", O_TRUNC);
    const auto taken = pairs | std::views::transform([&](const std::pair<int, int>& pair) {
                           const span here(file, "1 take a pair from the input");
                           return argument(pair, file);
                       });
    std::vector<int> results;
    for (const result& r : pool.imap(run, taken)) {
        const span here(file, "10 merge the results");
        results.push_back(r.value);
    }
    const int pid = static_cast<int>(::getpid());
    span::append(file, R"({"name":"process_name","ph":"M","pid":)" + std::to_string(pid) +
                           R"(,"args":{"name":"parent"}}])"
                           "\n");
    return results;
}

}  // namespace steps
