// SPDX-License-Identifier: BSL-1.0
// subprocess.cpp: the start of other programs and what goes through them, beside other ways.
//
//   start_and_wait/WAY/MB    /bin/true from start to end, in a process with so much memory in use
//   cat/WAY                  256 MB into `cat` and out of it
//   end_to_return/WAY        from the kill of a program to the return of who waits for it
//
// raw_vfork is the limit: a vfork-style clone, an exec and a waitid, with nothing around them.
#include <benchmark/benchmark.h>
#include <tandem/subprocess/run.hpp>
#include <tandem/subprocess/subprocess.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#if __has_include(<boost/process/v1.hpp>)
#include <boost/asio.hpp>
#include <boost/process/v1.hpp>
namespace boost_process = boost::process::v1;
#define HAS_BOOST 1
#elif __has_include(<boost/process.hpp>)
#include <boost/asio.hpp>
#include <boost/process.hpp>
namespace boost_process = boost::process;
#define HAS_BOOST 1
#endif

namespace {

using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;

const char* const program = "/bin/true";

void wait_for(pid_t pid) {
    siginfo_t info;
    ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED);
}

// Programs that are started.

void tandem_run() { tandem::run({program}); }
void tandem_subprocess() {
    tandem::subprocess p({program});
    benchmark::DoNotOptimize(p.wait());
}
int execute(void* argv) {
    auto* const args = static_cast<char**>(argv);
    ::execve(args[0], args, environ);
    ::_exit(127);
}
void raw_vfork() {
    alignas(16) static char stack[65536];
    char* argv[] = {const_cast<char*>(program), nullptr};
    wait_for(::clone(&execute, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD,
                     static_cast<void*>(argv)));
}
void posix_spawn() {
    char* argv[] = {const_cast<char*>(program), nullptr};
    pid_t pid = 0;
    if (::posix_spawn(&pid, program, nullptr, nullptr, argv, environ) == 0) wait_for(pid);
}
void raw_fork() {
    char* argv[] = {const_cast<char*>(program), nullptr};
    const pid_t pid = ::fork();
    if (pid == 0) execute(argv);
    wait_for(pid);
}
#if HAS_BOOST
void boost_process_child() {
    boost_process::child c(program);
    c.wait();
}
#endif

// Memory that is in use: each page of it has been written to.
class used_memory {
   public:
    explicit used_memory(std::size_t megabytes) : size_(megabytes << 20) {
        if (size_ == 0) return;
        at_ = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        ::madvise(at_, size_, MADV_NOHUGEPAGE);
        for (std::size_t i = 0; i < size_; i += 4096) static_cast<volatile char*>(at_)[i] = 1;
    }
    used_memory(const used_memory&) = delete;
    used_memory& operator=(const used_memory&) = delete;
    ~used_memory() {
        if (at_) ::munmap(at_, size_);
    }

   private:
    std::size_t size_;
    void* at_ = nullptr;
};

void start_and_wait(benchmark::State& state, void (*way)(), std::size_t megabytes) {
    const used_memory in_use(megabytes);
    for (auto _ : state) way();
}

// 256 MB that are copied by another program.

const std::string& sent() {
    static const std::string all(std::size_t{256} << 20, 'x');
    return all;
}

std::string tandem_cat() {
    return tandem::run({"cat"}, {.input = sent(), .out = tandem::stdio::pipe}).out;
}
// What one writes by hand: blocks of 64 KiB, and a string that grows.
std::string bare_poll_loop() {
    int in[2], out[2];
    if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) return "";
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    ::posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    char name[] = "cat";
    char* argv[] = {name, nullptr};
    pid_t pid = 0;
    ::posix_spawnp(&pid, "cat", &actions, nullptr, argv, environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(in[0]);
    ::close(out[1]);
    ::fcntl(in[1], F_SETFL, O_NONBLOCK);
    std::string text;
    std::size_t written = 0;
    static char block[65536];
    pollfd fds[2] = {{in[1], POLLOUT, 0}, {out[0], POLLIN, 0}};
    while (true) {
        ::poll(fds, 2, -1);
        if (fds[0].revents != 0) {
            const auto n = ::write(in[1], sent().data() + written,
                                   std::min(sizeof block, sent().size() - written));
            if (n > 0) written += static_cast<std::size_t>(n);
            if (written == sent().size()) {
                ::close(in[1]);
                fds[0].fd = -1;
            }
        }
        if (fds[1].revents != 0) {
            const auto n = ::read(out[0], block, sizeof block);
            if (n <= 0) break;
            text.append(block, static_cast<std::size_t>(n));
        }
    }
    ::close(out[0]);
    wait_for(pid);
    return text;
}
#if HAS_BOOST
std::string boost_process_async() {
    boost::asio::io_context loop;
    std::future<std::string> text;
    boost_process::child c(
        "/bin/cat", boost_process::std_in<boost::asio::buffer(sent()), boost_process::std_out> text,
        loop);
    loop.run();
    c.wait();
    return text.get();
}
#endif

void cat(benchmark::State& state, std::string (*way)()) {
    for (auto _ : state) {
        const std::string back = way();
        if (back.size() != sent().size()) state.SkipWithError("bytes were lost");
        benchmark::DoNotOptimize(back.data());
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(sent().size()) * state.iterations());
}

// From the end of a program to the return of who waits for it.

void end_to_return(benchmark::State& state, bool with_deadline) {
    for (auto _ : state) {
        tandem::subprocess p({"sleep", "1000"});
        const auto start = clock_type::now();
        p.kill();
        if (with_deadline) {
            benchmark::DoNotOptimize(p.wait(1h));
        } else {
            wait_for(p.pid());
        }
        const std::chrono::duration<double> took = clock_type::now() - start;
        state.SetIterationTime(took.count());
    }
}

void add(const std::string& name, void (*way)(), std::size_t megabytes) {
    benchmark::RegisterBenchmark(
        ("start_and_wait/" + name + "/" + std::to_string(megabytes)).c_str(),
        [=](benchmark::State& state) { start_and_wait(state, way, megabytes); })
        ->UseRealTime()
        ->Unit(benchmark::kMicrosecond);
}
void add(const std::string& name, std::string (*way)()) {
    benchmark::RegisterBenchmark(("cat/" + name).c_str(),
                                 [=](benchmark::State& state) { cat(state, way); })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
}

}  // namespace

int main(int argc, char** argv) {
    // 4 GB, or what this machine can spare.
    struct sysinfo machine{};
    ::sysinfo(&machine);
    const std::size_t spare = (machine.freeram >> 20) * machine.mem_unit / 2;
    for (const std::size_t megabytes : {std::size_t{10}, std::min<std::size_t>(spare, 4096)}) {
        add("tandem_run", &tandem_run, megabytes);
        add("tandem_subprocess", &tandem_subprocess, megabytes);
        add("raw_vfork", &raw_vfork, megabytes);
        add("posix_spawn", &posix_spawn, megabytes);
#if HAS_BOOST
        add("boost_process", &boost_process_child, megabytes);
#endif
        add("raw_fork", &raw_fork, megabytes);
    }
    add("tandem_communicate", &tandem_cat);
    add("bare_poll_loop", &bare_poll_loop);
#if HAS_BOOST
    add("boost_process", &boost_process_async);
#endif
    for (const bool with_deadline : {true, false}) {
        benchmark::RegisterBenchmark(
            with_deadline ? "end_to_return/tandem_wait" : "end_to_return/waitid",
            [=](benchmark::State& state) { end_to_return(state, with_deadline); })
            ->UseManualTime()
            ->Unit(benchmark::kMicrosecond);
    }
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
