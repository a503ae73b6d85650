// SPDX-License-Identifier: BSL-1.0
// tandem/future/context_ref.hpp: references to a pool that threads take and drop a bundle at a time.        level 1
#pragma once

#include <tandem/core/ref.hpp>
#include <tandem/future/callback.hpp>

#include <cstdint>
#include <utility>

namespace tandem::detail {

// Every call refers to the pool that makes it, for as long as its future lives. One count for all
// of them would be written by every thread for every call; so each thread keeps some references to
// the pool that it used last, and goes to the count once in 64 calls.
class context_ref {
   public:
    // A reference to `context` for the caller to drop, as any other.
    template <class Context>
    static ref<Context> take(Context& context) noexcept {
        if (here_.owner_ != &context || here_.spare_ == 0) here_.refill(context);
        if (here_.owner_ != &context) return ref<Context>::share(&context);
        --here_.spare_;
        return ref<Context>::adopt(&context);
    }
    // Drops a reference, wherever it comes from; null is none.
    static void drop(executor_context* context) noexcept {
        if (!context) return;
        if (here_.owner_ != context) return context->drop_ref();
        if (++here_.spare_ > most) {
            here_.spare_ -= bundle;
            context->drop_refs(bundle);  // not the last: spare ones are left
        }
    }
    // Keeps a context while a scope lives.
    template <class Context>
    class scope {
       public:
        explicit scope(Context& context) noexcept : kept_(take(context)) {}
        scope(const scope&) = delete;
        scope& operator=(const scope&) = delete;
        ~scope() { drop(kept_.release()); }
        Context* operator->() const noexcept { return kept_.get(); }
        Context& operator*() const noexcept { return *kept_; }

       private:
        ref<Context> kept_;
    };
    // What this thread keeps goes.
    static void flush() noexcept {
        auto* const owner = std::exchange(here_.owner_, nullptr);
        const auto spare = std::exchange(here_.spare_, 0U);
        if (owner && spare) owner->drop_refs(spare);
    }

   private:
    static constexpr std::uint32_t bundle = 64;
    static constexpr std::uint32_t most = 2 * bundle;

    enum class life : char { unused, active, ended };
    struct at_thread_end {
        ~at_thread_end() {
            flush();
            here_.life_ = life::ended;
        }
        void touch() noexcept {}
    };

    void refill(executor_context& context) noexcept {
        if (life_ == life::unused) {
            static thread_local at_thread_end guard;
            guard.touch();
            life_ = life::active;
        }
        if (life_ == life::ended) return;
        if (owner_ != &context) flush();
        owner_ = &context;
        spare_ = bundle;
        context.add_refs(bundle);
    }

    // Without a destructor, so that it can be used to the very end of a thread.
    static thread_local context_ref here_;

    executor_context* owner_ = nullptr;  // alive, by the references that are spare
    std::uint32_t spare_ = 0;
    life life_ = life::unused;
};

inline thread_local constinit context_ref context_ref::here_;

}  // namespace tandem::detail
