// SPDX-License-Identifier: BSL-1.0
// tandem/pool/process.hpp: one function in one process.        level 3
#pragma once

#include <tandem/core/deadline.hpp>
#include <tandem/ipc/passed_descriptors.hpp>
#include <tandem/ipc/thunk.hpp>
#include <tandem/pool/launch.hpp>
#include <tandem/pool/worker.hpp>
#include <tandem/subprocess/exit_status.hpp>

#include <cerrno>
#include <chrono>
#include <concepts>
#include <csignal>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace tandem {

namespace detail {

// A child of the helper that makes one call. Its end comes as the helper's word.
class one_call_process {
   public:
    // Throws: what fork_server::get() throws, broken_pool, io_error.
    one_call_process(std::span<const std::byte> call, std::span<const std::byte> arguments,
                     std::span<const unique_fd> fds) {
        server_ = fork_server::get();
        session_ = server_->open_session();
        auto [ours, theirs] = make_socketpair(SOCK_STREAM);
        region_ = shared_region::create(sizeof(channel_memory));
        unique_fd memory(::fcntl(region_.fd(), F_DUPFD_CLOEXEC, 3));
        if (!memory) throw_io_error("cannot pass a shared region on", errno);
        unique_fd passed[] = {std::move(theirs), std::move(memory)};
        const fork_request request{1};
        if (!send_packet(session_.get(), &request, sizeof request, passed)) {
            throw broken_pool("process: the helper process is gone");
        }
        for (unique_fd& fd : passed) fd.reset();
        region_.close_fd();
        socket_ = std::move(ours);
        if (!hear(start_limit)) throw broken_pool("process: the helper process does not answer");
        if (!pidfd_)
            throw broken_pool(std::string("process: cannot fork: ") + std::strerror(error_));
        send(call, arguments, fds);
    }

    int pid() const noexcept { return pid_; }
    // Whether it has ended in time.
    bool wait(deadline until) {
        while (!status_) {
            if (!hear(until)) return false;
        }
        return true;
    }
    const std::optional<exit_status>& status() const noexcept { return status_; }
    void signal(int number) noexcept {
        if (!status_) ::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0);
    }

   private:
    static constexpr auto start_limit = std::chrono::seconds(10);

    // Takes one message of the helper. False: there was none in time.
    bool hear(deadline until) {
        pollfd news{session_.get(), POLLIN, 0};
        const auto ms = std::chrono::ceil<std::chrono::milliseconds>(
            std::min<std::chrono::nanoseconds>(until.remaining(), std::chrono::hours(24)));
        const int ready = ::poll(&news, 1, static_cast<int>(ms.count()));
        if (ready < 0 && errno != EINTR) throw_io_error("cannot wait for a process", errno);
        if (ready <= 0) return !until.expired();
        helper_message message;
        auto received = receive_packet(session_.get(), &message, sizeof message, 0);
        if (received.size != sizeof message) {
            status_.emplace();  // the helper was killed, and has taken it along
        } else if (message.news == helper_news::forked) {
            pid_ = message.pid;
            if (!received.fds.empty()) pidfd_ = std::move(received.fds[0]);
            error_ = EMFILE;
        } else if (message.news == helper_news::failed) {
            error_ = message.status;
        } else {
            status_ = WIFEXITED(message.status) ? exit_status::exited(WEXITSTATUS(message.status))
                                                : exit_status::signaled(WTERMSIG(message.status),
                                                                        WCOREDUMP(message.status));
        }
        return true;
    }
    void send(std::span<const std::byte> call, std::span<const std::byte> arguments,
              std::span<const unique_fd> fds) {
        static_cast<channel_memory*>(region_.data())
            ->claims[1]
            .store(claim_word{1, 0, 1}.pack(), std::memory_order_seq_cst);
        const std::uint64_t size = arguments.size();
        const chunk_head head{1, 1, call.size(), call.size() + sizeof size + arguments.size(),
                              wants_exit};
        writer message;
        message.write(&head, sizeof head);
        message.write(call.data(), call.size());
        message.write(&size, sizeof size);
        message.write(arguments.data(), arguments.size());
        // A process that died reads nothing; how it ended is told by the helper.
        const auto n = send_with(socket_.get(), message.bytes(), fds, 0);
        if (n > 0) send_all(socket_.get(), message.bytes().subspan(static_cast<std::size_t>(n)));
    }

    std::shared_ptr<fork_server> server_;
    unique_fd session_;
    unique_fd socket_;
    shared_region region_;
    unique_fd pidfd_;
    int pid_ = -1;
    int error_ = 0;
    std::optional<exit_status> status_;
};

}  // namespace detail

/// Calls one function in a process of its own. What goes in must be shippable, as for a
/// process_pool; what comes out is how it ended: 0 if f returns, 1 if it throws (the exception is
/// written to stderr). Values come and go through a `channel`.
/// Python: multiprocessing.Process.
/// Thread safety: one object is used by one thread at a time.
/// Lifetime: the destructor joins, as that of std::jthread; during an exception it kills first.
class process {
   public:
    /// Starts `f(args...)`. Throws: codec_error; invalid_state without a helper (see worker_main),
    /// or in a worker; io_error.
    template <class F, class... Args>
        requires(!std::same_as<std::remove_cvref_t<F>, process>)
    explicit process(F&& f, Args&&... args) {
        using G = std::decay_t<F>;
        if constexpr (!detail::callable_elsewhere<G, detail::shipped_t<Args>...>) {
            detail::require_call<G, detail::shipped_t<Args>...>();
        } else {
            writer call;
            writer arguments;
            std::vector<unique_fd> fds;
            {
                const detail::descriptor_scope here(detail::outgoing_descriptors(), &fds);
                using there = detail::submitted_call<G, detail::shipped_t<Args>...>;
                detail::encode_call<there, G>(call, f);
                (encode(arguments, static_cast<const detail::shipped_t<Args>&>(args)), ...);
            }
            child_ =
                std::make_unique<detail::one_call_process>(call.bytes(), arguments.bytes(), fds);
            (consume(std::forward<Args>(args)), ...);
        }
    }
    process(process&&) noexcept = default;
    process& operator=(process&& other) noexcept {
        process(std::move(other)).swap(*this);
        return *this;
    }
    ~process() {
        if (!child_) return;
        if (std::uncaught_exceptions() > exceptions_) kill();
        try {
            join();
        } catch (...) {
            kill();  // its helper's session ends with this object, and it with that
        }
    }

    /// Blocks: until it has ended. Python: join.
    void join() { child_->wait(deadline::never()); }
    /// The same, but not longer than that. Returns: whether it has ended.
    bool join(deadline until) { return child_->wait(until); }
    /// Whether it has not ended yet.
    bool is_alive() { return !join(std::chrono::nanoseconds(0)); }
    /// How it ended, once it has. Python: exitcode.
    std::optional<exit_status> status() {
        join(std::chrono::nanoseconds(0));
        return child_->status();
    }
    /// Sends SIGTERM; nothing if it has ended.
    void terminate() noexcept { child_->signal(SIGTERM); }
    /// Sends SIGKILL; what it started and did not wait for goes too.
    void kill() noexcept { child_->signal(SIGKILL); }
    int pid() const noexcept { return child_->pid(); }

   private:
    // An rvalue was given away: this process keeps nothing of it, such as its end of a channel.
    template <class T>
    static void consume(T&& given) {
        if constexpr (std::is_rvalue_reference_v<T&&> &&
                      !std::is_const_v<std::remove_reference_t<T>> &&
                      std::is_class_v<std::remove_reference_t<T>>) {
            [[maybe_unused]] const auto gone = std::move(given);
        }
    }
    void swap(process& other) noexcept { child_.swap(other.child_); }

    int exceptions_ = std::uncaught_exceptions();
    std::unique_ptr<detail::one_call_process> child_;
};

}  // namespace tandem
