// SPDX-License-Identifier: BSL-1.0
// tandem/coroutine/async_event.hpp: tasks wait until something has happened.        level 1
#pragma once

#include <tandem/coroutine/chain.hpp>
#include <tandem/coroutine/wait_list.hpp>

#include <coroutine>

namespace tandem {

/// Tasks wait for it until it is set. Python: asyncio.Event.
/// Thread safety: belongs to the loop's thread. Lifetime: must outlive those who wait.
class async_event {
    class awaiter;
    class [[nodiscard]] request {
       public:
        explicit request(async_event& event) noexcept : event_(event) {}
        awaiter operator co_await() && noexcept;

       private:
        async_event& event_;
    };

   public:
    async_event() noexcept = default;
    async_event(const async_event&) = delete;
    async_event& operator=(const async_event&) = delete;

    bool is_set() const noexcept { return set_; }
    /// Lets all go that wait, and all that come. Throws: invalid_state on another thread than
    /// theirs.
    void set() {
        waiters_.check_thread("the event");
        set_ = true;
        waiters_.release_all();
    }
    /// Makes those wait that come from now on.
    void clear() noexcept { set_ = false; }
    /// `co_await event.wait()`. Throws: cancelled_error.
    request wait() noexcept { return request(*this); }

   private:
    bool set_ = false;
    detail::wait_list waiters_;
};

class async_event::awaiter final : public detail::list_waiter {
   public:
    explicit awaiter(async_event& event) noexcept : event_(event) {}
    bool await_ready() const {
        detail::check_cancelled();
        return event_.set_;
    }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> leaf) noexcept {
        suspend(leaf);
        event_.waiters_.add(*this);
    }
    void await_resume() const { throw_if_cancelled(); }
    void describe(detail::await_tree& tree) const override { tree.line("waits for an event"); }

   private:
    async_event& event_;
};

inline async_event::awaiter async_event::request::operator co_await() && noexcept {
    return awaiter(event_);
}

}  // namespace tandem
