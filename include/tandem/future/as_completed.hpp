// SPDX-License-Identifier: BSL-1.0
// tandem/future/as_completed.hpp: futures in the order in which they complete.        level 1
#pragma once

#include <tandem/future/future.hpp>

#include <atomic>
#include <cstddef>
#include <iterator>
#include <memory>
#include <ranges>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace tandem {

/// A future that is ready, and its place in the range that was given.
template <class Future>
struct completed {
    std::size_t index;
    Future& future;
};

namespace detail {

// The places of completed states, in the order of completion.
class completion_order final : public waker {
   public:
    explicit completion_order(std::size_t count) : places_(count) {}

    void push(std::size_t index) noexcept {
        const auto at = used_.fetch_add(1, std::memory_order_relaxed);
        places_[at].store(index + 1, std::memory_order_seq_cst);
        point_.notify_all();
    }
    bool has(std::size_t at) const noexcept {
        return places_[at].load(std::memory_order_seq_cst) != 0;
    }
    std::size_t at(std::size_t at) const noexcept {
        return places_[at].load(std::memory_order_acquire) - 1;
    }
    // There may be something to help with that was not there before.
    void wake() noexcept override {
        wakes_.fetch_add(1, std::memory_order_seq_cst);
        point_.notify_all();
    }
    std::size_t wakes() const noexcept { return wakes_.load(std::memory_order_seq_cst); }
    // Waits for the place, or to be woken. Returns false when the time ran out.
    bool wait(std::size_t at, std::size_t wakes_seen, deadline until) noexcept {
        return point_.wait_until([&] { return has(at) || wakes() != wakes_seen; }, until);
    }
    std::size_t size() const noexcept { return places_.size(); }

    void abandon() noexcept { abandoned_.store(true, std::memory_order_relaxed); }
    bool abandoned() const noexcept { return abandoned_.load(std::memory_order_relaxed); }

   private:
    // 0, then the completed state's index + 1; each is written once by a completing thread.
    // seq_cst with the wait point's protocol; the reader acquires the state's own `done` besides.
    std::vector<std::atomic<std::size_t>> places_;
    // How many places are given out.
    std::atomic<std::size_t> used_{0};
    // How often it was woken for another reason; by anybody, as above.
    std::atomic<std::size_t> wakes_{0};
    // false, then true by the reader when it leaves; a hint for those that clean up.
    std::atomic<bool> abandoned_{false};
    wait_point point_;
};

class completion_callback final : public callback {
   public:
    completion_callback(ref<completion_order> order, std::size_t index) noexcept
        : order_(std::move(order)), index_(index) {}
    void call(future_state&) override { order_->push(index_); }
    bool is_internal() const noexcept override { return true; }
    bool is_dropped() const noexcept override { return order_->abandoned(); }

   private:
    ref<completion_order> order_;
    std::size_t index_;
};

}  // namespace detail

/// The range that as_completed() returns; it is read once.
/// Thread safety: belongs to one thread.
/// Lifetime: the futures outlive it.
template <class Future>
class as_completed_range {
   public:
    class iterator {
       public:
        using value_type = completed<Future>;
        using difference_type = std::ptrdiff_t;
        using iterator_concept = std::input_iterator_tag;

        iterator() = default;
        explicit iterator(as_completed_range& range) : range_(&range) { range_->wait(); }
        completed<Future> operator*() const { return range_->current(); }
        iterator& operator++() {
            ++range_->next_;
            range_->wait();
            return *this;
        }
        void operator++(int) { ++*this; }
        bool operator==(std::default_sentinel_t) const noexcept { return range_->at_end(); }

       private:
        as_completed_range* range_ = nullptr;
    };

    as_completed_range(std::vector<Future*> futures, deadline until)
        : futures_(std::move(futures)),
          order_(detail::make_ref<detail::completion_order>(futures_.size())),
          until_(until) {
        for (std::size_t i = 0; i < futures_.size(); ++i) {
            states_.push_back(detail::future_access::state_of(*futures_[i]));
            states_[i]->add_callback(std::make_unique<detail::completion_callback>(order_, i));
        }
    }
    as_completed_range(as_completed_range&&) = default;
    as_completed_range& operator=(as_completed_range&&) = delete;
    ~as_completed_range() {
        if (!order_) return;
        order_->abandon();
        for (const auto& state : states_) {
            if (!state->ready()) state->prune_callbacks();
        }
    }

    /// Waits for the first. Throws: timeout_error when time runs out, as ++ does.
    iterator begin() { return iterator(*this); }
    std::default_sentinel_t end() const noexcept { return {}; }

   private:
    bool at_end() const noexcept { return next_ == futures_.size(); }
    completed<Future> current() const {
        const auto index = order_->at(next_);
        return {index, *futures_[index]};
    }
    void wait() {
        while (!at_end() && !order_->has(next_)) {
            const auto wakes = order_->wakes();
            if (until_.is_never()) help(wakes);
            detail::future_state::run_deferred();
            if (!order_->wait(next_, wakes, until_)) time_out();
        }
    }
    [[noreturn]] void time_out() const {
        throw timeout_error(std::to_string(futures_.size() - next_) + " (of " +
                            std::to_string(futures_.size()) + ") futures unfinished");
    }
    // Inside a worker: runs tasks of the same pool that have not started, until one is done. Each
    // is looked at once: what was helped has begun, here or elsewhere, unless this was woken.
    void help(std::size_t wakes) noexcept {
        if (std::exchange(wakes_, wakes) != wakes) helped_ = 0;
        while (helped_ < states_.size() && !order_->has(next_)) {
            const auto& state = states_[helped_++];
            if (!state->ready()) state->help_all(*order_);
        }
    }

    std::vector<Future*> futures_;
    std::vector<detail::ref<detail::future_state>> states_;
    detail::ref<detail::completion_order> order_;
    deadline until_;
    std::size_t next_ = 0;
    std::size_t helped_ = 0;
    std::size_t wakes_ = 0;
};

/// The futures of a range (which stay where they are) one by one, as each becomes ready:
/// `for (auto [index, f] : as_completed(futures)) use(f.get());`.
/// Throws: timeout_error from the loop when `until` passes before the last. Blocks: in the loop.
/// Complexity: linear in all. Python: concurrent.futures.as_completed.
template <std::ranges::forward_range Futures>
    requires std::ranges::borrowed_range<Futures> &&
             std::is_lvalue_reference_v<std::ranges::range_reference_t<Futures>>
auto as_completed(Futures&& futures, deadline until = deadline::never()) {
    using future_type = std::remove_reference_t<std::ranges::range_reference_t<Futures>>;
    std::vector<future_type*> pointers;
    for (auto& f : futures) pointers.push_back(std::addressof(f));
    return as_completed_range<future_type>(std::move(pointers), until);
}

}  // namespace tandem
