// SPDX-License-Identifier: BSL-1.0
// tandem/future/collect.hpp: one future of the results of many.        level 1
#pragma once

#include <tandem/future/future.hpp>

#include <atomic>
#include <cstddef>
#include <exception>
#include <type_traits>
#include <utility>
#include <vector>

namespace tandem {
namespace detail {

// What many results of T are together: a vector, of pointers where T is a reference.
template <class T>
struct collected {
    using type = std::vector<stored_t<T>>;
};
template <class T>
    requires std::is_void_v<T>
struct collected<T> {
    using type = void;
};
template <class T>
using collected_t = typename collected<T>::type;

// Completes when all its sources have, or when the first fails.
template <class T>
class collect_state final : public state<collected_t<T>> {
   public:
    explicit collect_state(std::vector<ref<state<T>>> sources)
        : state<collected_t<T>>(sources.empty()
                                    ? ref<executor_context>()
                                    : ref<executor_context>::share(sources[0]->context())),
          sources_(std::move(sources)),
          left_(sources_.size()) {}

    ~collect_state() override {
        for (auto& source : sources_) future_state::drop_nested(std::move(source));
    }

    bool has_sources() const noexcept override { return true; }
    future_state* source_at(std::size_t index) const noexcept override {
        return index < sources_.size() ? sources_[index].get() : nullptr;
    }
    bool cancel() noexcept override {
        if (!state<collected_t<T>>::cancel()) return false;
        for (const auto& source : sources_) future_state::cancel_nested(source);
        return true;
    }

    void one_done(state<T>& source) noexcept {
        const bool cancelled = source.was_cancelled();
        if (auto error = source.take_error()) {
            if (this->claim()) {
                this->fail_set(std::move(error));
            } else if (!cancelled) {
                this->report(std::move(error));  // one is thrown, no other is lost
            }
        }
        // acq_rel: the last one sees what the others wrote.
        if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1) all_done();
    }
    void all_done() noexcept {
        if (!this->claim()) return;
        outcome<collected_t<T>> all;
        all.capture([&]() -> collected_t<T> { return gather(); });
        this->finish_outcome(std::move(all));
    }

   private:
    collected_t<T> gather() {
        if constexpr (!std::is_void_v<T>) {
            collected_t<T> values;
            values.reserve(sources_.size());
            for (const auto& source : sources_) {
                if constexpr (std::is_reference_v<T>) {
                    values.push_back(&source->result().value());
                } else {
                    values.push_back(source->take());
                }
            }
            return values;
        }
    }

    std::vector<ref<state<T>>> sources_;  // the same from first to last
    // How many sources are not done; each completing thread takes one off.
    std::atomic<std::size_t> left_;
};

template <class T>
class collect_callback final : public callback {
   public:
    collect_callback(ref<collect_state<T>> all, bool in_turn) noexcept
        : all_(std::move(all)), in_turn_(in_turn) {}
    void call(future_state& done) override { all_->one_done(static_cast<state<T>&>(done)); }
    // The last one takes all results: it waits for its turn after callbacks that look at one.
    bool is_internal() const noexcept override { return !in_turn_; }

   private:
    ref<collect_state<T>> all_;
    bool in_turn_;
};

}  // namespace detail

/// The future of all results in the order of the futures, which it takes over (void: of nothing).
/// Fails with the first failure in time; the others go on, and if they fail too that goes to the
/// pool's on_error. Cancelling it cancels them.
/// Python: asyncio.gather.
template <class T>
auto collect(std::vector<future<T>> futures) {
    std::vector<detail::ref<detail::state<T>>> sources;
    sources.reserve(futures.size());
    for (const auto& f : futures) sources.push_back(detail::future_access::state_of(f));
    auto all = detail::make_ref<detail::collect_state<T>>(sources);
    for (const auto& source : sources) {
        source->add_callback(
            std::make_unique<detail::collect_callback<T>>(all, source->observed()));
    }
    if (sources.empty()) all->all_done();
    return detail::future_access::make(std::move(all));
}

}  // namespace tandem
