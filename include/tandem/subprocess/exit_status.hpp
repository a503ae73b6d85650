// SPDX-License-Identifier: BSL-1.0
// tandem/subprocess/exit_status.hpp: how a program ended.        level 1
#pragma once

#include <tandem/core/config.hpp>
#include <tandem/core/error.hpp>

#include <csignal>
#include <optional>
#include <string>

#include <sys/wait.h>

namespace tandem {

/// How a program ended: it called exit, a signal killed it, or nobody knows, because somebody else
/// in this process waited for it (or the process ignores SIGCHLD). Unknown is never success.
/// Python: returncode, which cannot say "unknown" (it says 0).
/// Thread safety: a value, as int.
class exit_status {
   public:
    /// Unknown.
    constexpr exit_status() noexcept = default;
    /// The program called exit(code).
    static constexpr exit_status exited(int code) noexcept { return {kind::exited, code, false}; }
    /// The signal killed the program.
    static constexpr exit_status signaled(int signal, bool core_dumped = false) noexcept {
        return {kind::signaled, signal, core_dumped};
    }

    /// What the program passed to exit, if it did.
    constexpr std::optional<int> code() const noexcept { return number_if(kind::exited); }
    /// The signal that killed it, if one did.
    constexpr std::optional<int> signal() const noexcept { return number_if(kind::signaled); }
    /// Whether it left a core file.
    constexpr bool core_dumped() const noexcept { return core_dumped_; }
    /// Whether it ended with exit(0).
    constexpr bool success() const noexcept { return kind_ == kind::exited && number_ == 0; }
    /// Whether nobody knows how it ended.
    constexpr bool unknown() const noexcept { return kind_ == kind::unknown; }

    /// As in Python: the code, or minus the signal. Throws: invalid_state if it is unknown.
    int returncode() const {
        if (unknown()) {
            throw invalid_state(
                "exit_status: unknown: somebody else waited for the process, or SIGCHLD is "
                "ignored");
        }
        return kind_ == kind::exited ? number_ : -number_;
    }

    /// Such as "exited with 7" or "died with SIGSEGV (core dumped)".
    std::string text() const;

    friend constexpr bool operator==(const exit_status&, const exit_status&) noexcept = default;
    template <class Stream>
        requires requires(Stream& s, const std::string& t) { s << t; }
    friend Stream& operator<<(Stream& out, const exit_status& status) {
        out << status.text();
        return out;
    }

   private:
    enum class kind { unknown, exited, signaled };
    constexpr exit_status(kind how, int number, bool core_dumped) noexcept
        : kind_(how), number_(number), core_dumped_(core_dumped) {}
    constexpr std::optional<int> number_if(kind wanted) const noexcept {
        if (kind_ != wanted) return std::nullopt;
        return number_;
    }

    kind kind_ = kind::unknown;
    int number_ = 0;
    bool core_dumped_ = false;
};

namespace detail {

/// What waitid says, in our words.
inline exit_status status_from(const siginfo_t& info) noexcept {
    switch (info.si_code) {
        case CLD_EXITED:
            return exit_status::exited(info.si_status);
        case CLD_KILLED:
            return exit_status::signaled(info.si_status);
        case CLD_DUMPED:
            return exit_status::signaled(info.si_status, true);
        default:
            return {};
    }
}

// "SIGTERM", "SIGRTMIN+3" or "signal 99".
inline std::string signal_name(int signal) {
    struct named {
        int number;
        const char* name;
    };
    static constexpr named names[] = {
        {SIGHUP, "HUP"},       {SIGINT, "INT"},   {SIGQUIT, "QUIT"},   {SIGILL, "ILL"},
        {SIGTRAP, "TRAP"},     {SIGABRT, "ABRT"}, {SIGBUS, "BUS"},     {SIGFPE, "FPE"},
        {SIGKILL, "KILL"},     {SIGUSR1, "USR1"}, {SIGSEGV, "SEGV"},   {SIGUSR2, "USR2"},
        {SIGPIPE, "PIPE"},     {SIGALRM, "ALRM"}, {SIGTERM, "TERM"},   {SIGCHLD, "CHLD"},
        {SIGCONT, "CONT"},     {SIGSTOP, "STOP"}, {SIGTSTP, "TSTP"},   {SIGTTIN, "TTIN"},
        {SIGTTOU, "TTOU"},     {SIGURG, "URG"},   {SIGXCPU, "XCPU"},   {SIGXFSZ, "XFSZ"},
        {SIGVTALRM, "VTALRM"}, {SIGPROF, "PROF"}, {SIGWINCH, "WINCH"}, {SIGIO, "IO"},
        {SIGPWR, "PWR"},       {SIGSYS, "SYS"}};
    for (const auto& [number, name] : names) {
        if (number == signal) return std::string("SIG") + name;
    }
    if (signal >= SIGRTMIN && signal <= SIGRTMAX) {
        return "SIGRTMIN+" + std::to_string(signal - SIGRTMIN);
    }
    return "signal " + std::to_string(signal);
}

}  // namespace detail

inline std::string exit_status::text() const {
    if (unknown()) return "ended, nobody knows how";
    if (kind_ == kind::exited) return "exited with " + std::to_string(number_);
    return "died with " + detail::signal_name(number_) + (core_dumped_ ? " (core dumped)" : "");
}

}  // namespace tandem
