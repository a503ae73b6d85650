// SPDX-License-Identifier: BSL-1.0
// tandem/pool/callback_thread.hpp: the thread that runs a process_pool's callbacks.        level 3
#pragma once

#include <tandem/core/parker.hpp>
#include <tandem/future/state.hpp>

#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace tandem::detail {

// Runs the users' callbacks one after the other, so that none can hold up the pool's manager: they
// may submit to the pool and wait for it. The thread starts with the first callback.
// Thread safety: every member may be called concurrently.
class callback_thread {
   public:
    // `when_idle` is called, in the thread, whenever there is nothing left to call.
    explicit callback_thread(std::function<void()> when_idle) : when_idle_(std::move(when_idle)) {}
    callback_thread(const callback_thread&) = delete;
    callback_thread& operator=(const callback_thread&) = delete;
    ~callback_thread() { stop(); }

    // Takes the callbacks of a state over, unless there can be no thread.
    void post(future_state& state, callback_list& list) noexcept {
        std::lock_guard hold(mutex_);
        if (!starts()) return;
        waiting_.push_back({ref<future_state>::share(&state), std::move(list), {}});
        ready_.notify_one();  // under the mutex: the callback may destroy all this
    }
    // Calls f in its turn, unless there can be no thread, or `most` things wait already.
    bool post(std::function<void()> f, std::size_t most) noexcept {
        std::lock_guard hold(mutex_);
        if (waiting_.size() >= most || !starts()) return false;
        waiting_.push_back({{}, {}, std::move(f)});
        ready_.notify_one();
        return true;
    }
    // Whether nothing waits or runs.
    bool idle() const noexcept {
        std::lock_guard hold(mutex_);
        return waiting_.empty() && !busy_;
    }
    bool on_it() const noexcept {
        std::lock_guard hold(mutex_);
        return id_ == std::this_thread::get_id();
    }
    // Waits until all callbacks were called, then ends the thread.
    void stop() noexcept {
        std::thread leaving;
        {
            std::lock_guard hold(mutex_);
            stopping_ = true;
            leaving.swap(thread_);
        }
        ready_.notify_all();
        if (!leaving.joinable()) return;
        if (leaving.get_id() == std::this_thread::get_id()) {
            *gone_ = true;
            leaving.detach();
        } else {
            leaving.join();
            std::lock_guard hold(mutex_);
            id_ = {};  // another thread may get it
        }
    }

   private:
    struct item {
        ref<future_state> state;
        callback_list list;
        std::function<void()> call;
        explicit operator bool() const noexcept { return state || call; }
    };

    // Whether there is a thread; starts it. Requires: the mutex.
    bool starts() noexcept {
        if (stopping_) return false;
        if (thread_.joinable()) return true;
        try {
            thread_ = std::thread([this] { serve(); });
        } catch (const std::system_error&) {
            return false;
        }
        id_ = thread_.get_id();
        return true;
    }

    void serve() noexcept {
        bool gone = false;
        gone_ = &gone;
        while (auto next = take()) {
            if (next.call) {
                next.call();
            } else {
                next.state->run_callbacks(std::move(next.list));
            }
            next = {};
            if (gone) return;
            if (finished_one()) when_idle_();
        }
    }
    // Returns whether nothing is left.
    bool finished_one() noexcept {
        std::lock_guard hold(mutex_);
        busy_ = false;
        return waiting_.empty();
    }
    // Waits for the next item.
    item take() noexcept {
        for (;;) {
            const auto ticket = ready_.prepare();
            {
                std::lock_guard hold(mutex_);
                if (!waiting_.empty()) {
                    ready_.cancel();
                    busy_ = true;
                    auto front = std::move(waiting_.front());
                    waiting_.pop_front();
                    return front;
                }
                if (stopping_) {
                    ready_.cancel();
                    return {};
                }
            }
            ready_.wait(ticket);
        }
    }

    const std::function<void()> when_idle_;
    mutable std::mutex mutex_;  // guards the fields below, but for ready_
    std::deque<item> waiting_;
    bool busy_ = false;
    bool stopping_ = false;
    std::thread thread_;
    std::thread::id id_;
    wait_point ready_;
    bool* gone_ = nullptr;  // the thread's own: set if a callback, or its end, destroys all this
};

}  // namespace tandem::detail
