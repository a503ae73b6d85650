// SPDX-License-Identifier: BSL-1.0
// tandem/sync/pipeline_run.hpp: the threads and queues of a pipeline that runs.        level 1
#pragma once

#include <tandem/core/invoke.hpp>
#include <tandem/core/parker.hpp>
#include <tandem/sync/queue.hpp>

#include <atomic>
#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace tandem::detail {

// What goes through the queues: the number says where it was in the source.
template <class T>
struct pipeline_item {
    std::size_t number;
    T value;
};
template <class T>
inline constexpr bool known_to_move_quietly<pipeline_item<T>> = known_to_move_quietly<T>;

// A stage's call, made in its own thread.
template <class F>
struct own_threads {
    F f;
    template <class In>
    decltype(auto) operator()(const std::stop_token& stop, In&& in) {
        return invoke_task(stop, f, std::forward<In>(in));
    }
    int default_workers() const { return 1; }
};

// The same, made by an executor, while a thread of the stage waits for it. When the run ends early
// the call is cancelled: in a thread its stop_token is set, another process is killed.
template <class Executor, class F>
struct on_executor {
    Executor* executor;
    F f;
    template <class In>
        requires requires(Executor& e, F& call, In&& in) { e.submit(call, std::forward<In>(in)); }
    decltype(auto) operator()(const std::stop_token& stop, In&& in) {
        auto result = executor->submit(f, std::forward<In>(in));
        {
            const std::stop_callback end(stop, [&]() noexcept { result.cancel(); });
            result.wait();
        }
        return result.get();
    }
    int default_workers() const { return executor->size(); }
};

template <class Call, class In>
using stage_result_t = std::remove_cvref_t<std::invoke_result_t<Call&, std::stop_token, In>>;

// How a run ends before its source does: once, with an exception or without.
// Thread safety: every member may be called concurrently, when all queues are known.
class pipeline_end {
   public:
    template <class T>
    void closes(queue<pipeline_item<T>>& q) {
        closers_.push_back([&q](const std::exception_ptr& why) noexcept {
            q.close(why);
            q.close_and_discard();
        });
    }

    // Ends it: what is queued is dropped, calls that run may see it by their token.
    void stop(std::exception_ptr why = nullptr) noexcept {
        {
            const std::lock_guard hold(mutex_);
            if (std::exchange(stopped_, true)) return;
            error_ = why;
        }
        for (auto& close : closers_) close(why);
        source_.request_stop();
    }
    // Runs the body of a thread, whose first exception ends all.
    template <class Body>
    void guard(Body body) noexcept {
        try {
            body();
        } catch (...) {
            stop(std::current_exception());
        }
    }

    std::stop_token token() const noexcept { return source_.get_token(); }
    void rethrow() {
        const std::lock_guard hold(mutex_);
        if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
    }

   private:
    std::mutex mutex_;  // guards the next two
    bool stopped_ = false;
    std::exception_ptr error_;
    std::stop_source source_;
    std::vector<std::function<void(const std::exception_ptr&)>> closers_;
};

// Keeps the source from running ahead of the sink, where items wait to be put in order: an item
// that takes long would otherwise let any number of others pile up there.
class pipeline_window {
   public:
    explicit pipeline_window(std::size_t size) noexcept : size_(size) {}

    // Waits until item `number` may be read. Returns false if there will be no more.
    bool enter(std::size_t number) {
        if (size_ == unbounded) return true;
        room_.wait_until([&] {
            return ended_.load(std::memory_order_seq_cst) ||
                   number - delivered_.load(std::memory_order_seq_cst) < size_;
        });
        return !ended_.load(std::memory_order_seq_cst);
    }
    void deliver() noexcept {
        if (size_ == unbounded) return;
        delivered_.fetch_add(1, std::memory_order_seq_cst);
        room_.notify_one();
    }
    void end() noexcept {
        ended_.store(true, std::memory_order_seq_cst);
        room_.notify_all();
    }

   private:
    const std::size_t size_;
    // How many items the sink was given; written by its thread. seq_cst as wait_point asks.
    std::atomic<std::size_t> delivered_{0};
    // false, then true when the run ends; likewise.
    std::atomic<bool> ended_{false};
    wait_point room_;
};

// Gives a sink the items as they come, or in the order of their numbers.
template <class T>
class pipeline_sink_order {
   public:
    explicit pipeline_sink_order(bool ordered) noexcept : ordered_(ordered) {}

    // Returns false if `sink` did. Calls it once for each item that is next.
    template <class Sink>
    bool give(pipeline_item<T>&& item, Sink& sink) {
        if (!ordered_) return sink(std::move(item.value));
        if (item.number != next_) {
            early_.emplace(item.number, std::move(item.value));
            return true;
        }
        ++next_;
        if (!sink(std::move(item.value))) return false;
        for (auto it = early_.begin(); it != early_.end() && it->first == next_; ++next_) {
            T value = std::move(it->second);
            it = early_.erase(it);
            if (!sink(std::move(value))) return false;
        }
        return true;
    }

   private:
    const bool ordered_;
    std::size_t next_ = 0;
    std::map<std::size_t, T> early_;
};

// Starts the threads of a stage. Each owns the producers' end of `out`, which so closes when the
// last of them ends.
template <class Call, class In, class Out>
void start_stage(std::vector<std::jthread>& threads, pipeline_end& end, Call& call, int workers,
                 queue<pipeline_item<In>>& in, queue<pipeline_item<Out>>& out) {
    const auto handle = out.producer();
    for (int i = 0; i < workers; ++i) {
        threads.emplace_back([&end, &call, &in, handle] {
            end.guard([&] {
                const auto stop = end.token();
                while (auto item = in.pop()) {
                    if (!handle->emplace(
                            pipeline_item<Out>{item->number, call(stop, std::move(item->value))})) {
                        return;
                    }
                }
            });
        });
    }
}

}  // namespace tandem::detail
