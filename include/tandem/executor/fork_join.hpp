// SPDX-License-Identifier: BSL-1.0
// tandem/executor/fork_join.hpp: two calls at once, of which one may be stolen.        level 2
#pragma once

#include <tandem/core/outcome.hpp>
#include <tandem/core/parker.hpp>
#include <tandem/executor/pool_worker.hpp>
#include <tandem/future/spinner.hpp>

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <utility>

namespace tandem::detail {

// The second call of a fork_join, on the stack of the thread that makes the first. It lies in that
// thread's deque of forks until it is popped there, or stolen and run by another thread. Since
// forks nest, whatever was pushed after it is gone by the time of the join: what the pop gives is
// this fork, or nothing. (Frigo, Leiserson and Randall, "The implementation of the Cilk-5
// multithreaded language", PLDI 1998; here the child is stolen, not the continuation.)
template <class G>
class forked final : public fork {
   public:
    using result_type = std::invoke_result_t<G&>;

    explicit forked(G& g) noexcept : g_(g) {}

    // The thief's side.
    void run_stolen() noexcept override {
        result_.capture(g_);
        // acq_rel: the result comes before `done`. From then on the owner may destroy this object:
        // only its address is used.
        if (state_.exchange(done, std::memory_order_acq_rel) == waited_for) unpark(state_, 1);
    }

    // The owner's side.
    void wait() noexcept {
        if (spinner_of_thread().until([this] { return is_done(); })) return;
        auto seen = stolen;
        state_.compare_exchange_strong(seen, waited_for, std::memory_order_acq_rel);
        while (!is_done()) park(state_, waited_for);
    }
    outcome<result_type>& result() noexcept { return result_; }

   private:
    static constexpr std::uint32_t stolen = 0;
    static constexpr std::uint32_t waited_for = 1;
    static constexpr std::uint32_t done = 2;

    static spinner& spinner_of_thread() noexcept {
        static thread_local constinit spinner mine;
        return mine;
    }
    bool is_done() const noexcept { return state_.load(std::memory_order_acquire) == done; }

    G& g_;
    outcome<result_type> result_;
    // stolen (or nobody's yet) -> waited_for by the owner, either -> done by the thief.
    std::atomic<std::uint32_t> state_{stolen};
};

// Sees to it that the fork is over before its frame is left, also by an exception.
template <class G>
class fork_scope {
   public:
    fork_scope(pool_worker& here, executor_context& context, G& g)
        : here_(here), context_(context), forked_(g) {
        here_.forks.push(&forked_);
    }
    fork_scope(const fork_scope&) = delete;
    fork_scope& operator=(const fork_scope&) = delete;
    // Only with an exception on its way: what g threw besides is not lost.
    ~fork_scope() {
        if (joined_ || retract()) return;
        forked_.wait();
        if (auto error = forked_.result().error()) context_.report(std::move(error));
    }

    // Whether nobody has taken it: the caller then calls g, if it still wants to.
    bool retract() noexcept {
        joined_ = here_.forks.pop() != nullptr;
        return joined_;
    }
    // What the thief made of it. Throws: what g threw.
    decltype(auto) join() {
        forked_.wait();
        joined_ = true;
        return std::move(forked_.result()).value();
    }

   private:
    pool_worker& here_;
    executor_context& context_;
    forked<G> forked_;
    bool joined_ = false;
};

}  // namespace tandem::detail
