// SPDX-License-Identifier: BSL-1.0
// tandem/subprocess/subprocess.hpp: a program that runs beside us.        level 1
// Read examples/effective_python/36_subprocess.cpp first.
#pragma once

#include <tandem/core/config.hpp>
#include <tandem/core/deadline.hpp>
#include <tandem/core/error.hpp>
#include <tandem/subprocess/command.hpp>
#include <tandem/subprocess/command_pipeline.hpp>
#include <tandem/subprocess/communicate.hpp>
#include <tandem/subprocess/completed_process.hpp>
#include <tandem/subprocess/exit_status.hpp>
#include <tandem/subprocess/kill_scope.hpp>
#include <tandem/subprocess/pipes.hpp>
#include <tandem/subprocess/redirect.hpp>
#include <tandem/subprocess/running_pipeline.hpp>

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

/// What happens to a program that still runs when its subprocess object goes.
enum class on_drop {
    kill,   ///< it is killed (see kill_scope) and waited for
    wait,   ///< its pipes are closed, and it is waited for
    detach  ///< it goes on; when it has ended, the next start of another one reaps it
};

/// How a subprocess is started, and what becomes of it.
struct subprocess_options {
    redirect in = stdio::inherit;
    redirect out = stdio::inherit;
    redirect err = stdio::inherit;
    tandem::on_drop on_drop = tandem::on_drop::kill;
    kill_scope kill = kill_scope::child;  ///< whom signals go to; group and tree start a new group
    std::chrono::nanoseconds linger = std::chrono::milliseconds(100);  ///< see run_options
    std::size_t max_output = std::size_t{1} << 30;  ///< of each stream, in communicate
    tandem::overflow overflow = tandem::overflow::fail;
};

/// What communicate read.
struct communicated {
    std::string out;
    std::string err;
};

/// A program that runs beside this one, or a pipeline of them. It starts in the constructor, and is
/// gone when the object is, unless on_drop says otherwise: no process, zombie or descriptor stays.
/// Signals go to this program and never to one that got its number later.
/// Python: subprocess.Popen, as a context manager.
/// Thread safety: poll, wait, send_signal, terminate, kill and what only asks may be called
/// concurrently; each pipe, and communicate, by one thread at a time.
class subprocess {
   public:
    /// Starts it. Throws: spawn_error with the step that failed; std::invalid_argument for options
    /// that contradict each other. Blocks: until the program executes.
    explicit subprocess(const command& program, const subprocess_options& options = {})
        : subprocess({&program, 1}, program.args(), options) {}
    explicit subprocess(const command_pipeline& programs, const subprocess_options& options = {})
        : subprocess(programs.stages(), programs.args(), options) {}
    /// What it is moved from can only be assigned to and destroyed.
    subprocess(subprocess&&) noexcept = default;
    subprocess& operator=(subprocess&& other) noexcept {
        if (this != &other) drop(), state_ = std::move(other.state_);
        return *this;
    }
    ~subprocess() { drop(); }

    /// How it ended, if it has. Of a pipeline: the status of the last stage that failed, when all
    /// have ended. Python: poll.
    std::optional<exit_status> poll() { return wait(std::chrono::nanoseconds(0)); }
    /// Waits for its end. A program whose output nobody reads may have none: see communicate.
    exit_status wait() { return *wait(deadline::never()); }
    /// The same. Returns: none if the time is up. Python: wait(timeout), which throws then.
    std::optional<exit_status> wait(deadline until) {
        const auto all = statuses(until);
        if (!all) return std::nullopt;
        return detail::status_of(*all);
    }
    /// One status a stage. Returns: none if the time is up before all have ended.
    std::optional<std::vector<exit_status>> statuses(deadline until = deadline::never()) {
        return running().wait(until);
    }

    /// Writes the input, reads what there are pipes for, and waits for its end.
    /// Throws: timeout_expired, with what was read so far, and the program goes on: communicate may
    /// be called again, and nothing is lost. output_overflow, and the program was killed.
    /// std::invalid_argument for an input that has no pipe, or is a second one.
    communicated communicate(std::string_view input = {}, deadline until = deadline::never());

    /// Sends it a signal. Returns: false if it had ended. Python: the same names.
    bool send_signal(int signal) { return running().signal(signal); }
    bool terminate() { return send_signal(SIGTERM); }
    bool kill() { return send_signal(SIGKILL); }

    /// Its number; of a pipeline, that of the last stage.
    int pid() const { return running().last().pid(); }
    /// A descriptor of it, readable when it has ended, to poll with; -1 where there is none.
    int pidfd() const { return running().last().pidfd(); }
    /// The program and its arguments.
    const std::vector<std::string>& args() const { return running().args; }

    /// Our ends of its pipes; not open unless the option was stdio::pipe.
    pipe_writer& in() { return running().in; }
    pipe_reader& out() { return running().out; }
    pipe_reader& err() { return running().err; }

   private:
    struct state {
        state(std::span<const command> stages, std::vector<std::string> args,
              const subprocess_options& o)
            : running(stages, std::move(args), {o.in, o.out, o.err, o.linger, o.kill}),
              options(o) {}
        detail::running_pipeline running;
        const subprocess_options options;
        std::optional<detail::conversation> conversation;
    };

    subprocess(std::span<const command> stages, std::vector<std::string> args,
               const subprocess_options& options)
        : state_(std::make_unique<state>(stages, std::move(args), options)) {}
    detail::running_pipeline& running() const {
        if (!state_) throw invalid_state("subprocess: it was moved from");
        return state_->running;
    }
    void begin_conversation(std::string_view input);
    completed_process so_far() const;
    void drop() noexcept;

    std::unique_ptr<state> state_;
};

/// The output of a subprocess whose `out` is a pipe, as the input of another one. It is handed
/// over: this process's end is closed.
/// Throws: invalid_state if there is no pipe, or some of the output was taken from it by read().
inline redirect output_of(subprocess& source) {
    auto& pipe = source.out();
    if (!pipe.is_open()) throw invalid_state("output_of: there is no pipe, or it was closed");
    if (!detail::pipe_access::buffered(pipe).empty()) {
        throw invalid_state("output_of: some of the output was read ahead already");
    }
    return detail::redirect_access::output(detail::pipe_access::fd(pipe));
}

inline void subprocess::begin_conversation(std::string_view input) {
    auto& now = *state_;
    if (!input.empty() && now.conversation) {
        throw std::invalid_argument("communicate: only the first call may have input");
    }
    if (!input.empty() && !now.running.in.is_open()) {
        throw std::invalid_argument("communicate: there is no pipe for the input");
    }
    if (now.conversation) return;
    now.conversation.emplace(now.running, now.options.max_output, now.options.overflow,
                             now.options.linger);
    now.conversation->set_input(input);
}

inline communicated subprocess::communicate(std::string_view input, deadline until) {
    auto& with = running();
    begin_conversation(input);
    auto& talk = *state_->conversation;
    using end = detail::conversation::end;
    const end how = [&] {
        try {
            return talk.go_on(until);
        } catch (...) {
            talk.keep_input();
            throw;
        }
    }();
    if (how == end::timed_out) {
        talk.keep_input();
        detail::throw_timeout(so_far());
    }
    if (how == end::overflowed) {
        with.signal(SIGKILL);
        detail::throw_overflow(so_far());
    }
    completed_process all;
    talk.take(all);
    return {std::move(all.out), std::move(all.err)};
}
inline completed_process subprocess::so_far() const {
    completed_process all;
    all.args = state_->running.args;
    state_->conversation->copy(all);
    return all;
}

inline void subprocess::drop() noexcept {
    if (!state_) return;
    auto& running = state_->running;
    if (state_->options.on_drop == on_drop::kill) running.end();
    running.in.close();
    running.out.close();
    running.err.close();
    if (state_->options.on_drop == on_drop::wait) {
        try {
            running.wait(deadline::never());
        } catch (const error&) {
        }
    }
    state_.reset();
}

}  // namespace tandem
