// SPDX-License-Identifier: BSL-1.0
// tandem/async/submitted.hpp: a task that another thread gives a loop, and its future.        level 3
#pragma once

#include <tandem/async/loop_core.hpp>
#include <tandem/async/mailbox.hpp>
#include <tandem/async/spawned.hpp>
#include <tandem/core/error.hpp>
#include <tandem/core/outcome.hpp>
#include <tandem/core/ref.hpp>
#include <tandem/coroutine/task.hpp>
#include <tandem/future/future.hpp>
#include <tandem/future/state.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace tandem::detail {

// The state of the future. The loop holds it until the task has ended.
template <class T>
class submitted final : public state<T>, public spawned::listener {
   public:
    submitted(ref<mailbox> to, task<T>&& work) : to_(std::move(to)), work_(std::move(work)) {}

    // Posts the task. Requires: a fresh object.
    void send() noexcept {
        this->add_ref();  // the letter's
        if (to_->post(start_)) return;
        start_.drop();
    }
    bool cancel() noexcept override {
        if (state<T>::cancel()) return true;  // it never begins
        if (this->ready()) return this->was_cancelled();
        auto* const letter = new (std::nothrow) cancel_letter(ref<submitted>::share(this));
        if (letter && !to_->post(*letter)) letter->drop();
        return false;
    }
    void check_may_wait() const override {
        auto* const loop = scheduler::current();
        if (loop && static_cast<loop_core*>(loop)->mail() == to_) {
            throw invalid_state("the loop's own thread waits for a task of the loop");
        }
    }

   private:
    class start_letter final : public mail {
       public:
        explicit start_letter(submitted& of) noexcept : of_(of) {}
        void deliver() noexcept override { of_.start(); }
        void drop() noexcept override { of_.refuse(); }

       private:
        submitted& of_;
    };
    class cancel_letter final : public mail {
       public:
        explicit cancel_letter(ref<submitted> of) noexcept : of_(std::move(of)) {}
        void deliver() noexcept override {
            if (of_->running_) of_->running_->cancel();
            delete this;
        }
        void drop() noexcept override { delete this; }

       private:
        ref<submitted> of_;
    };

    void start() noexcept {
        if (!this->claim()) return forget();  // cancelled
        try {
            const auto made = spawned::make(loop_core::here(), std::move(*work_));
            work_.reset();
            running_ = made.get();
            made->listen(*this);
        } catch (...) {
            this->fail_set(std::current_exception());
            forget();
        }
    }
    // The loop has ended.
    void refuse() noexcept {
        work_.reset();
        if (this->claim())
            this->fail_set(std::make_exception_ptr(pool_closed("the event loop has ended")));
        forget();
    }
    void on_end_of(spawned& ended) noexcept override {
        running_ = nullptr;
        if (ended.root()) {
            outcome<T> came_to;
            came_to.capture([&]() -> T { return ended.template take<T>(); });
            this->finish_outcome(std::move(came_to));
        } else {
            this->fail_set(std::make_exception_ptr(pool_closed("the event loop has ended")));
        }
        forget();
    }
    void forget() noexcept {
        work_.reset();
        this->drop_ref();
    }

    const ref<mailbox> to_;
    std::optional<task<T>> work_;
    start_letter start_{*this};
    spawned* running_ = nullptr;  // seen by the loop's thread only
};

template <class T>
future<T> submit_to(mailbox& to, task<T>&& work) {
    if (!work.valid()) throw invalid_state("the task was awaited before, or moved from");
    auto made = make_ref<submitted<T>>(ref<mailbox>::share(&to), std::move(work));
    made->send();
    return future_access::make(std::move(made));
}

}  // namespace tandem::detail
