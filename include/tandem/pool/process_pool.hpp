// SPDX-License-Identifier: BSL-1.0
// tandem/pool/process_pool.hpp: an executor that makes its calls in other processes.        level 3
#pragma once

#include <tandem/core/cpus.hpp>
#include <tandem/executor/algorithms.hpp>
#include <tandem/future/collect.hpp>
#include <tandem/pool/pool_view.hpp>
#include <tandem/pool/process_pool_manager.hpp>
#include <tandem/pool/worker.hpp>

#include <concepts>
#include <exception>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

namespace tandem {

/// Makes calls in worker processes. A worker's death fails the one task it ran, with worker_died;
/// all other tasks go on and the worker is replaced. Calls travel as a token for the code and bytes
/// for the data, so they must be shippable.
/// Python: ProcessPoolExecutor, multiprocessing.Pool.
/// Requires: `worker_main(argc, argv)` at the start of main(), or a process that has one thread
/// when the pool is made.
/// Workers have the environment and the working directory of the moment when worker_main was called
/// (or the first pool made). What a task starts ends with its worker, unless it calls setsid().
/// A map's elements are read and encoded in a thread of the pool.
/// Thread safety: shared use is safe, except destruction.
/// Lifetime: the destructor waits for all work; during an exception it terminates first. It leaves
/// no process, descriptor or file behind.
class process_pool : public executor_algorithms<process_pool, true> {
   public:
    /// One worker for each CPU that this process may use. Throws: as below.
    process_pool() : process_pool(process_pool_options{}) {}
    /// Throws: std::invalid_argument if there are no workers, and as below.
    template <std::integral Count>
    explicit process_pool(Count workers) : process_pool(with_workers(workers)) {}
    /// Throws: std::invalid_argument; invalid_state if the process has threads and worker_main was
    /// not called, or in a worker; broken_pool and io_error if workers cannot be started.
    explicit process_pool(process_pool_options options) {
        static_cast<void>(detail::checked_limits(options));
        if (options.workers == 0) options.workers = available_cpus();
        core_ = detail::make_ref<detail::process_pool_manager>(std::move(options));
        core_->open();
    }
    process_pool(const process_pool&) = delete;
    process_pool& operator=(const process_pool&) = delete;
    ~process_pool() {
        if (core_->forked()) {
            // The workers and the manager belong to the other process.
            static_cast<void>(core_.release());
            return;
        }
        if (std::uncaught_exceptions() > exceptions_) {
            core_->terminate();
        } else {
            core_->close();
        }
        core_->leave(!core_->on_callback_thread());
    }

    /// The same pool with other limits for the calls that are made through the result:
    /// `pool.with({.timeout = 1s, .retries = 2}).submit(f, x)`. Throws: std::invalid_argument.
    pool_view with(const task_options& options) const { return pool_view(core_, options); }

    /// Calls `f(args...)` once in each worker and waits for it. Returns: the results, void if there
    /// are none. Throws: what the first call in the order of workers throws; the others are made.
    /// A worker that is started later has not made it: that is what `.initializer` is for.
    template <class F, class... Args>
    auto broadcast(F&& f, Args&&... args) {
        using G = std::decay_t<F>;
        if constexpr (!detail::callable_elsewhere<G, detail::shipped_t<Args>...>) {
            detail::require_call<G, detail::shipped_t<Args>...>();
        } else {
            using R = std::remove_cvref_t<detail::shipped_result_t<G&, detail::shipped_t<Args>...>>;
            using task = detail::shipped_submit<R, G, detail::shipped_t<Args>...>;
            std::vector<detail::ref<detail::work>> calls;
            std::vector<future<R>> results;
            for (int i = 0; i < size(); ++i) {
                auto made = detail::make_ref<task>(core_, f, args...);
                calls.push_back(made);
                results.push_back(
                    detail::future_access::make(detail::ref<detail::state<R>>(std::move(made))));
            }
            core_->start_on_each(std::move(calls));
            for (const auto& one : results) one.wait();
            return collect(std::move(results)).get();
        }
    }

   private:
    friend detail::executor_access;

    template <std::integral Count>
    static process_pool_options with_workers(Count workers) {
        if (workers <= 0 || !std::in_range<int>(workers)) {
            throw std::invalid_argument("process_pool needs at least one worker");
        }
        process_pool_options options;
        options.workers = static_cast<int>(workers);
        return options;
    }

    detail::executor_core& core() const noexcept { return *core_; }

    const int exceptions_ = std::uncaught_exceptions();
    detail::ref<detail::process_pool_manager> core_;
};

}  // namespace tandem
