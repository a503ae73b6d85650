// SPDX-License-Identifier: BSL-1.0
// tandem/coroutine/generator_chain.hpp: generators that delegate to each other, and who runs them.        level 1
#pragma once

#include <tandem/core/error.hpp>

#include <coroutine>
#include <exception>
#include <utility>

namespace tandem {

/// Where a generator is. Python: inspect.getgeneratorstate.
enum class generator_state : unsigned char {
    created,    // it has not begun
    running,    // it, or what it delegates to, is being executed
    suspended,  // it waits at a co_yield, or delegates to what does
    closed      // it ended, by itself, with an exception or by close()
};

namespace detail {

// One generator of a chain, in each promise. A chain goes from its root, which somebody drives,
// over the generators that each delegates to, down to the leaf, which waits at a co_yield. The root
// remembers the leaf, so what is sent gets there at once, however long the chain is. Whoever
// suspends returns to the loop in drive(), which goes on with the delegate or with the parent: the
// native stack does not grow, with any compiler and option.
//
// A delegate is owned by the chain (it was an rvalue) or lent to it (an lvalue: closing the chain
// lets go of it where it stands).
// Thread safety: one thread at a time.
class generator_link {
   public:
    explicit generator_link(std::coroutine_handle<> self) noexcept : self_(self) {}
    generator_link(const generator_link&) = delete;
    generator_link& operator=(const generator_link&) = delete;

    // For the owner of the generator.

    // Whether it waits at a co_yield, and belongs to nobody else now.
    bool is_suspended() const noexcept { return leaf_->value_ != nullptr; }
    bool has_begun() const noexcept { return stage_ != stage::created; }
    bool has_ended() const noexcept { return stage_ == stage::ended; }
    bool is_delegated() const noexcept { return stage_ == stage::delegated; }
    bool is_resumable() const noexcept { return is_suspended() || !has_begun(); }
    generator_link& leaf() noexcept { return *leaf_; }
    // What the leaf shows. Requires: is_suspended().
    const void* value() const noexcept { return leaf_->value_; }
    generator_state state() const noexcept;

    // Whether an iterator shows this value: then it is current until the iterator moves on.
    bool is_current() const noexcept { return current_; }
    void set_current(bool current) noexcept { current_ = current; }

    // Resumes the leaf, and whoever has its turn then, until one yields: where what it yields is.
    // Null when the root has ended. Throws: what the root ended with. Requires: is_suspended().
    const void* drive();
    // The same for one that has not begun.
    const void* begin();
    // The same, and the leaf finds `error` where it waits. A generator that has not begun ends.
    const void* raise(std::exception_ptr error);
    // Destroys what the chain owns, the leaf first and this last. Requires: it is not running.
    void destroy() noexcept;
    // The generator's object goes away: destroys the chain, or leaves that to the chain it is in.
    void abandon() noexcept;
    // Throws: invalid_state if it is running or delegated.
    void check_not_in_use() const;
    // Throws: the same, and if it has not begun.
    void check_has_begun() const;
    [[noreturn]] static void throw_waits_for_a_value();

    // For the coroutine itself.

    // Suspended, it has something to show: at `value`.
    void yields(const void* value) noexcept { value_ = value; }
    void throw_if_raised() {
        if (error_) [[unlikely]]
            throw_raised();
    }
    // Suspended, it lets `delegate` go first, which is in use nowhere else and has not ended.
    void delegate_to(generator_link& delegate, bool owned) noexcept;
    // It has ended, and its part in the chain is over.
    void leave_chain() noexcept;
    [[gnu::noinline]] void fails() noexcept { error_ = std::current_exception(); }
    // Throws: what it ended with, if that was an exception. It stays.
    void throw_if_failed() const {
        if (error_) [[unlikely]]
            throw_error();
    }

   protected:
    ~generator_link() = default;

   private:
    enum class stage : unsigned char {
        created,
        begun,      // suspended if the leaf shows something, else running
        delegated,  // part of another chain
        ended
    };

    const void* go_on(generator_link* at);
    [[noreturn]] void throw_raised();
    [[noreturn]] void throw_error() const;
    generator_link* let_go() noexcept;

    const std::coroutine_handle<> self_;
    const void* value_ = nullptr;     // what it shows: set by itself, null when it is resumed
    generator_link* leaf_ = this;     // of a root; this while it runs, the parent while lent
    generator_link* parent_;          // of a delegate: who delegates to it
    generator_link* next_ = nullptr;  // the leaf that goes first, while it delegates
    std::exception_ptr error_;        // on its way in (raised) or out (what it ended with)
    stage stage_ = stage::created;
    bool owned_ = false;    // by the chain it is delegated in
    bool current_ = false;  // for iterators
};

inline const void* generator_link::drive() {
    generator_link* const at = leaf_;
    at->value_ = nullptr;
    at->self_.resume();
    return at->value_ ? at->value_ : go_on(at);
}

// `at` has delegated or ended.
[[gnu::noinline]] inline const void* generator_link::go_on(generator_link* at) {
    leaf_ = this;
    do {
        if (generator_link* const next = at->next_) {
            at = next;
        } else if (at != this) {
            at = at->parent_;
        } else {
            stage_ = stage::ended;
            throw_if_failed();
            return nullptr;
        }
        at->self_.resume();
    } while (!at->value_);
    leaf_ = at;
    return at->value_;
}

inline const void* generator_link::begin() {
    stage_ = stage::begun;
    return drive();
}

inline const void* generator_link::raise(std::exception_ptr error) {
    if (has_begun()) {
        leaf_->error_ = std::move(error);
        return drive();
    }
    stage_ = stage::ended;
    error_ = std::move(error);
    throw_error();
}

[[gnu::noinline]] inline void generator_link::throw_raised() {
    std::rethrow_exception(std::exchange(error_, nullptr));
}

[[gnu::noinline]] inline void generator_link::throw_error() const {
    std::rethrow_exception(error_);
}

inline void generator_link::destroy() noexcept {
    for (generator_link* at = let_go();;) {
        generator_link* const parent = at->parent_;
        const bool last = at == this;
        at->self_.destroy();
        if (last) return;
        at = parent;
    }
}

// Cuts off what is lent. Returns: the innermost that the chain owns.
inline generator_link* generator_link::let_go() noexcept {
    generator_link* lent = nullptr;
    for (generator_link* at = leaf_; at != this; at = at->parent_) {
        if (!at->owned_) lent = at;
    }
    if (!lent) return leaf_;
    lent->leaf_ = leaf_;
    lent->stage_ = stage::begun;
    return lent->parent_;
}

[[gnu::noinline]] inline void generator_link::abandon() noexcept {
    if (stage_ == stage::delegated) {
        owned_ = true;
    } else if (stage_ == stage::begun && !is_suspended()) {
        std::terminate();  // it is running: there is no way to go on
    } else {
        destroy();
    }
}

[[gnu::noinline]] inline void generator_link::check_not_in_use() const {
    if (stage_ == stage::delegated) {
        throw invalid_state("the generator cannot be resumed: another one delegates to it");
    }
    if (stage_ == stage::begun && !is_suspended()) {
        throw invalid_state("the generator is already running");
    }
}

[[gnu::noinline]] inline void generator_link::check_has_begun() const {
    check_not_in_use();
    if (stage_ == stage::created) {
        throw invalid_state("the generator has not begun: call next() before the first send()");
    }
}

[[gnu::noinline]] inline void generator_link::throw_waits_for_a_value() {
    throw invalid_state("the generator waits for a value, which has no default: send one");
}

inline void generator_link::delegate_to(generator_link& delegate, bool owned) noexcept {
    next_ = &delegate;
    if (delegate.has_begun()) {
        next_ = delegate.leaf_;
        next_->value_ = nullptr;
    }
    if (!owned) delegate.leaf_ = this;
    delegate.parent_ = this;
    delegate.stage_ = stage::delegated;
    delegate.owned_ = owned;
    delegate.current_ = false;
}

inline void generator_link::leave_chain() noexcept {
    parent_->next_ = nullptr;
    if (owned_) {
        self_.destroy();
    } else {
        leaf_ = this;
        stage_ = stage::ended;
    }
}

inline generator_state generator_link::state() const noexcept {
    const generator_link* root = this;
    while (root->stage_ == stage::delegated) root = root->parent_;
    if (root->has_ended()) return generator_state::closed;
    if (!root->has_begun()) return generator_state::created;
    return root->is_suspended() ? generator_state::suspended : generator_state::running;
}

}  // namespace detail
}  // namespace tandem
