// SPDX-License-Identifier: BSL-1.0
// tandem/subprocess/spawn_plan.hpp: all that a new process needs before its exec, made in advance.        level 1
#pragma once

#include <tandem/core/config.hpp>
#include <tandem/core/error.hpp>
#include <tandem/subprocess/command.hpp>
#include <tandem/subprocess/which.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <unistd.h>

namespace tandem::detail {

// What a new process does, in this order, and what may go wrong.
enum class spawn_step {
    none,
    signals,
    setsid,
    setpgid,
    setrlimit,
    umask,
    chdir,
    setgroups,
    setgid,
    setuid,
    prctl,
    dup,
    close_range,
    exec
};
inline const char* name_of(spawn_step step) noexcept {
    constexpr const char* names[] = {"",      "signals", "setsid",      "setpgid", "setrlimit",
                                     "umask", "chdir",   "setgroups",   "setgid",  "setuid",
                                     "prctl", "dup",     "close_range", "exec"};
    return names[static_cast<int>(step)];
}

// What the child says when a step fails.
struct spawn_report {
    spawn_step step = spawn_step::none;
    int error = 0;
    std::size_t candidate = 0;  // exec: which one
};

// A descriptor that the child gets under a number. `lift`: that number or its own is in the way of
// another move, so it steps aside first.
struct fd_move {
    int from;
    int to;
    bool lift = false;
};

// The streams of one process: descriptors of ours, or -1 to inherit.
struct child_streams {
    int in = -1, out = -1, err = -1;
    bool err_to_out = false;
};

[[noreturn]] inline void throw_spawn_error(int err, const char* step, const std::string& path) {
    throw spawn_error(std::error_code(err, std::generic_category()), step, path);
}

// What the child looks at: no classes of anybody, whose functions a sanitizer may have its hand in.
struct child_orders {
    char* const* argv = nullptr;
    char* const* envp = nullptr;
    const char* const* candidates = nullptr;  // files to try to execute, a null pointer last
    pid_t parent = 0;
    bool new_session = false;
    bool set_group = false;
    pid_t group = 0;
    const command_parts::resource_limit* limits = nullptr;
    std::size_t limit_count = 0;
    const mode_t* umask = nullptr;  // these six: null pointers for "leave it"
    const char* cwd = nullptr;
    const gid_t* groups = nullptr;
    const gid_t* group_id = nullptr;
    const uid_t* user = nullptr;
    std::size_t group_count = 0;
    bool die_with_parent = false;
    fd_move* moves = nullptr;
    std::size_t move_count = 0;
    int above = 3;              // more than any number that a move is about
    const int* kept = nullptr;  // descriptors above 2 that stay open, sorted
    std::size_t kept_count = 0;
};

// The orders, and the storage behind them: the child may neither allocate nor ask the C library.
// Requires: the command outlives it.
class spawn_plan {
   public:
    spawn_plan(const command_parts& command, const child_streams& streams, bool own_group)
        : parts_(command) {
        if (command.args.empty()) throw std::invalid_argument("command: it was moved from");
        for (const auto& one : command.args) argv_.push_back(const_cast<char*>(one.c_str()));
        argv_.push_back(nullptr);
        make_environment();
        make_candidates();
        make_moves(streams);
        const bool new_group = own_group && !command.new_session && !command.process_group;
        orders_.set_group = new_group || command.process_group.has_value();
        orders_.group = command.process_group.value_or(0);
    }
    spawn_plan(const spawn_plan&) = delete;
    spawn_plan& operator=(const spawn_plan&) = delete;

    // What the user calls the program.
    const std::string& program() const noexcept {
        return parts_.executable ? *parts_.executable : parts_.args.front();
    }
    // Whether it changes who it is. Such a child gets no access to our memory.
    bool changes_user() const noexcept { return parts_.user || parts_.group || parts_.groups; }
    bool can_be_found() const noexcept { return candidates_.front() != nullptr; }

    // Fresh ones, for each try.
    child_orders& orders() {
        used_moves_ = moves_;
        orders_.argv = argv_.data();
        orders_.envp = envp_;
        orders_.candidates = candidates_.data();
        orders_.parent = ::getpid();
        orders_.new_session = parts_.new_session;
        orders_.limits = parts_.limits.data();
        orders_.limit_count = parts_.limits.size();
        orders_.umask = pointer_to(parts_.umask);
        orders_.cwd = parts_.cwd ? parts_.cwd->c_str() : nullptr;
        // No groups at all is an order too: setgroups(0, ...).
        orders_.groups =
            parts_.groups ? (parts_.groups->empty() ? &no_group_ : parts_.groups->data()) : nullptr;
        orders_.group_count = parts_.groups ? parts_.groups->size() : 0;
        orders_.group_id = pointer_to(parts_.group);
        orders_.user = pointer_to(parts_.user);
        orders_.die_with_parent = parts_.die_with_parent;
        orders_.moves = used_moves_.data();
        orders_.move_count = used_moves_.size();
        orders_.kept = kept_.data();
        orders_.kept_count = kept_.size();
        return orders_;
    }
    int above() const noexcept { return orders_.above; }

    // Throws: spawn_error with what the child reports.
    [[noreturn]] void throw_report(const spawn_report& report) const {
        std::string about = program();
        if (report.step == spawn_step::chdir) about = *parts_.cwd;
        if (report.step == spawn_step::exec && report.error != ENOENT) {
            about = candidates_[report.candidate];
        }
        throw_spawn_error(report.error, name_of(report.step), about);
    }

   private:
    template <class T>
    static const T* pointer_to(const std::optional<T>& value) noexcept {
        return value ? &*value : nullptr;
    }

    void make_environment() {
        if (parts_.variables.empty() && !parts_.clear_env) {
            envp_ = environ;
            return;
        }
        for (char** at = parts_.clear_env ? nullptr : environ; at && *at; ++at) {
            const std::string_view entry = *at;
            if (!find(entry.substr(0, entry.find('=')))) pointers_.push_back(*at);
        }
        strings_.reserve(parts_.variables.size());  // no moves: short strings hold their text
        for (const auto& [name, value] : parts_.variables) {
            if (!value) continue;
            strings_.push_back(name + '=' + *value);
            pointers_.push_back(strings_.back().data());
        }
        pointers_.push_back(nullptr);
        envp_ = pointers_.data();
    }
    const command_parts::variable* find(std::string_view name) const noexcept {
        for (const auto& one : parts_.variables) {
            if (one.name == name) return &one;
        }
        return nullptr;
    }

    // The PATH is the child's.
    void make_candidates() {
        if (program().find('/') != std::string::npos) {
            candidates_ = {program().c_str(), nullptr};
            return;
        }
        each_candidate(search_path(), program(), [&](std::string file) {
            files_.push_back(std::move(file));
            return false;
        });
        for (const auto& file : files_) candidates_.push_back(file.c_str());
        candidates_.push_back(nullptr);
    }
    std::string_view search_path() const noexcept {
        for (char** at = envp_; at && *at; ++at) {
            if (std::strncmp(*at, "PATH=", 5) == 0) return *at + 5;
        }
        return default_path;
    }

    void make_moves(const child_streams& streams) {
        if (streams.in >= 0) moves_.push_back({streams.in, 0});
        if (streams.out >= 0) moves_.push_back({streams.out, 1});
        const int err = streams.err_to_out ? (streams.out >= 0 ? streams.out : 1) : streams.err;
        if (err >= 0) moves_.push_back({err, 2});
        for (const auto& [ours, theirs] : parts_.passed) {
            moves_.push_back({ours, theirs});
            kept_.push_back(theirs);
        }
        std::sort(kept_.begin(), kept_.end());
        for (auto& move : moves_) {
            orders_.above = std::max({orders_.above, move.from + 1, move.to + 1});
            const auto is_target = [&](const fd_move& other) { return other.to == move.from; };
            move.lift =
                move.from != move.to && std::any_of(moves_.begin(), moves_.end(), is_target);
        }
    }

    const command_parts& parts_;
    std::vector<char*> argv_;
    char** envp_ = nullptr;
    std::vector<std::string> strings_;  // behind envp_, as the next
    std::vector<char*> pointers_;
    std::vector<const char*> candidates_;
    std::vector<std::string> files_;  // behind candidates_
    std::vector<fd_move> moves_;
    std::vector<fd_move> used_moves_;  // a copy that the child may change
    std::vector<int> kept_;
    const gid_t no_group_ = 0;
    child_orders orders_;
};

}  // namespace tandem::detail
