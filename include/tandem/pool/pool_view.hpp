// SPDX-License-Identifier: BSL-1.0
// tandem/pool/pool_view.hpp: a process_pool with other limits for the calls made through it.        level 3
#pragma once

#include <tandem/executor/algorithms.hpp>
#include <tandem/pool/process_pool_core.hpp>

#include <cstddef>
#include <exception>
#include <utility>

namespace tandem {

namespace detail {

// The core of the pool, but for the limits of what is started through it.
class pool_view_core final : public executor_core {
   public:
    pool_view_core(ref<process_pool_core> pool, const task_options& options)
        : pool_(std::move(pool)), limits_(pool_->limits().with(options)) {}

    void start(ref<work> calls, std::size_t, admission from) override {
        pool_->start_with(std::move(calls), limits_, from);
    }
    void require_open() const override { pool_->require_open(); }
    bool ships() const noexcept override { return true; }
    bool stop(work& calls, const std::exception_ptr& why, bool kill_running) noexcept override {
        return pool_->stop(calls, why, kill_running);
    }
    void post(future_state& state, callback_list& list) noexcept override {
        pool_->post(state, list);
    }
    void report(std::exception_ptr error) noexcept override { pool_->report(std::move(error)); }
    int size() const noexcept override { return pool_->size(); }
    const char* kind() const noexcept override { return pool_->kind(); }
    const char* state_name() const noexcept override { return pool_->state_name(); }
    pool_stats stats() const override { return pool_->stats(); }
    void close() override { pool_->close(); }
    void join() override { pool_->join(); }
    void terminate() override { pool_->terminate(); }

   private:
    const ref<process_pool_core> pool_;
    const call_limits limits_;
};

}  // namespace detail

/// A process_pool whose calls have other limits: what `pool.with({.timeout = 1s})` gives. Copies
/// refer to the same pool and own nothing of it: once it is gone, calls throw pool_closed.
/// Thread safety: shared use is safe, except assignment.
class pool_view : public executor_algorithms<pool_view, true> {
   private:
    // The pool's owner ends it.
    using executor_algorithms<pool_view, true>::close;
    using executor_algorithms<pool_view, true>::join;
    using executor_algorithms<pool_view, true>::terminate;

    friend detail::executor_access;
    friend class process_pool;

    pool_view(detail::ref<detail::process_pool_core> pool, const task_options& options)
        : core_(detail::make_ref<detail::pool_view_core>(std::move(pool), options)) {}

    detail::executor_core& core() const noexcept { return *core_; }

    detail::ref<detail::pool_view_core> core_;
};

}  // namespace tandem
