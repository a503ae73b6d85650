// SPDX-License-Identifier: BSL-1.0
// tandem/executor/imap_work.hpp: the window of a lazy map: what was read and whose results were not taken.        level 2
#pragma once

#include <tandem/core/deadline.hpp>
#include <tandem/executor/element.hpp>
#include <tandem/executor/imap.hpp>
#include <tandem/executor/input.hpp>
#include <tandem/executor/submit_work.hpp>
#include <tandem/executor/work.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tandem::detail {

// The window of a lazy map: elements that were read and whose results were not taken. Only the
// consumer's thread reads input and takes results; executors claim and end calls in between.
template <class F, class Range, bool Ships>
class imap_work final
    : public state<void>,
      public work,
      public imap_source<
          typename element_traits<F, typename lazy_input<Range>::reference,
                                  typename lazy_input<Range>::value_type, false, Ships>::result> {
    using input_type = lazy_input<Range>;
    using value_type = typename input_type::value_type;
    using traits = element_traits<F, typename input_type::reference, value_type, false, Ships>;
    using R = typename traits::result;
    using item = typename imap_source<R>::item;

    struct slot {
        typename input_type::held element{};
        std::vector<std::byte> bytes;  // the encoded element, if the call ships
        outcome<R> result;
        bool done = false;
    };

   public:
    imap_work(ref<executor_core> core, F f, Range&& range, std::size_t chunk_size,
              std::size_t window, bool ordered, deadline until)
        : state<void>(core),
          work(static_cast<future_state&>(*this)),
          core_(*core),
          f_(std::move(f)),
          input_(std::forward<Range>(range)),
          chunk_size_(chunk_size),
          window_(window),
          ordered_(ordered),
          until_(until) {}

    void add_ref() const noexcept { state<void>::add_ref(); }
    void drop_ref() const noexcept { state<void>::drop_ref(); }

    // The consumer's side.

    void fill() override {
        const auto most = window();
        // An automatic window is topped up by halves, so that many elements go in one step.
        if (window_ == 0 && waiting_ > most / 2) return;
        std::size_t added = 0;
        while (!exhausted_ && waiting_ < most) {
            // What came before an exception, of the input or for want of memory, is handed out.
            try {
                slot next;
                if (!read(next)) break;
                std::lock_guard hold(mutex_);
                slots_.emplace(end_, std::move(next));
                ++end_;
            } catch (...) {
                input_error_ = std::current_exception();
                exhausted_ = true;
                break;
            }
            ++waiting_;
            ++added;
        }
        if (added) hand_out(added);
    }

    std::optional<item> next(deadline until) override {
        fill();
        if (waiting_ == 0) {
            if (input_error_) std::rethrow_exception(std::exchange(input_error_, nullptr));
            return std::nullopt;
        }
        // In a worker, as map does: makes the calls itself, as far as the time for all allows.
        if (until.is_never() && core_.on_own_thread()) core_.take_part(*this, until_);
        until = std::min(until, until_);
        if (!changed_.wait_until([&] { return has_result(); }, until)) {
            if (until_.expired()) abandon_rest();
            throw timeout_error("the next result did not come in time");
        }
        return take();
    }

    void abandon_rest() noexcept override {
        const auto self = ref<future_state>::share(this);
        exhausted_ = true;
        static const auto why =
            std::make_exception_ptr(cancelled_error("the results are no longer wanted"));
        abandon(why);
        core_.stop(*this, why, /*kill_running=*/false);
        // Threads may still use borrowed elements; another process has its own copies.
        if (!core_.ships()) changed_.wait_until([&] { return claimed() == 0; });
    }

    // The executor's side.

    call_range claim(std::size_t most) noexcept override {
        std::lock_guard hold(mutex_);
        if (!returned_.empty()) {
            auto& last = returned_.back();
            const call_range again{last.first, std::min(most, last.count)};
            last.first += again.count;
            last.count -= again.count;
            if (last.count == 0) returned_.pop_back();
            claimed_ += again.count;
            return again;
        }
        const call_range fresh{next_, std::min(most, end_ - next_)};
        next_ += fresh.count;
        claimed_ += fresh.count;
        return fresh;
    }
    std::size_t unclaimed() const noexcept override {
        std::lock_guard hold(mutex_);
        std::size_t count = end_ - next_;
        for (const auto& calls : returned_) count += calls.count;
        return count;
    }
    std::size_t chunk_size() const noexcept override { return chunk_size_; }

    job::tally run(call_range calls) noexcept override {
        std::size_t thrown = 0;
        const auto begin = std::chrono::steady_clock::now();
        for (std::size_t i = calls.first; i < calls.first + calls.count; ++i) {
            // Of calls that were claimed together some may not be wanted any more.
            if (auto why = i == calls.first ? nullptr : abandoned()) {
                fail(i, std::move(why));
                ++thrown;
                continue;
            }
            slot& place = at(i);
            place.result.capture([&]() -> decltype(auto) {
                return traits::call(stop_.token(), f_, input_type::get(place.element));
            });
            place.element = {};
            thrown += place.result.has_value() ? 0U : 1U;
            end_call(i);
        }
        const std::chrono::nanoseconds time = std::chrono::steady_clock::now() - begin;
        add_time(calls.count, static_cast<std::uint64_t>(time.count()));
        return {calls.count, thrown};
    }
    std::size_t abandon(std::exception_ptr why) noexcept override {
        stop_.request_stop();
        std::vector<call_range> returned;
        call_range fresh;
        {
            std::lock_guard hold(mutex_);
            abandoned_ = why;
            returned = std::exchange(returned_, {});
            fresh = {next_, end_ - next_};
            next_ = end_;
            claimed_ += fresh.count;
            for (const auto& calls : returned) claimed_ += calls.count;
        }
        std::size_t ended = 0;
        const auto end = [&](const call_range& calls) {
            for (std::size_t i = 0; i < calls.count; ++i) fail(calls.first + i, why);
            ended += calls.count;
        };
        std::ranges::for_each(returned, end);
        end(fresh);
        return ended;
    }
    void encode_call([[maybe_unused]] writer& out) const override {
#if TANDEM_LINUX
        if constexpr (Ships) {
            detail::encode_call<element_call<F, value_type, false, std::is_void_v<R>>>(out, f_);
        }
#endif
    }
    void encode_arguments(std::size_t index, writer& out) override {
        const slot& place = at(index);
        if (auto error = place.result.error()) std::rethrow_exception(std::move(error));
        out.write(place.bytes.data(), place.bytes.size());
    }
    bool deliver([[maybe_unused]] std::size_t index,
                 [[maybe_unused]] reader& in) noexcept override {
        slot& place = at(index);
        if constexpr (Ships) {
            place.result.capture([&]() -> R { return decode_result<R>(in); });
        }
        const bool ok = place.result.has_value();
        end_call(index);
        return ok;
    }
    void fail(std::size_t index, std::exception_ptr why) noexcept override {
        at(index).result.fail(std::move(why));
        end_call(index);
    }
    void give_back(call_range calls) noexcept override {
        std::exception_ptr why;
        {
            std::lock_guard hold(mutex_);
            why = abandoned_;
            if (!why) {
                claimed_ -= calls.count;
                returned_.push_back(calls);
            }
        }
        for (std::size_t i = 0; why && i < calls.count; ++i) fail(calls.first + i, why);
    }
    void help() noexcept override { core_.help(*this); }

   private:
    future_state& owner() const noexcept override { return work::owner(); }

    // A pool that takes no more makes the elements that were just read fail, and is the end.
    void hand_out(std::size_t added) {
        try {
            core_.start(ref<work>::share(this), added, admission::continued);
        } catch (...) {
            exhausted_ = true;
            abandon(std::current_exception());
        }
    }

    // Reads one element, and encodes it where the consumer is: executors never touch the input.
    bool read(slot& next) {
        if (!input_.next(next.element)) {
            exhausted_ = true;
            return false;
        }
        if constexpr (Ships) {
            if (core_.ships()) {
                writer out;
                try {
                    const value_type& element = input_type::get(next.element);
                    tandem::encode(out, element);
                } catch (...) {
                    next.result.fail(std::current_exception());
                }
                const auto bytes = out.bytes();
                next.bytes.assign(bytes.begin(), bytes.end());
                next.element = {};
            }
        }
        return true;
    }

    // How many elements may be on their way. Automatic: enough for some milliseconds of every
    // worker, as far as measured; few before that, so that the input is not read ahead in vain.
    std::size_t window() const noexcept {
        if (window_ != 0) return window_;
        const auto workers = static_cast<std::size_t>(core_.size());
        const auto least = std::max(core_.least_window(), chunk_size_ * 2 * workers);
        const auto each = mean_ns();
        const auto wanted = each ? std::min(10'000'000 * workers / each, 8 * timed_calls()) : 0;
        return std::clamp<std::size_t>(wanted, least, std::max<std::size_t>(least, 16'384));
    }

    slot& at(std::size_t index) noexcept {
        std::lock_guard hold(mutex_);
        return slots_.find(index)->second;  // a node stays where it is
    }
    std::size_t claimed() const noexcept {
        std::lock_guard hold(mutex_);
        return claimed_;
    }
    std::exception_ptr abandoned() const noexcept {
        std::lock_guard hold(mutex_);
        return abandoned_;
    }
    bool has_result() const noexcept {
        std::lock_guard hold(mutex_);
        if (!ordered_) return !finished_.empty();
        return slots_.find(front_)->second.done;
    }
    void end_call(std::size_t index) noexcept {
        bool notify;
        {
            std::lock_guard hold(mutex_);
            slots_.find(index)->second.done = true;
            --claimed_;
            notify = !ordered_ || index == front_ || claimed_ == 0;
            if (!ordered_) finished_.push_back(index);
        }
        if (notify) changed_.notify_all();
    }
    item take() {
        std::unique_lock hold(mutex_);
        std::size_t index = front_;
        if (ordered_) {
            ++front_;
        } else {
            index = finished_.front();
            finished_.pop_front();
        }
        auto node = slots_.extract(index);
        hold.unlock();  // what follows moves and destroys the user's types
        --waiting_;
        return {index, std::move(node.mapped().result)};
    }

    executor_core& core_;  // kept by the state's context
    F f_;
    input_type input_;         // the consumer's thread only, as the next five
    std::size_t waiting_ = 0;  // elements read whose results were not taken
    bool exhausted_ = false;
    std::exception_ptr input_error_;
    const std::size_t chunk_size_;
    const std::size_t window_;
    const bool ordered_;
    const deadline until_;

    mutable std::mutex mutex_;  // guards the rest, but for the contents of claimed slots
    std::unordered_map<std::size_t, slot> slots_;
    std::deque<std::size_t> finished_;  // in the order of completion, if that is asked for
    std::vector<call_range> returned_;
    std::size_t front_ = 0;    // the next index to take, in order
    std::size_t next_ = 0;     // the first that nobody has claimed
    std::size_t end_ = 0;      // one past the last that was read
    std::size_t claimed_ = 0;  // claimed and not ended
    std::exception_ptr abandoned_;
    wait_point changed_;
    [[no_unique_address]] stop_switch<element_takes_stop<F, typename traits::argument>> stop_;
};

}  // namespace tandem::detail
