// SPDX-License-Identifier: BSL-1.0
// tandem/subprocess/run.hpp: runs a program to its end.        level 1
// Read examples/effective_python/36_subprocess.cpp first.
#pragma once

#include <tandem/core/config.hpp>
#include <tandem/core/deadline.hpp>
#include <tandem/core/error.hpp>
#include <tandem/subprocess/command.hpp>
#include <tandem/subprocess/command_pipeline.hpp>
#include <tandem/subprocess/communicate.hpp>
#include <tandem/subprocess/completed_process.hpp>
#include <tandem/subprocess/kill_scope.hpp>
#include <tandem/subprocess/redirect.hpp>
#include <tandem/subprocess/running_pipeline.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tandem {

/// How run() runs a program.
struct run_options {
    std::optional<std::string_view> input = std::nullopt;  ///< unset inherits, "" is empty
    bool capture_output = false;                           ///< both; `out = stdio::pipe` is one
    redirect in = stdio::inherit;
    redirect out = stdio::inherit;
    redirect err = stdio::inherit;
    std::chrono::nanoseconds timeout = forever;
    std::chrono::nanoseconds grace{0};  ///< at the timeout: from SIGTERM to SIGKILL; 0: at once
    bool check = false;                 ///< throw called_process_error unless it succeeds
    std::size_t max_output = std::size_t{1} << 30;  ///< of each stream
    tandem::overflow overflow = tandem::overflow::fail;
    /// How long to wait for the ends of its streams once it has ended: others may hold them.
    std::chrono::nanoseconds linger = std::chrono::milliseconds(100);
    kill_scope kill = kill_scope::child;  ///< group and tree start a new process group
};

/// Runs a program, or a pipeline, to its end.
/// Throws: spawn_error if it cannot be started; timeout_expired, when it was killed, with what it
/// wrote; output_overflow; called_process_error with `check`; std::invalid_argument for options
/// that contradict each other. Whatever is thrown, the program is gone.
/// Python: subprocess.run.
completed_process run(const command& program, const run_options& options = {});
completed_process run(const command_pipeline& programs, const run_options& options = {});

/// What a program writes, without one newline at its end. Throws: as run, and called_process_error
/// unless it succeeds. Python: subprocess.check_output, getoutput.
std::string output(const command& program, run_options options = {});
std::string output(const command_pipeline& programs, run_options options = {});

namespace detail {

// Whatever comes in between, no process stays.
struct ended_at_last {
    running_pipeline& running;
    ~ended_at_last() { running.end(); }
};

inline stream_options streams_of(const run_options& options) {
    const bool streams_given = !(options.out == stdio::inherit && options.err == stdio::inherit);
    if (options.capture_output && streams_given) {
        throw std::invalid_argument("run: capture_output and out or err contradict each other");
    }
    if (options.input && !(options.in == stdio::inherit)) {
        throw std::invalid_argument("run: input and in contradict each other");
    }
    stream_options streams{options.in, options.out, options.err, options.linger, options.kill};
    if (options.input) streams.in = stdio::pipe;
    if (options.capture_output) streams.out = streams.err = stdio::pipe;
    return streams;
}

// Ends a program that did not end in time, and reads what it wrote up to its end.
inline void stop(running_pipeline& running, conversation& talk, const run_options& options) {
    using namespace std::chrono_literals;
    if (options.grace > 0ns) {
        running.signal(SIGTERM);
        talk.go_on(deadline(options.grace));
    }
    running.signal(SIGKILL);
    talk.go_on(deadline(1s + std::clamp<std::chrono::nanoseconds>(options.linger, 0ns, 1s)));
}

// How each stage ended; unknown for one that the kernel does not let die.
inline void look_at(running_pipeline& running, completed_process& result) {
    running.wait(std::chrono::seconds(1));
    for (const auto& stage : running.stages()) {
        result.statuses.push_back(stage->poll().value_or(exit_status{}));
    }
    result.status = status_of(result.statuses);
    result.usage = running.usage();
}

inline completed_process run(std::span<const command> stages, std::vector<std::string> args,
                             const run_options& options) {
    const deadline until(options.timeout);
    running_pipeline running(stages, std::move(args), streams_of(options));
    const ended_at_last guard{running};
    conversation talk(running, options.max_output, options.overflow, options.linger);
    if (options.input) talk.set_input(*options.input);

    const auto how = talk.go_on(until);
    if (how == conversation::end::timed_out) stop(running, talk, options);
    if (how == conversation::end::overflowed) running.signal(SIGKILL);
    completed_process result;
    result.args = running.args;
    talk.take(result);
    look_at(running, result);
    if (how == conversation::end::timed_out) throw_timeout(std::move(result));
    if (how == conversation::end::overflowed) throw_overflow(std::move(result));
    if (options.check) result.check();
    return result;
}

inline std::string output(std::span<const command> stages, std::vector<std::string> args,
                          run_options options) {
    options.check = true;
    if (options.out == stdio::inherit) options.out = stdio::pipe;
    if (options.err == stdio::inherit) options.err = stdio::pipe;
    options.capture_output = false;
    auto text = run(stages, std::move(args), options).out;
    if (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

}  // namespace detail

inline completed_process run(const command& program, const run_options& options) {
    return detail::run({&program, 1}, program.args(), options);
}
inline completed_process run(const command_pipeline& programs, const run_options& options) {
    return detail::run(programs.stages(), programs.args(), options);
}
inline std::string output(const command& program, run_options options) {
    return detail::output({&program, 1}, program.args(), options);
}
inline std::string output(const command_pipeline& programs, run_options options) {
    return detail::output(programs.stages(), programs.args(), options);
}

}  // namespace tandem
