// SPDX-License-Identifier: BSL-1.0
// tandem/subprocess/communicate.hpp: feeds a program and reads all it writes, in one poll set.        level 1
#pragma once

#include <tandem/core/config.hpp>
#include <tandem/core/deadline.hpp>
#include <tandem/core/error.hpp>
#include <tandem/subprocess/capture.hpp>
#include <tandem/subprocess/completed_process.hpp>
#include <tandem/subprocess/pipes.hpp>
#include <tandem/subprocess/poll.hpp>
#include <tandem/subprocess/running_pipeline.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>

namespace tandem::detail {

// One conversation with a running pipeline: writes the input and reads the outputs as they can be
// written and read, so that neither side waits for the other; until the processes have ended and
// their streams too. Something that a process started may keep a stream open: it is waited for
// `linger` longer, and then no more. The conversation may stop at a deadline and go on later.
// Thread safety: one thread at a time.
class conversation {
   public:
    enum class end { done, timed_out, overflowed };

    conversation(running_pipeline& with, std::size_t max_output, overflow policy,
                 std::chrono::nanoseconds linger)
        : with_(with),
          linger_(linger),
          out_{with.out, capture(max_output, policy)},
          err_{with.err, capture(max_output, policy)} {
        for (const auto& stage : with.stages()) fds_.push_back({stage->exit_fd(), POLLIN, 0});
        running_ = fds_.size();
        fds_.resize(running_ + 3);
    }
    conversation(const conversation&) = delete;
    conversation& operator=(const conversation&) = delete;

    // Requires: `input` lives until the end, or until keep_input() is called.
    void set_input(std::string_view input) noexcept { input_ = input; }
    // What is left of the input, for a later call.
    void keep_input() {
        if (input_.data() == kept_input_.data()) return;
        kept_input_ = std::string(input_);
        input_ = kept_input_;
    }

    // Goes on until the end or the deadline. Throws: io_error, std::bad_alloc.
    end go_on(deadline until) {
        for (stream* s : {&out_, &err_}) s->text.add(pipe_access::take_buffered(s->pipe));
        if (input_.empty()) with_.in.close();
        std::optional<no_sigpipe> quiet;
        if (with_.in.is_open()) quiet.emplace();
        while (true) {
            if (out_.text.overflowed() || err_.text.overflowed()) return end::overflowed;
            if (running_ == 0 && !streams_open()) return end::done;
            const bool lingering = running_ == 0;
            const deadline limit = lingering ? std::min(until, give_up_) : until;
            if (poll_until(poll_set(), limit) != 0) turn(quiet);
            if (!limit.expired()) continue;
            if (lingering) {
                abandon();
            } else if (running_ != 0) {
                return end::timed_out;
            }
        }
    }

    // What was captured, moved out of here or copied.
    void take(completed_process& into) { fill(into, out_.text.take(), err_.text.take()); }
    void copy(completed_process& into) const { fill(into, out_.text.text(), err_.text.text()); }

   private:
    struct stream {
        pipe_reader& pipe;
        capture text;
    };

    bool streams_open() const noexcept {
        return with_.in.is_open() || out_.pipe.is_open() || err_.pipe.is_open();
    }

    // First the ends of the processes, then our three ends of pipes; -1 for what is over.
    std::span<pollfd> poll_set() noexcept {
        pollfd* const pipes = &fds_[fds_.size() - 3];
        pipes[0] = {with_.in.fd(), POLLOUT, 0};
        pipes[1] = {out_.pipe.fd(), POLLIN, 0};
        pipes[2] = {err_.pipe.fd(), POLLIN, 0};
        return fds_;
    }
    void turn(std::optional<no_sigpipe>& quiet) {
        const pollfd* const pipes = &fds_[fds_.size() - 3];
        // The outputs before the ends: what is read now need not be lingered for.
        if (pipes[0].revents != 0) write(*quiet);
        if (pipes[1].revents != 0) read(out_, unbounded);
        if (pipes[2].revents != 0) read(err_, unbounded);
        for (pollfd& one : std::span(fds_).first(fds_.size() - 3)) {
            if (one.fd < 0 || one.revents == 0) continue;
            one.fd = -1;
            if (--running_ == 0) give_up_ = deadline(linger_);
        }
    }

    void write(no_sigpipe& quiet) {
        if (input_.size() > much) enlarge(with_.in.fd());
        const auto bytes = quiet.write(with_.in.fd(), std::as_bytes(std::span(input_)));
        if (bytes >= 0) {
            input_.remove_prefix(static_cast<std::size_t>(bytes));
            if (input_.empty()) with_.in.close();
        } else if (errno == EPIPE) {
            refuse_input();
        } else if (errno != EAGAIN) {
            throw_io_error("cannot write to a program", errno);
        }
    }
    void refuse_input() noexcept {
        input_unread_ = input_unread_ || !input_.empty();
        input_ = {};
        with_.in.close();
    }

    // Returns: how many bytes; 0 if there are none now, or no more.
    std::size_t read(stream& from, std::size_t most) {
        const auto room = from.text.room();
        const auto bytes = read_some(from.pipe.fd(), room.first(std::min(room.size(), most)));
        if (bytes < 0 && errno != EAGAIN) throw_io_error("cannot read from a program", errno);
        if (bytes == 0) from.pipe.close();
        if (bytes <= 0) return 0;
        const auto count = static_cast<std::size_t>(bytes);
        if (from.text.total() < much && from.text.total() + count >= much) {
            enlarge(from.pipe.fd());
        }
        from.text.add(count);
        return count;
    }
    // Where much goes through, fewer and longer turns: a larger pipe, unless its size was chosen.
    static void enlarge(int fd) noexcept {
        constexpr int usual = 65536;
        if (::fcntl(fd, F_GETPIPE_SZ) == usual) ::fcntl(fd, F_SETPIPE_SZ, 4 * usual);
    }

    // Somebody else holds the streams open. What the processes wrote is there by now.
    void abandon() {
        for (stream* s : {&out_, &err_}) {
            int there = 0;
            if (!s->pipe.is_open() || ::ioctl(s->pipe.fd(), FIONREAD, &there) != 0) continue;
            for (auto left = static_cast<std::size_t>(there); left > 0;) {
                const std::size_t count = read(*s, left);
                if (count == 0) break;
                left -= count;
            }
            abandoned_ = abandoned_ || s->pipe.is_open();
            s->pipe.close();
        }
        refuse_input();
    }

    void fill(completed_process& into, std::string out, std::string err) const {
        into.dropped = out_.text.dropped() + err_.text.dropped();
        into.truncated = into.dropped != 0;
        into.out = std::move(out);
        into.err = std::move(err);
        into.streams_abandoned = abandoned_;
        into.input_unread = input_unread_;
    }

    static constexpr std::size_t much = 512 * 1024;

    running_pipeline& with_;
    const std::chrono::nanoseconds linger_;
    std::string_view input_;
    std::string kept_input_;
    stream out_;
    stream err_;
    std::vector<pollfd> fds_;
    std::size_t running_ = 0;  // processes that have not ended
    deadline give_up_;         // when they have: until when streams are waited for
    bool abandoned_ = false;
    bool input_unread_ = false;
};

}  // namespace tandem::detail
