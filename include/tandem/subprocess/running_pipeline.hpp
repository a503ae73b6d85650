// SPDX-License-Identifier: BSL-1.0
// tandem/subprocess/running_pipeline.hpp: the processes of one or more commands, and our ends of the pipes.        level 1
#pragma once

#include <tandem/core/config.hpp>
#include <tandem/core/deadline.hpp>
#include <tandem/core/error.hpp>
#include <tandem/core/unique_fd.hpp>
#include <tandem/subprocess/child_process.hpp>
#include <tandem/subprocess/command.hpp>
#include <tandem/subprocess/completed_process.hpp>
#include <tandem/subprocess/exit_status.hpp>
#include <tandem/subprocess/kill_scope.hpp>
#include <tandem/subprocess/orphans.hpp>
#include <tandem/subprocess/pipes.hpp>
#include <tandem/subprocess/redirect.hpp>
#include <tandem/subprocess/spawn.hpp>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace tandem::detail {

// What is said about the streams of all stages together, and who is killed with them.
struct stream_options {
    redirect in = stdio::inherit;
    redirect out = stdio::inherit;
    redirect err = stdio::inherit;
    std::chrono::nanoseconds linger = std::chrono::milliseconds(100);
    kill_scope kill = kill_scope::child;
};

// The processes of a command (one stage) or of a pipeline, from start to end.
// Thread safety: what does not touch the pipes may be called concurrently.
class running_pipeline {
   public:
    // Starts all of them. Throws: spawn_error, std::invalid_argument, invalid_state; none is left
    // running then.
    running_pipeline(std::span<const command> stages, std::vector<std::string> arguments,
                     const stream_options& options)
        : args(std::move(arguments)), scope_(options.kill) {
        check(stages, options);
        orphans::all().reap();
        try {
            start(stages, options);
        } catch (...) {
            end();
            throw;
        }
        for (pipe_reader* reader : {&out, &err}) {
            pipe_access::end_with(*reader, stages_.back()->exit_fd(), options.linger);
        }
    }
    running_pipeline(const running_pipeline&) = delete;
    running_pipeline& operator=(const running_pipeline&) = delete;
    ~running_pipeline() { let_go(); }

    std::span<const std::unique_ptr<child_process>> stages() const noexcept { return stages_; }
    child_process& last() const noexcept { return *stages_.back(); }

    // How each ended; reaps them. Returns: none while one has not ended when the time is up.
    std::optional<std::vector<exit_status>> wait(deadline until) const {
        std::vector<exit_status> statuses;
        for (const auto& stage : stages_) {
            const auto status = stage->wait(until);
            if (!status) return std::nullopt;
            statuses.push_back(*status);
        }
        return statuses;
    }
    // Returns: whether anybody was there to get it.
    bool signal(int number) const {
        bool any = false;
        for (const auto& stage : stages_) any = signal_scope(*stage, scope_, number) || any;
        return any;
    }
    // Kills all of them, waits until they are gone, and reaps them. One that the kernel holds for
    // longer than a second is let go of.
    void end() noexcept {
        for (const auto& stage : stages_) {
            try {
                signal_scope(*stage, scope_, SIGKILL);
            } catch (...) {
                stage->signal(SIGKILL);  // without memory, or descriptors, to look for others
            }
        }
        try {
            wait(std::chrono::seconds(1));
        } catch (...) {
        }
        let_go();
    }
    // Gives those up that have not been reaped: each will be, when it has ended.
    void let_go() noexcept {
        for (auto& stage : stages_) {
            if (stage && !stage->poll()) orphans::all().adopt(std::move(stage));
        }
        stages_.clear();
        orphans::all().reap();
    }
    resource_usage usage() const {
        resource_usage all;
        for (const auto& stage : stages_) all += stage->usage();
        return all;
    }

    const std::vector<std::string> args;
    pipe_writer in;
    pipe_reader out;
    pipe_reader err;

   private:
    // A stream for a child: a descriptor, or -1 to inherit; and its owner, if that is not the user.
    struct source {
        int fd = -1;
        unique_fd owner;
    };

    static void check(std::span<const command> stages, const stream_options& options) {
        using access = redirect_access;
        const auto is_kind = [](const redirect& r, redirect_kind kind) {
            return access::kind(r) == kind;
        };
        const auto reads = [&](const redirect& r) {
            return is_kind(r, redirect_kind::file) && (access::number(r) & O_ACCMODE) == O_RDONLY;
        };
        if (options.in == stdio::merge || options.out == stdio::merge) {
            throw std::invalid_argument("subprocess: only standard error can be merged");
        }
        if (is_kind(options.in, redirect_kind::file) && !reads(options.in)) {
            throw std::invalid_argument("subprocess: standard input wants from_file");
        }
        if (reads(options.out) || reads(options.err)) {
            throw std::invalid_argument("subprocess: standard output and error want to_file");
        }
        if (is_kind(options.out, redirect_kind::output) ||
            is_kind(options.err, redirect_kind::output)) {
            throw std::invalid_argument("subprocess: output_of is for standard input");
        }
        for (const auto& stage : stages) {
            const auto group = command_access::parts(stage).process_group;
            if (options.kill != kill_scope::child && group.value_or(0) != 0) {
                throw std::invalid_argument(
                    "subprocess: a program that is in somebody else's process group cannot be "
                    "killed with its group");
            }
        }
    }

    void start(std::span<const command> stages, const stream_options& options) {
        const std::string& program =
            stages.front().args().empty() ? no_name_ : stages.front().args().front();
        const int pipe_size = command_access::parts(stages.front()).pipe_size;
        source next = open_in(options.in, program, pipe_size);
        source errors = open_out(options.err, err, program, pipe_size);
        for (std::size_t i = 0; i < stages.size(); ++i) {
            const auto& parts = command_access::parts(stages[i]);
            source from = std::move(next);
            source to;
            if (i + 1 == stages.size()) {
                to = open_out(options.out, out, program, parts.pipe_size);
            } else {
                auto [their_in, their_out] = make_pipe(program);
                size(their_out, parts.pipe_size);
                next = owned(std::move(their_in));
                to = owned(std::move(their_out));
            }
            pipe_reader nobody;
            source own = parts.err ? open_out(*parts.err, nobody, program, 0) : source{};
            const redirect& wanted = parts.err ? *parts.err : options.err;
            const child_streams streams{.in = from.fd,
                                        .out = to.fd,
                                        .err = parts.err ? own.fd : errors.fd,
                                        .err_to_out = wanted == stdio::merge};
            stages_.push_back(
                std::make_unique<child_process>(parts, streams, scope_ != kill_scope::child));
        }
        // Taken over only now that nothing can go wrong any more.
        if (redirect_access::kind(options.in) == redirect_kind::output) {
            redirect_access::source(options.in).reset();
        }
    }

    static source owned(unique_fd fd) noexcept {
        const int number = fd.get();
        return {number, std::move(fd)};
    }
    static source open(const redirect& what, const std::string& program) {
        const bool null = what == stdio::null;
        const char* path = null ? "/dev/null" : redirect_access::path(what);
        const int flags = (null ? O_RDWR : redirect_access::number(what)) | O_CLOEXEC;
        unique_fd file(retry_interrupted([&]() noexcept { return ::open(path, flags, 0666); }));
        if (!file) throw_spawn_error(errno, "open", path);
        return owned(above_std(std::move(file), program));
    }
    static void size(const unique_fd& pipe, int bytes) noexcept {
        if (bytes > 0) ::fcntl(pipe.get(), F_SETPIPE_SZ, bytes);
    }

    source open_in(const redirect& what, const std::string& program, int pipe_size) {
        switch (redirect_access::kind(what)) {
            case redirect_kind::null:
            case redirect_kind::file:
                return open(what, program);
            case redirect_kind::descriptor:
                return {redirect_access::number(what), {}};
            case redirect_kind::output: {
                const int fd = redirect_access::source(what).get();
                if (fd < 0) throw invalid_state("output_of: there is no pipe, or it was closed");
                // So that it may be handed on: the program expects a pipe that blocks.
                ::fcntl(fd, F_SETFL, 0);
                return {fd, {}};
            }
            case redirect_kind::pipe: {
                auto [theirs, ours] = make_pipe(program);
                size(ours, pipe_size);
                set_nonblocking(ours.get());
                pipe_access::open(in, std::move(ours));
                return owned(std::move(theirs));
            }
            default:
                return {};
        }
    }
    static source open_out(const redirect& what, pipe_reader& reader, const std::string& program,
                           int pipe_size) {
        switch (redirect_access::kind(what)) {
            case redirect_kind::null:
            case redirect_kind::file:
                return open(what, program);
            case redirect_kind::descriptor:
                return {redirect_access::number(what), {}};
            case redirect_kind::pipe: {
                auto [ours, theirs] = make_pipe(program);
                size(ours, pipe_size);
                set_nonblocking(ours.get());
                pipe_access::open(reader, std::move(ours));
                return owned(std::move(theirs));
            }
            default:
                return {};
        }
    }

    inline static const std::string no_name_;
    const kill_scope scope_;
    std::vector<std::unique_ptr<child_process>> stages_;
};

}  // namespace tandem::detail
