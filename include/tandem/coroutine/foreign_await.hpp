// SPDX-License-Identifier: BSL-1.0
// tandem/coroutine/foreign_await.hpp: awaits in a task what knows nothing of loops.        level 1
#pragma once

#include <tandem/core/outcome.hpp>
#include <tandem/core/ref.hpp>
#include <tandem/core/resume.hpp>
#include <tandem/coroutine/chain.hpp>

#include <atomic>
#include <concepts>
#include <coroutine>
#include <exception>
#include <string>
#include <type_traits>
#include <utility>

namespace tandem::detail {

// The awaiter of an awaitable, as co_await finds it outside of a task.
template <class A>
decltype(auto) plain_awaiter(A&& awaited) {
    if constexpr (requires { std::forward<A>(awaited).operator co_await(); }) {
        return std::forward<A>(awaited).operator co_await();
    } else if constexpr (requires { operator co_await(std::forward<A>(awaited)); }) {
        return operator co_await(std::forward<A>(awaited));
    } else {
        return std::forward<A>(awaited);
    }
}
template <class A>
using plain_awaiter_t = decltype(plain_awaiter(std::declval<A>()));
template <class A>
using await_result_t =
    decltype(std::declval<std::remove_reference_t<plain_awaiter_t<A>>&>().await_resume());

// Ours: it suspends chains itself.
template <class A>
concept native_awaitable =
    requires { typename std::remove_reference_t<plain_awaiter_t<A>>::tandem_native; };
// It resumes by resume_ticket, as a future does, and can give up waiting.
template <class A>
concept ticket_awaitable =
    requires { typename std::remove_reference_t<plain_awaiter_t<A>>::resumes_by_ticket; };

template <class A>
concept awaitable = requires { typename await_result_t<A>; };

// Awaits what resumes by ticket.
template <class Awaiter>
class ticket_await final : public operation {
   public:
    template <class A>
    explicit ticket_await(A&& awaited) : inner_(std::forward<A>(awaited).operator co_await()) {}
    bool await_ready() {
        if (inner_.await_ready()) return true;
        check_cancelled();
        return false;
    }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> leaf) {
        suspend(leaf);
        outside_.begin(*waiting()->home());
        inner_.await_suspend(leaf);
    }
    decltype(auto) await_resume() {
        outside_.end();
        // What came while the cancel was on its way is not lost.
        if (given_up_ && !inner_.await_ready()) throw cancelled_error();
        return inner_.await_resume();
    }
    void cancel() noexcept override {
        if (!inner_.cancel_wait()) return;
        given_up_ = true;
        wake();
    }
    void describe(await_tree& tree) const override {
        tree.line(std::string("waits for ") + Awaiter::what_is_awaited);
    }

   private:
    Awaiter inner_;
    outside_wait outside_;
    bool given_up_ = false;
};

// Awaits anything else in a coroutine of its own, whoever resumes that, and goes on where the
// loop is. A cancel waits for it, for nobody knows how to end it.
template <class A>
class foreign_await final : public operation {
    using result = await_result_t<A>;

    // Outlives the task's frame if that is destroyed first.
    struct shared : ref_counted {
        explicit shared(A&& what) : awaited(std::forward<A>(what)) {}
        std::conditional_t<std::is_lvalue_reference_v<A>, A, std::remove_reference_t<A>> awaited;
        outcome<result> came_to;
        ref<resume_ticket> back;
        // False; true when the second of the two is through: the task is suspended, the coroutine
        // has its result. acq_rel: the second sees what the first wrote.
        std::atomic<bool> one_is_through{false};
        bool second() noexcept { return one_is_through.exchange(true, std::memory_order_acq_rel); }
    };
    struct bridge {
        struct promise_type {
            bridge get_return_object() const noexcept { return {}; }
            std::suspend_never initial_suspend() const noexcept { return {}; }
            std::suspend_never final_suspend() const noexcept { return {}; }
            void return_void() const noexcept {}
            [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
        };
    };
    // g++ 12 copies an awaiter that it is given by reference.
    template <class Awaiter>
    struct by_pointer {
        Awaiter* inner;
        bool await_ready() { return static_cast<bool>(inner->await_ready()); }
        auto await_suspend(std::coroutine_handle<> here) { return inner->await_suspend(here); }
        decltype(auto) await_resume() { return inner->await_resume(); }
    };
    static bridge run(ref<shared> to) {
        try {
            auto&& awaiter = plain_awaiter(std::forward<A>(to->awaited));
            by_pointer<std::remove_reference_t<decltype(awaiter)>> pointer{&awaiter};
            if constexpr (std::is_void_v<result>) {
                co_await pointer;
                to->came_to.emplace();
            } else {
                to->came_to.emplace(co_await pointer);
            }
        } catch (...) {
            to->came_to.fail(std::current_exception());
        }
        if (to->second()) to->back->redeem();
    }

   public:
    explicit foreign_await(A&& awaited) : shared_(make_ref<shared>(std::forward<A>(awaited))) {}
    ~foreign_await() {
        if (shared_->back) shared_->back->take();
    }
    bool await_ready() const {
        check_cancelled();
        return false;
    }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> leaf) {
        suspend(leaf);
        const auto keep = shared_;
        outside_.begin(*waiting()->home());
        keep->back = waiting()->home()->ticket(leaf);
        run(keep);
        if (!keep->second()) return true;
        go_on();
        return false;
    }
    result await_resume() {
        outside_.end();
        return std::move(shared_->came_to).value();
    }
    void cancel() noexcept override {}
    void describe(await_tree& tree) const override { tree.line("waits for something foreign"); }

   private:
    ref<shared> shared_;
    outside_wait outside_;
};

template <class A>
auto awaiter_for(A&& awaited) {
    static_assert(awaitable<A>,
                  "tandem: this cannot be awaited; what is awaited once is awaited "
                  "as an rvalue: co_await std::move(x)");
    if constexpr (native_awaitable<A>) {
        return std::forward<A>(awaited).operator co_await();
    } else if constexpr (ticket_awaitable<A>) {
        return ticket_await<std::remove_reference_t<plain_awaiter_t<A>>>(std::forward<A>(awaited));
    } else {
        return foreign_await<A>(std::forward<A>(awaited));
    }
}

}  // namespace tandem::detail
