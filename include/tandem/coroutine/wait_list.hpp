// SPDX-License-Identifier: BSL-1.0
// tandem/coroutine/wait_list.hpp: tasks that wait for each other's doings, the first one first.        level 1
#pragma once

#include <tandem/core/error.hpp>
#include <tandem/coroutine/chain.hpp>
#include <tandem/coroutine/linked_list.hpp>

#include <cstddef>
#include <utility>

namespace tandem::detail {

// A task that waits in a list until it is let go, or is cancelled. Once it is let go, a cancel no
// longer meets it: it has what it waited for.
class list_waiter : public operation, public list_link {
   public:
    void cancel() noexcept override {
        unlink();
        cancelled_ = true;
        wake();
    }

   protected:
    ~list_waiter() {
        if (linked()) unlink();
    }
    void throw_if_cancelled() const {
        if (cancelled_) throw cancelled_error();
    }

   private:
    friend class wait_list;
    bool cancelled_ = false;
};

// First in, first out.
// Thread safety: belongs to the loop's thread.
class wait_list {
   public:
    bool empty() const noexcept { return const_cast<linked_list<list_waiter>&>(waiters_).empty(); }
    void add(list_waiter& last) noexcept { waiters_.push_back(last); }
    list_waiter* first() noexcept { return waiters_.first(); }
    // Lets the first one go. Requires: not empty.
    list_waiter& release_first() noexcept {
        list_waiter& first = waiters_.pop_front();
        first.wake();
        return first;
    }
    void release_all() noexcept {
        while (!empty()) release_first();
    }
    // Throws: invalid_state if somebody waits, and in another thread's loop.
    void check_thread(const char* what) const {
        if (empty()) return;
        auto& first = const_cast<linked_list<list_waiter>&>(waiters_).front();
        detail::check_thread(first.waiting()->home(), what);
    }

   private:
    linked_list<list_waiter> waiters_;
};

}  // namespace tandem::detail
