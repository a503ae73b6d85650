// SPDX-License-Identifier: BSL-1.0
// tandem/executor/thread_pool.hpp: an executor that makes its calls on a fixed set of threads.        level 2
#pragma once

#include <tandem/core/cpus.hpp>
#include <tandem/executor/algorithms.hpp>
#include <tandem/executor/fork_join.hpp>
#include <tandem/executor/thread_pool_run.hpp>

#include <concepts>
#include <exception>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace tandem {

/// Makes calls on a fixed set of threads, which live as long as the pool. No task waits while a
/// thread is idle; a task may wait for other tasks of the pool, whatever the pool's size.
/// Python: ThreadPoolExecutor, multiprocessing.pool.ThreadPool.
/// Thread safety: shared use is safe, except destruction.
/// Lifetime: the destructor waits for all work; during an exception it terminates first. Destroyed
/// in one of its own tasks, it waits for nothing: its threads finish the work and end.
class thread_pool : public executor_algorithms<thread_pool, false> {
   public:
    /// One thread for each CPU that this process may use.
    thread_pool() : thread_pool(thread_pool_options{}) {}
    /// Throws: std::invalid_argument if there are no workers.
    template <std::integral Count>
    explicit thread_pool(Count workers) : thread_pool(with_workers(workers)) {}
    /// Throws: std::invalid_argument, what an initializer throws, std::system_error.
    explicit thread_pool(thread_pool_options options) {
        if (options.workers < 0) throw std::invalid_argument("thread_pool needs a worker");
        if (options.workers > most_workers) {
            throw std::invalid_argument("thread_pool has at most 65534 workers");
        }
        if (options.workers == 0) options.workers = available_cpus();
        if (options.queue_capacity == 0) {
            throw std::invalid_argument("thread_pool needs room for a task in its queue");
        }
        const auto name = options.name;
        core_ = detail::make_ref<detail::thread_pool_core>(std::move(options));
        core_->open(name);
    }
    thread_pool(const thread_pool&) = delete;
    thread_pool& operator=(const thread_pool&) = delete;
    ~thread_pool() {
        if (core_->forked()) {
            // The threads are in the other process, and so may be the owners of the locks.
            static_cast<void>(core_.release());
            return;
        }
        if (std::uncaught_exceptions() > exceptions_) {
            core_->terminate();
        } else {
            core_->close();
        }
        if (core_->on_own_thread()) {
            core_->let_go();
        } else {
            core_->join();
            core_->forget_user();
        }
        core_ = nullptr;
        detail::context_ref::flush();
    }

    /// Calls `f()` without a future. What it throws goes to on_error.
    /// Throws: pool_closed. Blocks: while the queue is full.
    template <class F>
        requires std::invocable<std::decay_t<F>&>
    void detach(F&& f) {
        using call = detail::detached_job<std::decay_t<F>>;
        // The call may be what lets another thread destroy this pool.
        const detail::context_ref::scope core(*core_);
        core->put(new call(*core, std::forward<F>(f)), 1, detail::admission::submitted);
    }

    /// As submit, but never waits for room in the queue. Returns: nullopt if it is full; f and the
    /// arguments, if moved in, are then gone. Throws: pool_closed.
    template <class F, class... Args>
    [[nodiscard]] auto try_submit(F&& f, Args&&... args) {
        static_assert(detail::task_invocable<std::decay_t<F>, std::decay_t<Args>...>,
                      "tandem: the callable cannot be called with these arguments");
        using R = typename detail::task_result<std::decay_t<F>, std::decay_t<Args>...>::type;
        using task = detail::local_submit<R, std::decay_t<F>, std::decay_t<Args>...>;
        auto made = detail::make_ref<task>(detail::context_ref::take<detail::executor_core>(*core_),
                                           std::forward<F>(f), std::forward<Args>(args)...);
        std::optional<future<R>> result;
        if (core_->try_start(made)) result = detail::future_access::make(std::move(made));
        return result;
    }

    /// Waits until no task waits or runs, those submitted by tasks included.
    /// Throws: invalid_state in a task of the same pool.
    void wait_idle() { core_->wait_idle(deadline::never()); }
    /// The same with a limit. Returns: whether the pool is idle.
    bool wait_idle(deadline until) { return core_->wait_idle(until); }

    /// Calls `f()` and `g()`, in parallel if a thread is free, and waits for both. In a task of
    /// this pool f is called in this thread, and g too unless another thread took it: with neither
    /// an allocation nor a future (but in the thread that called a map, for its calls there). From
    /// elsewhere both are calls of the pool's threads. Returns: the pair of the results, if neither
    /// is void. Throws: what f threw, g is then not called if it was not begun; else what g did; if
    /// both did, g's goes to on_error.
    template <class F, class G>
    auto fork_join(F&& f, G&& g) {
        if (auto* const here = core_->own_worker()) return fork_join_in(*here, f, g);
        if (core_->on_own_thread()) return fork_join_as_guest(f, g);
        return submit([&] { return fork_join_in(*core_->own_worker(), f, g); }).get();
    }

   private:
    friend detail::executor_access;

    static constexpr int most_workers = 65'534;

    // What fork_scope is to a worker, for a thread that makes calls of a map with the workers.
    template <class G>
    class submitted_fork {
        using result_type = std::invoke_result_t<G&>;

       public:
        submitted_fork(detail::executor_context& context, future<result_type> result)
            : context_(context), result_(std::move(result)) {}
        submitted_fork(const submitted_fork&) = delete;
        submitted_fork& operator=(const submitted_fork&) = delete;
        ~submitted_fork() {
            if (!result_.valid() || result_.cancel()) return;
            result_.wait();
            if (auto error = result_.exception()) context_.report(std::move(error));
        }
        bool retract() { return result_.cancel(); }
        result_type join() { return result_.get(); }

       private:
        detail::executor_context& context_;
        future<result_type> result_;
    };

    template <class F, class G>
    auto fork_join_in(detail::pool_worker& here, F& f, G& g) {
        detail::fork_scope<G> forked(here, *core_, g);
        core_->fork_came();
        return fork_join_of(forked, f, g);
    }
    template <class F, class G>
    auto fork_join_as_guest(F& f, G& g) {
        using RG = std::invoke_result_t<G&>;
        submitted_fork<G> forked(*core_, submit([&g]() -> RG { return std::invoke(g); }));
        return fork_join_of(forked, f, g);
    }
    template <class Fork, class F, class G>
    static auto fork_join_of(Fork& forked, F& f, G& g) {
        using RF = std::invoke_result_t<F&>;
        using RG = std::invoke_result_t<G&>;
        const auto g_result = [&]() -> RG {
            if (forked.retract()) return std::invoke(g);
            return forked.join();
        };
        if constexpr (std::is_void_v<RF>) {
            std::invoke(f);
            static_cast<void>(g_result());
        } else if constexpr (std::is_void_v<RG>) {
            static_cast<void>(std::invoke(f));
            g_result();
        } else {
            RF first = std::invoke(f);
            return std::pair<RF, RG>(std::forward<RF>(first), g_result());
        }
    }

    template <std::integral Count>
    static thread_pool_options with_workers(Count workers) {
        if (workers <= 0 || !std::in_range<int>(workers)) {
            throw std::invalid_argument("thread_pool needs at least one worker");
        }
        thread_pool_options options;
        options.workers = static_cast<int>(workers);
        return options;
    }

    detail::executor_core& core() const noexcept { return *core_; }

    const int exceptions_ = std::uncaught_exceptions();
    detail::ref<detail::thread_pool_core> core_;
};

}  // namespace tandem
