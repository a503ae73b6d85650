// SPDX-License-Identifier: BSL-1.0
// tandem/core/error.hpp: every exception type that tandem throws.        level 0
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

namespace tandem {

/// The base of every exception of the library; what() says what failed, on what, and why.
/// Thread safety: as std::runtime_error, copies share their text and copying never throws.
class error : public std::runtime_error {
   public:
    using std::runtime_error::runtime_error;
};

/// Time ran out before the thing asked for was done. Python: TimeoutError.
class timeout_error : public error {
   public:
    using error::error;
    timeout_error() : error("timed out") {}
};

/// The work was cancelled before it had a result. Python: CancelledError.
class cancelled_error : public error {
   public:
    using error::error;
    cancelled_error() : error("cancelled") {}
};

/// The call is not allowed in the object's present state. Python: InvalidStateError.
class invalid_state : public error {
   public:
    using error::error;
};

/// A promise went away without ever being set.
class broken_promise : public error {
   public:
    using error::error;
    broken_promise() : error("the promise was destroyed without a value or an exception") {}
};

/// The pool takes no more work: it was closed or terminated. Python: "Pool not running".
class pool_closed : public error {
   public:
    using error::error;
};

/// The pool cannot work any more, for the reason in its text. Python: BrokenProcessPool.
class broken_pool : public error {
   public:
    using error::error;
};

/// Bytes do not hold the value they should, or a value has no bytes.
class codec_error : public error {
   public:
    using error::error;
};

/// A system call failed; code() is its errno.
class io_error : public error {
   public:
    io_error(std::error_code code, const std::string& what)
        : error(what + ": " + code.message()), code_(code) {}

    /// What the system said.
    const std::error_code& code() const noexcept { return code_; }

   private:
    std::error_code code_;
};

/// A program could not be started; step() is what failed on the way (such as "exec" or "chdir").
class spawn_error : public error {
   public:
    spawn_error(std::error_code code, const char* step, const std::string& path)
        : error("cannot start " + path + ": " + step + ": " + code.message()),
          details_(std::make_shared<const details>(details{code, step, path})) {}

    /// What the system said.
    const std::error_code& code() const noexcept { return details_->code; }
    /// The step that failed.
    const std::string& step() const noexcept { return details_->step; }
    /// The program or folder that the step was about.
    const std::string& path() const noexcept { return details_->path; }

   private:
    struct details {
        std::error_code code;
        std::string step;
        std::string path;
    };
    std::shared_ptr<const details> details_;
};

/// How a process ended, as far as it is known, when it ended without finishing its task.
struct death {
    int pid = -1;
    std::optional<int> exit_code;  // set when it called exit, 0 included
    std::optional<int> signal;     // set when a signal killed it
    bool core_dumped = false;
    bool out_of_memory = false;  // SIGKILL that we did not send: most often the kernel's OOM killer
    std::string stderr_tail;
};

/// The process that ran this one task died; the other tasks of the pool are not affected.
class worker_died : public error {
   public:
    worker_died(const std::string& what, death how)
        : error(what), how_(std::make_shared<const death>(std::move(how))) {}

    /// The process that died.
    int pid() const noexcept { return how_->pid; }
    /// What it passed to exit, if it did.
    std::optional<int> exit_code() const noexcept { return how_->exit_code; }
    /// The signal that killed it, if one did.
    std::optional<int> signal() const noexcept { return how_->signal; }
    /// Whether it left a core file.
    bool core_dumped() const noexcept { return how_->core_dumped; }
    /// Whether it looks like the kernel's out-of-memory killer: a SIGKILL that was not ours.
    bool out_of_memory() const noexcept { return how_->out_of_memory; }
    /// The last bytes it wrote to its standard error, if they were kept.
    const std::string& stderr_tail() const noexcept { return how_->stderr_tail; }

   private:
    std::shared_ptr<const death> how_;
};

/// A task in another process threw something that cannot be rebuilt here as its own type.
class remote_exception : public error {
   public:
    remote_exception(const std::string& what, std::string type_name, int pid)
        : error(what),
          type_name_(std::make_shared<const std::string>(std::move(type_name))),
          pid_(pid) {}

    /// The type that was thrown there, as the compiler spells it.
    const std::string& type_name() const noexcept { return *type_name_; }
    /// The process that threw it.
    int pid() const noexcept { return pid_; }

   private:
    std::shared_ptr<const std::string> type_name_;
    int pid_;
};

struct completed_process;  // subprocess/completed_process.hpp

/// A program ended with a status that was not success. Python: CalledProcessError.
class called_process_error : public error {
   public:
    called_process_error(const std::string& what, std::shared_ptr<const completed_process> process)
        : error(what), process_(std::move(process)) {}

    /// The arguments, the status and what was captured.
    const completed_process& process() const noexcept { return *process_; }

   private:
    std::shared_ptr<const completed_process> process_;
};

/// A program did not end in time. Python: TimeoutExpired.
class timeout_expired : public timeout_error {
   public:
    timeout_expired(const std::string& what, std::shared_ptr<const completed_process> process)
        : timeout_error(what), process_(std::move(process)) {}

    /// What was captured up to the timeout.
    const completed_process& process() const noexcept { return *process_; }

   private:
    std::shared_ptr<const completed_process> process_;
};

/// A program wrote more than is kept of its output, and was killed for it.
class output_overflow : public error {
   public:
    output_overflow(const std::string& what, std::shared_ptr<const completed_process> process)
        : error(what), process_(std::move(process)) {}

    /// What was captured up to the limit.
    const completed_process& process() const noexcept { return *process_; }

   private:
    std::shared_ptr<const completed_process> process_;
};

/// A stream ended before all the bytes asked for had come. Python: IncompleteReadError.
class incomplete_read : public error {
   public:
    incomplete_read(std::string partial, std::size_t expected)
        : error("the stream ended after " + std::to_string(partial.size()) + " of " +
                std::to_string(expected) + " bytes"),
          partial_(std::make_shared<const std::string>(std::move(partial))),
          expected_(expected) {}

    /// The bytes that did come.
    const std::string& partial() const noexcept { return *partial_; }
    /// How many were asked for.
    std::size_t expected() const noexcept { return expected_; }

   private:
    std::shared_ptr<const std::string> partial_;
    std::size_t expected_;
};

/// A line is longer than the stream's limit. Python: LimitOverrunError.
class line_too_long : public error {
   public:
    explicit line_too_long(std::size_t limit)
        : error("a line is longer than the limit of " + std::to_string(limit) + " bytes"),
          limit_(limit) {}

    /// The limit, in bytes.
    std::size_t limit() const noexcept { return limit_; }

   private:
    std::size_t limit_;
};

}  // namespace tandem
