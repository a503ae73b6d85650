// SPDX-License-Identifier: BSL-1.0
// tandem/async/mailbox.hpp: how other threads give an event loop something to do.        level 3
#pragma once

#include <tandem/core/ref.hpp>
#include <tandem/core/unique_fd.hpp>

#include <atomic>
#include <cstdint>
#include <utility>

#include <unistd.h>

namespace tandem::detail {

// Something for a loop to do. Owned by the mailbox from a successful post() on.
class mail {
   public:
    mail() noexcept = default;
    mail(const mail&) = delete;
    mail& operator=(const mail&) = delete;

    // On the loop's thread. Frees itself, as drop() does.
    virtual void deliver() noexcept = 0;
    // The loop ended before it got there; on any thread.
    virtual void drop() noexcept = 0;

   protected:
    ~mail() = default;

   private:
    friend class mailbox;
    mail* next_ = nullptr;
};

// The letters for one loop, and what wakes it. Only who finds the loop asleep makes a system call.
// Outlives the loop as long as somebody may post.
//
// Why no wake-up is lost: the loop goes to sleep by putting the mark `asleep` into an empty box; so
// either the letter was there and it does not sleep, or who posts finds the mark and wakes it. The
// eventfd is edge-triggered and never read: each write is an event, and 2^64 of them take too long.
// tests/models/mailbox.pml is this protocol for the Spin model checker.
// Thread safety: post() may be called concurrently, the rest on the loop's thread.
class mailbox : public ref_counted {
   public:
    mailbox() : wake_up_(make_eventfd()) {}
    ~mailbox() override { drop_all(box_.load(std::memory_order_acquire)); }

    // Returns: false if the loop has ended; the letter stays the caller's.
    bool post(mail& letter) noexcept {
        mail* first = box_.load(std::memory_order_relaxed);
        do {
            if (first == ended()) return false;
            letter.next_ = first == asleep() ? nullptr : first;
        } while (!box_.compare_exchange_weak(first, &letter, std::memory_order_acq_rel,
                                             std::memory_order_relaxed));
        if (first == asleep()) wake();
        return true;
    }
    // Makes the descriptor readable; async-signal-safe.
    void wake() const noexcept {
        const std::uint64_t one = 1;
        static_cast<void>(!::write(wake_up_.get(), &one, sizeof one));
    }

    // Returns: false if there are letters; else the loop may sleep until the descriptor tells.
    bool fall_asleep() noexcept {
        mail* first = nullptr;
        return box_.compare_exchange_strong(first, asleep(), std::memory_order_acq_rel) ||
               first == asleep();
    }
    bool has_mail() const noexcept {
        mail* const first = box_.load(std::memory_order_relaxed);
        return first != nullptr && first != asleep();
    }
    // The loop is awake, and delivers what is there, in the order of posting.
    void open() noexcept {
        if (!box_.load(std::memory_order_relaxed)) return;
        mail* letter = in_order(box_.exchange(nullptr, std::memory_order_acq_rel));
        while (letter) std::exchange(letter, letter->next_)->deliver();
    }
    // The loop ends: what is there, and what comes, is dropped.
    void close() noexcept { drop_all(box_.exchange(ended(), std::memory_order_acq_rel)); }

    // Whether the loop has ended.
    bool is_closed() const noexcept { return box_.load(std::memory_order_acquire) == ended(); }

    int fd() const noexcept { return wake_up_.get(); }

   private:
    // Marks, which are never looked into.
    static mail* asleep() noexcept { return mark<0>(); }
    static mail* ended() noexcept { return mark<1>(); }
    template <int Which>
    static mail* mark() noexcept {
        alignas(mail) static char place[sizeof(mail)];
        return reinterpret_cast<mail*>(place);
    }

    static mail* in_order(mail* newest) noexcept {
        mail* oldest = nullptr;
        if (newest == asleep() || newest == ended()) return oldest;
        while (newest) {
            mail* const older = std::exchange(newest->next_, oldest);
            oldest = newest;
            newest = older;
        }
        return oldest;
    }
    static void drop_all(mail* newest) noexcept {
        mail* letter = in_order(newest);
        while (letter) std::exchange(letter, letter->next_)->drop();
    }

    // Null: the loop is awake and there is nothing; asleep(): it sleeps, or is about to; ended();
    // else the newest of a stack of letters. Pushed by all, emptied and marked by the loop.
    // acq_rel: what was done before a post comes before its delivery.
    std::atomic<mail*> box_{nullptr};
    const unique_fd wake_up_;
};

}  // namespace tandem::detail
