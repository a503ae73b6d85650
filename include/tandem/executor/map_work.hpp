// SPDX-License-Identifier: BSL-1.0
// tandem/executor/map_work.hpp: the calls of `map` and `for_each`, and their results in order.        level 2
#pragma once

#include <tandem/executor/element.hpp>
#include <tandem/executor/input.hpp>
#include <tandem/executor/result_slots.hpp>
#include <tandem/executor/submit_work.hpp>
#include <tandem/executor/work.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace tandem::detail {

template <class R>
struct map_result {
    using type = std::vector<R>;
};
template <>
struct map_result<void> {
    using type = void;
};

// All calls of one map. Calls are claimed in rising order, so that when one throws, whatever comes
// before it has begun and will end: the first exception in input order is exact.
template <class F, class Range, bool Star, bool Ships, bool Discard>
class map_work final
    : public state<typename map_result<std::conditional_t<
          Discard, void,
          typename element_traits<F, typename input<Range>::reference,
                                  typename input<Range>::value_type, Star, Ships>::result>>::type>,
      public work {
    using value_type = typename input<Range>::value_type;
    using traits = element_traits<F, typename input<Range>::reference, value_type, Star, Ships>;
    using R = std::conditional_t<Discard, void, typename traits::result>;
    using base = state<typename map_result<R>::type>;

   public:
    using base::add_ref;
    using base::drop_ref;

    map_work(ref<executor_core> core, F f, Range&& range, std::size_t chunk_size)
        : base(std::move(core)),
          work(static_cast<future_state&>(*this)),
          call_(std::in_place, std::move(f), std::forward<Range>(range)),
          chunk_size_(chunk_size),
          size_(call_->elements.size()),
          left_(size_),
          results_(size_) {}

    std::size_t size() const noexcept { return size_; }
    // An empty map is done at once.
    void finish_if_empty() noexcept {
        if (size_ == 0) finish_all();
    }

    // A quarter of an even share, so that nobody is left with much at the end.
    std::size_t fair_share() const noexcept override {
        const auto left = next_.load(std::memory_order_relaxed);
        const auto threads = static_cast<std::size_t>(core().size());
        return left < size_ ? std::max<std::size_t>(1, (size_ - left) / (4 * threads)) : 1;
    }
    call_range claim(std::size_t most) noexcept override {
        if (returned_count_.load(std::memory_order_relaxed) != 0) {
            if (const auto again = take_returned(most); again.count != 0) return again;
        }
        auto first = next_.load(std::memory_order_relaxed);
        std::size_t count = 0;
        do {
            if (first >= size_) {
                starve();
                return {};
            }
            count = std::min(most, size_ - first);
        } while (!next_.compare_exchange_weak(first, first + count, std::memory_order_acq_rel,
                                              std::memory_order_relaxed));
        if (first == 0) this->state_claim();
        return {first, count};
    }
    std::size_t unclaimed() const noexcept override {
        const auto next = next_.load(std::memory_order_relaxed);
        return (next < size_ ? size_ - next : 0) + returned_count_.load(std::memory_order_relaxed);
    }
    std::size_t chunk_size() const noexcept override { return chunk_size_; }
    bool first_failure_counts() const noexcept override { return true; }

    job::tally run(call_range calls) noexcept override {
        job::tally made;
        std::size_t i = calls.first;
        std::size_t end = calls.first + calls.count;
        starvation others;
        // Calls that were measured to be short are looked after now and then, others one by one.
        const bool in_blocks = chunk_size_ == 0 && calls.count > 4 * block;
        while (i < end && i < wanted_.load(std::memory_order_relaxed)) {
            if (starved_.load(std::memory_order_relaxed)) end = recall(i, end, others);
            try {
                if (in_blocks && end - i >= block) {
                    call_block(i);
                } else {
                    call_one(i);
                    ++i;
                }
            } catch (...) {
                ++made.thrown;
                record(i++, std::current_exception());
            }
        }
        made.made = i - calls.first;
        complete(end - calls.first);
        return made;
    }

    std::size_t abandon(std::exception_ptr why) noexcept override {
        // What a call threw before wins; what one throws because it was asked to stop does not.
        const auto self = ref<work>::share(this);
        return record(size_, std::move(why), /*all=*/true);
    }
    // True if no call was ever made, or if those that ran were killed. What runs in threads may end
    // before this returns: that changes nothing.
    bool cancel() noexcept override {
        const auto self = ref<work>::share(this);
        if (this->was_cancelled()) return true;
        const auto& why = cancelled_pointer();
        const bool never_ran = abandon(why) == size_;
        core().stop(*this, why, /*kill_running=*/true);
        return this->was_cancelled() && (never_ran || core().ships());
    }
    void help() noexcept override { core().help(*this); }

    void encode_call([[maybe_unused]] writer& out) const override {
#if TANDEM_LINUX
        if constexpr (Ships) {
            detail::encode_call<element_call<F, value_type, Star, Discard>>(out, call_->f);
        }
#endif
    }
    void encode_arguments([[maybe_unused]] std::size_t index,
                          [[maybe_unused]] writer& out) override {
        if constexpr (Ships) {
            const value_type& element = call_->elements[index];
            tandem::encode(out, element);
        }
    }
    bool deliver([[maybe_unused]] std::size_t index,
                 [[maybe_unused]] reader& in) noexcept override {
        bool ok = true;
        if constexpr (Ships) {
            try {
                if constexpr (std::is_void_v<R>) {
                    decode_result<R>(in);
                } else {
                    results_.set(index, decode_result<R>(in));
                }
            } catch (...) {
                ok = false;
                record(index, std::current_exception());
            }
        }
        complete(1);
        return ok;
    }
    void fail(std::size_t index, std::exception_ptr why) noexcept override {
        record(index, std::move(why));
        complete(1);
    }
    void give_back(call_range calls) noexcept override {
        {
            std::lock_guard hold(mutex_);
            returned_.push_back(calls);
            returned_count_.fetch_add(calls.count, std::memory_order_relaxed);
        }
        drop_returned();
    }

   private:
    struct call_parts {
        template <class G>
        call_parts(G&& g, Range&& range)
            : f(std::forward<G>(g)), elements(std::forward<Range>(range)) {}
        F f;
        input<Range> elements;
    };

    executor_core& core() const noexcept { return static_cast<executor_core&>(*this->context()); }
    static constexpr std::size_t block = 32;
    void state_claim() noexcept { future_state::claim(); }

    void call_one(std::size_t index) {
        if constexpr (std::is_void_v<R>) {
            traits::call(stop_.token(), call_->f, call_->elements[index]);
        } else {
            results_.set(index, traits::call(stop_.token(), call_->f, call_->elements[index]));
        }
    }

    // A constant number of calls, and nothing else to look at: compilers make much of it. They know
    // besides that no input is where small results are first put. Advances `index` past each call.
    void call_block(std::size_t& index) {
        if constexpr (result_slots<R>::in_blocks) {
            R made[block];
            for (R& result : made) {
                result = traits::call(stop_.token(), call_->f, call_->elements[index]);
                ++index;
            }
            results_.set_block(index - block, made, block);
        } else {
            for (std::size_t in_block = 0; in_block < block; ++in_block, ++index) call_one(index);
        }
    }

    // Remembers an exception and ends what nobody has claimed. Returns how many it ended.
    std::size_t record(std::size_t index, std::exception_ptr error, bool all = false) noexcept {
        {
            std::lock_guard hold(mutex_);
            if (all) abandoned_ = true;
            const auto before = failed_at_;
            if (!error_ || (index < before && before != size_)) {
                std::swap(error_, error);
                failed_at_ = index;
            } else if (error == error_) {
                error = nullptr;
            }
            wanted_.store(abandoned_ ? 0 : failed_at_ + 1, std::memory_order_relaxed);
        }
        // One is thrown, no other is lost.
        if (error && !is_cancelled(error)) this->report(std::move(error));
        stop_.request_stop();
        const auto next = next_.exchange(size_, std::memory_order_acq_rel);
        const auto ended = next < size_ ? size_ - next : 0;
        const auto more = drop_returned();
        if (ended) complete(ended);
        return ended + more;
    }
    // Ends the returned calls that are not wanted any more: those after a failed one.
    std::size_t drop_returned() noexcept {
        std::size_t ended = 0;
        {
            std::lock_guard hold(mutex_);
            std::erase_if(returned_, [&](const call_range& calls) {
                if (!abandoned_ && calls.first <= failed_at_) return false;
                ended += calls.count;
                return true;
            });
            returned_count_.fetch_sub(ended, std::memory_order_relaxed);
        }
        if (ended) complete(ended);
        return ended;
    }
    call_range take_returned(std::size_t most) noexcept {
        std::lock_guard hold(mutex_);
        if (returned_.empty()) return {};
        auto& last = returned_.back();
        const call_range taken{last.first, std::min(most, last.count)};
        last.first += taken.count;
        last.count -= taken.count;
        if (last.count == 0) returned_.pop_back();
        returned_count_.fetch_sub(taken.count, std::memory_order_relaxed);
        return taken;
    }

    // A thread leaves while others still make calls.
    void starve() noexcept {
        if (left_.load(std::memory_order_relaxed) != 0) {
            starved_.store(true, std::memory_order_relaxed);
        }
    }
    // Somebody would help with the claimed calls [first, end): if they take longer than they
    // should, the second half goes back, for a thread that has nothing to do. Returns the new end.
    using starvation = std::chrono::steady_clock::time_point;
    std::size_t recall(std::size_t first, std::size_t end, starvation& noticed) noexcept {
        if (end - first < 2) return end;
        const auto now = std::chrono::steady_clock::now();
        if (noticed == starvation()) noticed = now;
        if (now - noticed < std::chrono::microseconds(20)) return end;
        noticed = {};
        starved_.store(false, std::memory_order_relaxed);
        try {
            std::lock_guard hold(mutex_);
            returned_.reserve(returned_.size() + 1);
        } catch (...) {
            return end;  // no memory to share them: this thread makes them all
        }
        const auto middle = first + (end - first + 1) / 2;
        give_back({middle, end - middle});
        try {
            core().start(ref<work>::share(this), 1, admission::continued);
        } catch (...) {
            // They come back to this thread, which looks for more when it has made its own.
            return middle;
        }
        return middle;
    }

    void complete(std::size_t count) noexcept {
        // acq_rel: whoever ends the last call sees the results of all others.
        if (left_.fetch_sub(count, std::memory_order_acq_rel) == count) finish_all();
    }
    void finish_all() noexcept {
        call_.reset();
        std::exception_ptr error;
        {
            std::lock_guard hold(mutex_);  // a cancel may come too late, just now
            error = std::move(error_);
        }
        if (error) {
            this->fail_set(std::move(error));
        } else {
            this->result_.capture([&] { return results_.take(); });
            this->finish();
        }
    }

    std::optional<call_parts> call_;
    const std::size_t chunk_size_;
    const std::size_t size_;
    // The first index that nobody has claimed; size_ once there is none or the rest is cancelled.
    // Moved by claimers and by record().
    std::atomic<std::size_t> next_{0};
    // How many calls have not ended. Taken off by whoever ends calls.
    std::atomic<std::size_t> left_;
    // Calls from this index on are not wanted any more: those behind a failed one, or all. Written
    // under mutex_ with the reason, so that whoever leaves a call out because of it finds the
    // reason in finish_all(); read without it, as a hint.
    std::atomic<std::size_t> wanted_{SIZE_MAX};
    // Whether a thread would have made more calls than there were to begin: a hint to those that
    // have some left. Set by the one, cleared by the other.
    std::atomic<bool> starved_{false};
    // How many calls returned_ holds; written under mutex_, read as a hint.
    std::atomic<std::size_t> returned_count_{0};
    std::mutex mutex_;  // guards the next four
    std::exception_ptr error_;
    // The lowest index that failed, size_ for a cancel, SIZE_MAX for none.
    std::size_t failed_at_ = SIZE_MAX;
    bool abandoned_ = false;  // calls that come back are ended
    std::vector<call_range> returned_;
    result_slots<R> results_;
    [[no_unique_address]] stop_switch<element_takes_stop<F, typename traits::argument>> stop_;
};

}  // namespace tandem::detail
