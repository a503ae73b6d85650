// SPDX-License-Identifier: BSL-1.0
// tandem/future/callback.hpp: what is called when a future is done, lists of it, and where.        level 1
#pragma once

#include <tandem/core/ref.hpp>

#include <cstdio>
#include <exception>
#include <memory>
#include <utility>

namespace tandem::detail {

class future_state;

// Says on stderr what nobody else will hear of.
inline void report_unheard(const std::exception_ptr& error) noexcept {
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "tandem: an exception that nobody caught: %s\n", e.what());
    } catch (...) {
        std::fprintf(stderr, "tandem: an exception that nobody caught, not a std::exception\n");
    }
}

// What is called when a state is complete. The state owns it once it is added.
class callback {
   public:
    callback() noexcept = default;
    callback(const callback&) = delete;
    callback& operator=(const callback&) = delete;
    virtual ~callback() = default;

    virtual void call(future_state& done) = 0;
    // Whether it is ours, short and blocks never: it then runs in the completing thread, whatever
    // the executor says of the user's callbacks.
    virtual bool is_internal() const noexcept { return false; }
    // Whether nobody wants the call any more: it may then be left out.
    virtual bool is_dropped() const noexcept { return false; }

    callback* next = nullptr;
};

// A list of callbacks that owns them, in the order of their adding.
class callback_list {
   public:
    callback_list() noexcept : first_(nullptr) {}
    explicit callback_list(callback* first) noexcept : first_(first) {}
    callback_list(callback_list&& other) noexcept : first_(std::exchange(other.first_, nullptr)) {}
    callback_list& operator=(callback_list&& other) noexcept {
        std::swap(first_, other.first_);
        return *this;
    }
    ~callback_list() {
        while (pop()) {
        }
    }

    std::unique_ptr<callback> pop() noexcept {
        callback* head = first_;
        if (head) first_ = std::exchange(head->next, nullptr);
        return std::unique_ptr<callback>(head);
    }
    void push_front(std::unique_ptr<callback> item) noexcept {
        item->next = first_;
        first_ = item.release();
    }
    void append(callback_list later) noexcept {
        callback** end = &first_;
        while (*end) end = &(*end)->next;
        *end = std::exchange(later.first_, nullptr);
    }
    bool empty() const noexcept { return first_ == nullptr; }
    callback* release() noexcept { return std::exchange(first_, nullptr); }

   private:
    callback* first_;
};

// How many pools have the calling thread make their calls. Such a thread may be the only one that
// can make what it waits for.
inline thread_local constinit int pools_of_thread = 0;

// Somebody who waits for more than one thing.
class waker : public ref_counted {
   public:
    virtual void wake() noexcept = 0;
};

// What a state needs to know of the executor that completes it. Outlives the executor if a state
// still refers to it.
class executor_context : public ref_counted {
   public:
    // Whether the calling thread is one of the executor's own, which may run its tasks.
    virtual bool on_own_thread() const noexcept { return false; }
    // Whether its calls may end so soon that who waits for one had better not sleep at once.
    virtual bool answers_soon() const noexcept { return false; }
    // Takes callbacks to run elsewhere; leaves them alone if they may run in the calling thread.
    virtual void post(future_state&, callback_list&) noexcept {}
    // Runs those of a state that wait for the calling thread, if that is where they run.
    virtual void run_posted(future_state&) noexcept {}
    // Hears of exceptions that have nowhere else to go.
    virtual void report(std::exception_ptr error) noexcept { report_unheard(error); }
};

}  // namespace tandem::detail
