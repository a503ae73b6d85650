// SPDX-License-Identifier: BSL-1.0
// tandem/async/readiness.hpp: waits until a descriptor can be read or written.        level 3
#pragma once

#include <tandem/async/descriptor_table.hpp>
#include <tandem/async/loop_core.hpp>
#include <tandem/core/error.hpp>

#include <coroutine>
#include <string>

namespace tandem {
namespace detail {

class readiness_awaiter final : public operation, public descriptor_waiter {
   public:
    readiness_awaiter(int fd, ready_for what) noexcept : fd_(fd), what_(what) {}
    ~readiness_awaiter() {
        if (waits_) table().remove(fd_, what_);
    }
    bool await_ready() const {
        check_cancelled();
        return false;
    }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> leaf) {
        waits_ = loop_core::here().waits_for_descriptors().add(fd_, what_, *this);
        if (!waits_) return false;
        suspend(leaf);
        outside_.begin(*waiting()->home());
        return true;
    }
    void await_resume() {
        outside_.end();
        if (cancelled_) throw cancelled_error();
    }
    void cancel() noexcept override {
        waits_ = false;
        table().remove(fd_, what_);
        cancelled_ = true;
        wake();
    }
    void on_descriptor_ready() noexcept override {
        waits_ = false;
        wake();
    }
    void describe(await_tree& tree) const override {
        tree.line("waits to " + std::string(what_ == ready_to_read ? "read" : "write") +
                  " descriptor " + std::to_string(fd_));
    }

   private:
    descriptor_table& table() const noexcept {
        return loop_core::of(*waiting()).waits_for_descriptors();
    }

    int fd_;
    ready_for what_;
    bool waits_ = false;
    bool cancelled_ = false;
    outside_wait outside_;
};

class [[nodiscard]] readiness_request {
   public:
    readiness_request(int fd, ready_for what) noexcept : fd_(fd), what_(what) {}
    readiness_awaiter operator co_await() && noexcept { return {fd_, what_}; }

   private:
    int fd_;
    ready_for what_;
};

}  // namespace detail

/// `co_await readable(fd)`: until a read would not block: there are bytes, the end, or an error. A
/// descriptor that never blocks, as of a file, is ready at once. One task a direction.
/// Requires: the descriptor is not closed meanwhile. Python: loop.add_reader.
/// Throws: io_error, as for a descriptor that is not open; invalid_state if another task waits for
/// it; cancelled_error.
inline auto readable(int fd) { return detail::readiness_request(fd, detail::ready_to_read); }
/// The same for a write. Python: loop.add_writer.
inline auto writable(int fd) { return detail::readiness_request(fd, detail::ready_to_write); }

}  // namespace tandem
