// SPDX-License-Identifier: BSL-1.0
// tandem/subprocess/command.hpp: a program, its arguments, and what surrounds it.        level 1
// Read examples/effective_python/36_subprocess.cpp first.
#pragma once

#include <tandem/core/config.hpp>
#include <tandem/subprocess/redirect.hpp>

#include <concepts>
#include <csignal>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <grp.h>
#include <pwd.h>
#include <sys/resource.h>
#include <sys/types.h>

namespace tandem {

namespace detail {

struct command_access;

// Everything that a command says.
struct command_parts {
    struct variable {
        std::string name;
        std::optional<std::string> value;  // none: not there
    };
    struct resource_limit {
        int resource;
        rlim_t soft, hard;
    };
    struct passed_fd {
        int ours, theirs;
    };

    std::vector<std::string> args;
    std::vector<variable> variables;  // each name once
    bool clear_env = false;           // before the variables
    std::optional<std::string> cwd;
    std::optional<std::string> executable;
    bool new_session = false;
    std::optional<pid_t> process_group;
    std::optional<mode_t> umask;
    std::optional<uid_t> user;
    std::optional<gid_t> group;
    std::optional<std::vector<gid_t>> groups;
    std::vector<resource_limit> limits;
    std::vector<passed_fd> passed;
    bool die_with_parent = false;
    int pipe_size = 0;
    std::optional<redirect> err;
};

inline const std::string& without_nul(const std::string& text, const char* what) {
    if (text.find('\0') != std::string::npos) {
        throw std::invalid_argument(std::string("command: a zero byte in ") + what);
    }
    return text;
}

}  // namespace detail

/// One argument of a command: a string of any kind, or a path.
/// Thread safety: a value, as std::string.
class argument {
   public:
    argument(const char* text)
        : text_(text ? text : throw std::invalid_argument("null argument")) {}
    argument(std::string text) noexcept : text_(std::move(text)) {}
    argument(std::string_view text) : text_(text) {}
    /// A path, such as std::filesystem::path.
    template <class Path>
        requires requires(const Path& p) {
            { p.native() } -> std::convertible_to<const std::string&>;
        }
    argument(const Path& path) : text_(path.native()) {}
    // {{"ls", "-l"}} would be one string from "ls" to "-l".
    argument(const char*, const char*) = delete;
    argument(std::nullptr_t) = delete;

    const std::string& text() const noexcept { return text_; }

   private:
    std::string text_;
};

/// A program with its arguments: command{"git", "log", file}.env("LANG", "C").cwd("/src").
/// No shell is involved: an argument is what it is, spaces and quotes included.
///
/// A program without a slash is looked for in the PATH that the program will have; one with a slash
/// is taken from the folder it will start in (cwd). Descriptors other than 0, 1 and 2 are closed in
/// it unless they are passed. Its signals are those of a fresh process, except that what is ignored
/// here (but SIGPIPE) is ignored there, as nohup wants.
/// Python: the arguments of subprocess.Popen. There is no preexec_fn: what it is used for is here.
/// Thread safety: a value, as std::string.
class command {
   public:
    /// The program and its arguments. Throws: std::invalid_argument if there is none, or one holds
    /// a zero byte.
    command(std::initializer_list<argument> args);
    command(std::vector<std::string> args);

    /// Sets a variable of its environment, which else is that of this process.
    /// Throws: std::invalid_argument for a name that is empty or holds `=`; the last one wins.
    command& env(std::string name, std::string value);
    /// Takes a variable out of its environment.
    command& unset_env(std::string name);
    /// Starts with an empty environment; forgets what env() was told before.
    command& clear_env();
    /// The folder it starts in.
    command& cwd(const argument& folder);
    /// The file to execute, in place of the first argument, which the program still sees.
    command& executable(const argument& file);
    /// Makes it the leader of a new session, without a terminal (setsid).
    command& new_session();
    /// Puts it into a process group: 0 is a new one of its own.
    command& process_group(pid_t group = 0);
    /// The permissions that files it makes do not get.
    command& umask(mode_t mask);
    /// The user, the group and the other groups it runs as: by number, or by name, which is looked
    /// up now. Throws: std::invalid_argument if there is nobody of this name.
    command& user(uid_t id);
    command& user(const std::string& name);
    command& group(gid_t id);
    command& group(const std::string& name);
    command& groups(std::vector<gid_t> ids);
    /// Limits a resource: limit(RLIMIT_CORE, 0). Both limits, or `soft` and `hard`.
    command& limit(int resource, rlim_t both);
    command& limit(int resource, rlim_t soft, rlim_t hard);
    /// Leaves a descriptor open in it, under the same number or as `as`, which is 3 or more.
    command& pass_fd(int fd, int as = -1);
    /// Has it killed when this process ends, however that ends.
    command& die_with_parent();
    /// The size of the pipes to and from it, in bytes; the system may round up, or refuse.
    command& pipe_size(int bytes);
    /// Where its standard error goes, whatever is said for the whole pipeline; not a pipe.
    command& err(const redirect& to);

    /// The program and its arguments.
    const std::vector<std::string>& args() const noexcept { return parts_.args; }

   private:
    friend struct detail::command_access;
    void check() const;
    command& variable(std::string name, std::optional<std::string> value);

    detail::command_parts parts_;
};

namespace detail {

struct command_access {
    static const command_parts& parts(const command& c) noexcept { return c.parts_; }
};

// Asks one of getpwnam_r and getgrnam_r, with as much room as it needs. False: nobody.
template <class Entry, class Ask>
bool look_up(Entry& entry, std::vector<char>& room, Ask ask) {
    room.resize(1024);
    while (true) {
        Entry* found = nullptr;
        const int err = ask(&entry, room.data(), room.size(), &found);
        if (err != ERANGE) return found != nullptr;
        room.resize(room.size() * 2);
    }
}

}  // namespace detail

inline command::command(std::initializer_list<argument> args) {
    parts_.args.reserve(args.size());
    for (const auto& one : args) parts_.args.push_back(one.text());
    check();
}
inline command::command(std::vector<std::string> args) {
    parts_.args = std::move(args);
    check();
}
inline void command::check() const {
    if (parts_.args.empty()) throw std::invalid_argument("command: there is no program");
    for (const auto& one : parts_.args) detail::without_nul(one, "an argument");
}

inline command& command::variable(std::string name, std::optional<std::string> value) {
    detail::without_nul(name, "the name of a variable");
    if (name.empty() || name.find('=') != std::string::npos) {
        throw std::invalid_argument("command: not the name of a variable: \"" + name + '"');
    }
    if (value) detail::without_nul(*value, "a variable");
    for (auto& known : parts_.variables) {
        if (known.name != name) continue;
        known.value = std::move(value);
        return *this;
    }
    parts_.variables.push_back({std::move(name), std::move(value)});
    return *this;
}
inline command& command::env(std::string name, std::string value) {
    return variable(std::move(name), std::move(value));
}
inline command& command::unset_env(std::string name) {
    return variable(std::move(name), std::nullopt);
}
inline command& command::clear_env() {
    parts_.clear_env = true;
    parts_.variables.clear();
    return *this;
}

inline command& command::cwd(const argument& folder) {
    parts_.cwd = detail::without_nul(folder.text(), "the folder");
    return *this;
}
inline command& command::executable(const argument& file) {
    parts_.executable = detail::without_nul(file.text(), "the executable");
    return *this;
}
inline command& command::new_session() {
    parts_.new_session = true;
    return *this;
}
inline command& command::process_group(pid_t group) {
    if (group < 0) throw std::invalid_argument("command: a process group is not negative");
    parts_.process_group = group;
    return *this;
}
inline command& command::umask(mode_t mask) {
    parts_.umask = mask;
    return *this;
}

inline command& command::user(uid_t id) {
    parts_.user = id;
    return *this;
}
inline command& command::user(const std::string& name) {
    passwd entry{};
    std::vector<char> room;
    if (!detail::look_up(entry, room,
                         [&](auto... at) { return ::getpwnam_r(name.c_str(), at...); })) {
        throw std::invalid_argument("command: there is no user " + name);
    }
    return user(entry.pw_uid);
}
inline command& command::group(gid_t id) {
    parts_.group = id;
    return *this;
}
inline command& command::group(const std::string& name) {
    ::group entry{};
    std::vector<char> room;
    if (!detail::look_up(entry, room,
                         [&](auto... at) { return ::getgrnam_r(name.c_str(), at...); })) {
        throw std::invalid_argument("command: there is no group " + name);
    }
    return group(entry.gr_gid);
}
inline command& command::groups(std::vector<gid_t> ids) {
    parts_.groups = std::move(ids);
    return *this;
}

inline command& command::limit(int resource, rlim_t both) { return limit(resource, both, both); }
inline command& command::limit(int resource, rlim_t soft, rlim_t hard) {
    parts_.limits.push_back({resource, soft, hard});
    return *this;
}
inline command& command::pass_fd(int fd, int as) {
    const int theirs = as == -1 ? fd : as;
    if (fd < 0 || theirs < 3) {
        throw std::invalid_argument("command: pass_fd wants a descriptor, and a number above 2");
    }
    for (const auto& other : parts_.passed) {
        if (other.theirs == theirs) {
            throw std::invalid_argument("command: two descriptors are passed as " +
                                        std::to_string(theirs));
        }
    }
    parts_.passed.push_back({fd, theirs});
    return *this;
}
inline command& command::die_with_parent() {
    parts_.die_with_parent = true;
    return *this;
}
inline command& command::pipe_size(int bytes) {
    if (bytes <= 0) throw std::invalid_argument("command: a pipe has a positive size");
    parts_.pipe_size = bytes;
    return *this;
}
inline command& command::err(const redirect& to) {
    if (to == stdio::pipe) {
        throw std::invalid_argument("command: a pipe for standard error is an option of the run");
    }
    parts_.err = to;
    return *this;
}

}  // namespace tandem
