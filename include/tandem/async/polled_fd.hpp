// SPDX-License-Identifier: BSL-1.0
// tandem/async/polled_fd.hpp: a non-blocking descriptor, and the operations that wait for it.        level 3
#pragma once

#include <tandem/async/loop_core.hpp>
#include <tandem/async/mailbox.hpp>
#include <tandem/async/reactor.hpp>
#include <tandem/core/error.hpp>
#include <tandem/core/ref.hpp>
#include <tandem/core/unique_fd.hpp>
#include <tandem/coroutine/chain.hpp>

#include <cerrno>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <string>
#include <utility>

namespace tandem::detail {

class polled_fd;

// Makes a system call at once, and again whenever the descriptor is ready, until it is done. It is
// done in the reactor's turn: what a cancel finds done is not thrown away.
class io_operation : public operation {
   public:
    bool await_ready();
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> leaf);
    void cancel() noexcept final;
    void describe(await_tree& tree) const override;

   protected:
    io_operation(polled_fd& on, ready_for what) noexcept : on_(&on), what_(what) {}
    ~io_operation() { leave(); }

    // Does it if that needs no waiting. Returns: whether it is done. Throws: what the task gets.
    virtual bool attempt() = 0;
    // First of await_resume.
    void throw_failure() const {
        if (cancelled_) throw cancelled_error();
        if (failure_) std::rethrow_exception(failure_);
    }
    // Waits no more. Before anything in attempt() that closes the descriptor.
    void leave() noexcept;

   private:
    friend polled_fd;
    bool try_now() noexcept {
        try {
            return attempt();
        } catch (...) {
            failure_ = std::current_exception();
            return true;
        }
    }
    void look() noexcept {
        if (try_now()) finish();
    }
    void on_close() noexcept {
        failure_ = std::make_exception_ptr(invalid_state("it was closed while a task waited"));
        finish();
    }
    void finish() noexcept {
        leave();
        wake();
    }

    polled_fd* on_;  // not to be used once the operation has left: it may be gone
    const ready_for what_;
    bool waits_ = false;
    bool done_ = false;
    bool cancelled_ = false;
    std::exception_ptr failure_;
    outside_wait outside_;
};

// Registered once, edge-triggered, with the loop where somebody first waits; a system call comes
// first, and is spared where the last one told that there is nothing. One operation a direction.
// Thread safety: belongs to the loop's thread. May outlive the loop, and then go to another.
class polled_fd : public descriptor_watch {
   public:
    // `short_is_empty`: a read that gives less than was asked for leaves nothing behind, as of a
    // socket or a pipe; not of a terminal, which gives a line at a time.
    polled_fd(unique_fd fd, bool short_is_empty) noexcept
        : fd_(std::move(fd)), short_is_empty_(short_is_empty) {}
    polled_fd(const polled_fd&) = delete;
    polled_fd& operator=(const polled_fd&) = delete;
    virtual ~polled_fd() { close(); }

    int get() const noexcept { return fd_.get(); }
    bool is_open() const noexcept { return static_cast<bool>(fd_); }

    // Whether a system call may find something.
    bool may(ready_for what) const noexcept { return (ready_ & what) != 0; }
    // The system said EAGAIN.
    void not_ready(ready_for what) noexcept { ready_ &= ~static_cast<std::uint32_t>(what); }
    // A read gave less than it was asked for: there is no more, but perhaps the end.
    void read_short() noexcept {
        if (short_is_empty_ && !hung_up_) not_ready(ready_to_read);
    }
    // Whether the error is that one has to wait; notes it if so.
    bool must_wait(ready_for what, int err) noexcept {
        if (err != EAGAIN && err != EWOULDBLOCK) return false;
        not_ready(what);
        return true;
    }

    // Makes the loop tell. Throws: io_error; invalid_state if another loop does.
    void watch() {
        auto& loop = loop_core::here();
        if (mail_ == loop.mail()) return;
        if (is_watched()) throw invalid_state("the descriptor belongs to another event loop");
        loop.descriptors().add(fd_.get(), *this);
        mail_ = loop.mail();
        reactor_ = &loop.descriptors();
    }
    // Whoever waits gets invalid_state.
    void close() noexcept {
        if (!fd_) return;
        release().reset();
        end_waits();
    }
    // Gives the descriptor away, which nobody waits for.
    unique_fd release() noexcept {
        if (is_watched()) reactor_->remove(fd_.get(), *this);
        mail_ = nullptr;
        return std::move(fd_);
    }
    void end_waits() noexcept {
        if (reads_) reads_->on_close();
        if (writes_) writes_->on_close();
    }

    void on_ready(std::uint32_t what) noexcept override {
        ready_ |= what & (ready_to_read | ready_to_write);
        if (what & ready_hung_up) hung_up_ = true;
        if ((what & ready_to_read) && reads_) reads_->look();
        if ((what & ready_to_write) && writes_) writes_->look();
    }

   private:
    friend io_operation;
    io_operation*& slot(ready_for what) noexcept {
        return what == ready_to_read ? reads_ : writes_;
    }
    bool is_watched() const noexcept { return mail_ && !mail_->is_closed(); }

    // After so many operations in a row that need not wait, others get their turn.
    bool takes_too_long() noexcept {
        if (++in_a_row_ < 64) return false;
        in_a_row_ = 0;
        return true;
    }

    unique_fd fd_;
    ref<mailbox> mail_;  // of the loop that watches it
    reactor* reactor_ = nullptr;
    io_operation* reads_ = nullptr;
    io_operation* writes_ = nullptr;
    std::uint32_t ready_ = ready_to_read | ready_to_write;
    int in_a_row_ = 0;
    const bool short_is_empty_;
    bool hung_up_ = false;
};

inline bool io_operation::await_ready() {
    check_cancelled();
    if (!on_->is_open()) throw invalid_state("it is closed");
    if (on_->slot(what_)) {
        throw invalid_state("two tasks " +
                            std::string(what_ == ready_to_read ? "read from" : "write to") +
                            " descriptor " + std::to_string(on_->get()));
    }
    done_ = try_now();
    return done_ && !on_->takes_too_long();
}
template <class Promise>
bool io_operation::await_suspend(std::coroutine_handle<Promise> leaf) {
    if (done_) {
        suspend(leaf);
        wake();
        return true;
    }
    on_->watch();
    on_->in_a_row_ = 0;
    on_->slot(what_) = this;
    waits_ = true;
    suspend(leaf);
    outside_.begin(*waiting()->home());
    return true;
}
inline void io_operation::leave() noexcept {
    if (!std::exchange(waits_, false)) return;
    on_->slot(what_) = nullptr;
    outside_.end();
}
inline void io_operation::cancel() noexcept {
    cancelled_ = true;
    finish();
}
inline void io_operation::describe(await_tree& tree) const {
    tree.line("waits to " + std::string(what_ == ready_to_read ? "read" : "write") +
              " descriptor " + std::to_string(waits_ ? on_->get() : -1));
}

}  // namespace tandem::detail
