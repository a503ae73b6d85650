// SPDX-License-Identifier: BSL-1.0
// tandem/async/spawned.hpp: a chain that the loop owns, and who wants to hear of its end.        level 3
#pragma once

#include <tandem/async/loop_core.hpp>
#include <tandem/core/outcome.hpp>
#include <tandem/coroutine/promise_base.hpp>
#include <tandem/coroutine/task.hpp>

#include <cstddef>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

namespace tandem::detail {

// The chain of a task that runs by itself: the loop's until it ends, and its handle's. The frame of
// the task, and so its result, lives as long.
// Thread safety: belongs to the loop's thread.
class spawned final : public chain {
   public:
    static void* operator new(std::size_t size) { return frame_pool::allocate(size); }
    static void operator delete(void* memory, std::size_t size) noexcept {
        frame_pool::deallocate(memory, size);
    }

    // Hears of the end, once.
    class listener {
       public:
        listener() noexcept = default;
        listener(const listener&) = delete;
        listener& operator=(const listener&) = delete;

        virtual void on_end_of(spawned& ended) noexcept = 0;
        virtual std::string_view name() const noexcept { return {}; }

       protected:
        ~listener() = default;

       private:
        friend spawned;
        listener* next_ = nullptr;
    };

    // Owns a spawned chain.
    class owner {
       public:
        owner() noexcept = default;
        explicit owner(spawned& owned) noexcept : owned_(&owned) { ++owned.owners_; }
        owner(owner&& other) noexcept : owned_(std::exchange(other.owned_, nullptr)) {}
        owner& operator=(owner&& other) noexcept {
            owner old(std::move(*this));
            owned_ = std::exchange(other.owned_, nullptr);
            return *this;
        }
        ~owner() {
            if (owned_) owned_->drop_owner();
        }
        spawned* get() const noexcept { return owned_; }
        spawned* operator->() const noexcept { return owned_; }

       private:
        spawned* owned_ = nullptr;
    };

    // Runs the task in its turn.
    template <class T>
    static owner make(loop_core& home, task<T>&& work) {
        // Allocated first: if that throws, the task is still the caller's.
        auto* const made = new spawned(home);
        owner result(*made);
        made->start(task_access::release(work));
        return result;
    }

    void listen(listener& added) noexcept {
        listener** end = &listeners_;
        while (*end) end = &(*end)->next_;
        *end = &added;
    }
    void forget(listener& removed) noexcept {
        for (listener** at = &listeners_; *at; at = &(*at)->next_) {
            if (*at != &removed) continue;
            *at = removed.next_;
            return;
        }
    }
    void set_name(std::string_view name) { listen(*new name_tag(std::string(name))); }

    // Somebody else than the handle's owner tells of its error.
    void mark_seen() noexcept { is_seen_ = true; }

    // The result, of a task<T>. Requires: it has ended. Throws: what the task threw.
    template <class T>
    T take() {
        auto* const promise = static_cast<task_promise<T>*>(root());
        if (!promise) throw cancelled_error();
        return promise->take();
    }
    // Requires: it has ended.
    std::exception_ptr error() const noexcept {
        return root() ? root()->error() : std::make_exception_ptr(cancelled_error());
    }

    // runnable
    void drop() noexcept override {
        if (linked()) unlink();
        destroy_frames();
        end();
        conclude();
    }
    void stop() noexcept override { cancel(); }
    void describe(await_tree& tree) const override {
        const auto name = given_name();
        if (name.empty()) return chain::describe(tree);
        tree.line(std::string(name) + ":");
        tree.deeper();
        chain::describe(tree);
        tree.back();
    }
    // Its name, or that of its function.
    std::string title() const {
        if (const auto name = given_name(); !name.empty()) return std::string(name);
        return root() ? name_of(root()->where()) : "that is gone";
    }

   private:
    class name_tag final : public listener {
       public:
        explicit name_tag(std::string name) noexcept : name_(std::move(name)) {}
        void on_end_of(spawned&) noexcept override { delete this; }
        std::string_view name() const noexcept override { return name_; }

       private:
        std::string name_;
    };

    std::string_view given_name() const noexcept {
        for (const listener* at = listeners_; at; at = at->next_) {
            if (!at->name().empty()) return at->name();
        }
        return {};
    }

    explicit spawned(loop_core& home) noexcept : chain(home) {
        owners_ = 1;  // the loop
        is_listed_ = true;
        home.add_live(1);
    }
    ~spawned() = default;

    void on_end() noexcept override { conclude(); }

    void conclude() noexcept {
        static_cast<loop_core*>(home())->add_live(-1);
        while (listeners_) {
            listener& first = *listeners_;
            listeners_ = std::exchange(first.next_, nullptr);
            first.on_end_of(*this);
        }
        forget_home();  // a handle may outlive it
        drop_owner();
    }

    void drop_owner() noexcept {
        if (--owners_ != 0) return;
        if (promise_base* const promise = release_root()) {
            report_unseen(promise->take_error());
            promise->destroy();
        }
        delete this;
    }
    // Whoever takes the result takes the error too: here it is one that nobody saw.
    void report_unseen(std::exception_ptr error) noexcept {
        if (!error || is_seen_ || is_cancelled(error)) return;
        report_here(std::move(error));
    }

    listener* listeners_ = nullptr;
};

}  // namespace tandem::detail
