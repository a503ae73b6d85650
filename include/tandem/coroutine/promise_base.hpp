// SPDX-License-Identifier: BSL-1.0
// tandem/coroutine/promise_base.hpp: what the promises of tasks and async generators have in common.        level 1
#pragma once

#include <tandem/coroutine/chain.hpp>
#include <tandem/coroutine/foreign_await.hpp>
#include <tandem/coroutine/frame_pool.hpp>

#include <coroutine>
#include <exception>
#include <source_location>
#include <string>
#include <utility>

namespace tandem::detail {

// The awaiter of a coroutine of ours, in the frame of the one that awaits it.
class child_link {
   public:
    using tandem_native = void;
    child_link(const child_link&) = delete;
    child_link& operator=(const child_link&) = delete;

   protected:
    explicit child_link(promise_base* child) noexcept : child_(child) {}
    ~child_link() = default;

    // Starts or continues the child in place of `parent`, which is suspended. Returns: false if the
    // child has come to its end, or to what its parent waits for, already.
    bool enter(promise_base& parent) noexcept;

    promise_base* child() const noexcept { return child_; }

   private:
    friend chain;
    friend class promise_base;
    promise_base* child_;  // null: destroyed before its parent
    promise_base* parent_ = nullptr;
};

class promise_base {
   public:
    static void* operator new(std::size_t size) { return frame_pool::allocate(size); }
    static void operator delete(void* frame, std::size_t size) noexcept {
        frame_pool::deallocate(frame, size);
    }

    promise_base(const promise_base&) = delete;
    promise_base& operator=(const promise_base&) = delete;

    std::suspend_always initial_suspend() const noexcept { return {}; }
    struct final_awaiter {
        bool await_ready() const noexcept { return false; }
        template <class Promise>
        void await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
            promise_base& self = ended.promise();
            self.done_ = true;
            self.leave();
        }
        void await_resume() const noexcept {}
    };
    final_awaiter final_suspend() const noexcept { return {}; }
    void unhandled_exception() noexcept { error_ = std::current_exception(); }

    // Every co_await of a task. What resumes its awaiter elsewhere is brought back to the loop.
    template <class A>
    auto await_transform(A&& awaited,
                         std::source_location where = std::source_location::current()) {
        where_ = where;
        return awaiter_for(std::forward<A>(awaited));
    }

    bool done() const noexcept { return done_; }
    const std::exception_ptr& error() const noexcept { return error_; }
    void fail(std::exception_ptr error) noexcept {
        error_ = std::move(error);
        done_ = true;
    }
    std::exception_ptr take_error() noexcept { return std::exchange(error_, nullptr); }
    // Where it was made or, since, where it last awaited something.
    const std::source_location& where() const noexcept { return where_; }
    // The owner gave it away to be run, or started it.
    void begin() noexcept { begun_ = true; }
    bool begun() const noexcept { return begun_; }
    void resume() noexcept { handle().resume(); }
    void destroy() noexcept { handle().destroy(); }

   protected:
    promise_base() noexcept = default;
    ~promise_base() = default;

    void made_at(const std::source_location& where) noexcept { where_ = where; }

    // The coroutine has for its parent what that waits for: it goes on.
    void leave() noexcept {
        if (nested_) {
            nested_ = false;
        } else if (awaiter_) {
            driver::here.next = awaiter_->parent_;
        }
    }
    void throw_error() {
        if (error_) [[unlikely]]
            std::rethrow_exception(take_error());
    }

    bool owned_elsewhere_ = false;  // by an object other than its awaiter, as a generator

   private:
    friend child_link;
    friend chain;

    // All promises have the same offset in their frames: over-aligned ones do not compile.
    std::coroutine_handle<promise_base> handle() noexcept {
        return std::coroutine_handle<promise_base>::from_promise(*this);
    }

    bool done_ = false;
    bool nested_ = false;  // its parent called it, and will see what it came to when that returns
    bool begun_ = false;
    child_link* awaiter_ = nullptr;  // null: the root of its chain
    std::exception_ptr error_;
    std::source_location where_;
};

inline bool child_link::enter(promise_base& parent) noexcept {
    parent_ = &parent;
    child_->awaiter_ = this;
    driver& here = driver::here;
    if (here.nested == driver::most_nested || here.home->debugging()) {
        here.next = child_;
        return true;
    }
    promise_base& child = *child_;
    child.nested_ = true;
    ++here.nested;
    child.resume();
    --here.nested;
    return std::exchange(child.nested_, false);
}

template <class Promise>
void operation::suspend(std::coroutine_handle<Promise> leaf) noexcept {
    suspend_in(leaf.promise());
}

inline void chain::run() noexcept {
    if (cancelled_ && !started_ && shields_ == 0) {
        root_->fail(std::make_exception_ptr(cancelled_error()));
    } else {
        started_ = true;
        driver& here = driver::here;
        here.current = this;
        here.next = leaf_;
        do {
            promise_base* const now = std::exchange(here.next, nullptr);
            home_->stepping(*now);
            now->resume();
        } while (here.next);
        here.current = nullptr;
    }
    if (root_->done()) {
        ended_ = true;
        on_end();
    } else if (is_listed_ && !linked()) {
        home_->park(*this);
    }
}

inline void chain::destroy_frames() noexcept {
    if (linked()) unlink();
    waiting_at_ = nullptr;
    promise_base* at = started_ && !ended_ ? leaf_ : root_;
    leaf_ = root_ = nullptr;
    while (at) {
        child_link* const awaiter = at->awaiter_;
        promise_base* const parent = awaiter ? awaiter->parent_ : nullptr;
        if (at->owned_elsewhere_) {
            at->done_ = true;  // its owner may live on, and destroys it
        } else {
            if (awaiter) awaiter->child_ = nullptr;
            at->destroy();
        }
        at = parent;
    }
}

// The frames from the root to the leaf, one line each, then what the leaf waits for.
inline void chain::describe(await_tree& tree) const {
    std::string frames;
    for (const promise_base* at = started_ && !ended_ ? leaf_ : root_; at;) {
        frames.insert(0, name_of(at->where()) + (frames.empty() ? "" : " > "));
        at = at->awaiter_ ? at->awaiter_->parent_ : nullptr;
    }
    if (cancelled_) frames += ", cancelled";
    tree.line(frames);
    tree.deeper();
    if (waiting_at_) {
        waiting_at_->describe(tree);
    } else {
        tree.line(started_ ? "ready" : "not started");
    }
    tree.back();
}

}  // namespace tandem::detail
