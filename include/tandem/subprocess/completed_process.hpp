// SPDX-License-Identifier: BSL-1.0
// tandem/subprocess/completed_process.hpp: what became of a program that ran.        level 1
#pragma once

#include <tandem/core/config.hpp>
#include <tandem/core/error.hpp>
#include <tandem/subprocess/child_process.hpp>
#include <tandem/subprocess/exit_status.hpp>
#include <tandem/subprocess/shell.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tandem {

/// What became of a program, or of a pipeline: how it ended, and what was captured.
/// Python: CompletedProcess.
/// Thread safety: a value, as std::string.
struct completed_process {
    std::vector<std::string> args;      ///< those of a pipeline with "|" between commands
    exit_status status;                 ///< of a pipeline, that of the last stage that failed
    std::vector<exit_status> statuses;  ///< one a stage
    std::string out;                    ///< standard output, if it was captured
    std::string err;                    ///< standard error, if it was captured
    bool truncated = false;             ///< there was more than `max_output`
    bool streams_abandoned = false;     ///< something it started still held its output
    resource_usage usage;               ///< of all stages
    std::size_t dropped = 0;            ///< how many bytes of output were not kept
    bool input_unread = false;          ///< it ended, or closed its input, before it had all of it

    /// Returns: this. Throws: called_process_error unless the status is success.
    /// Python: check_returncode.
    const completed_process& check() const&;
    completed_process check() &&;
};

namespace detail {

// The command as one would type it, not too long.
inline std::string shown(const std::vector<std::string>& args) {
    std::string line;
    for (const auto& one : args) {
        line += (line.empty() ? "" : " ") + (one == "|" ? one : quote(one));
        if (line.size() > 200) return line.substr(0, 200) + "...";
    }
    return line;
}

// The end of what it had to say about it, for the message.
inline std::string last_words(const std::string& err) {
    constexpr std::size_t most = 400;
    std::string end = err.size() > most ? "..." + err.substr(err.size() - most) : err;
    while (!end.empty() && end.back() == '\n') end.pop_back();
    return end.empty() ? end : ": " + end;
}

[[noreturn]] inline void throw_timeout(completed_process so_far) {
    const std::string what = shown(so_far.args) + ": did not end in time";
    throw timeout_expired(what, std::make_shared<const completed_process>(std::move(so_far)));
}
[[noreturn]] inline void throw_overflow(completed_process so_far) {
    const std::string what = shown(so_far.args) + ": wrote more than max_output";
    throw output_overflow(what, std::make_shared<const completed_process>(std::move(so_far)));
}

// A stage but the last may be ended by the next one, which had enough.
inline bool succeeded(const exit_status& status, bool is_last) noexcept {
    return status.success() || (!is_last && status.signal() == SIGPIPE);
}
// The status of a pipeline: of the last of its stages that failed, else of the last.
inline exit_status status_of(const std::vector<exit_status>& stages) noexcept {
    for (std::size_t i = stages.size(); i-- > 0;) {
        if (!succeeded(stages[i], i + 1 == stages.size())) return stages[i];
    }
    return stages.back();
}

}  // namespace detail

inline const completed_process& completed_process::check() const& {
    if (status.success()) return *this;
    throw called_process_error(detail::shown(args) + ": " + status.text() + detail::last_words(err),
                               std::make_shared<const completed_process>(*this));
}
inline completed_process completed_process::check() && {
    std::as_const(*this).check();
    return std::move(*this);
}

}  // namespace tandem
