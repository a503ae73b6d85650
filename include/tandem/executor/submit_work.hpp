// SPDX-License-Identifier: BSL-1.0
// tandem/executor/submit_work.hpp: the call of `submit`, fused with its future's state.        level 2
#pragma once

#include <tandem/core/invoke.hpp>
#include <tandem/executor/work.hpp>
#include <tandem/ipc/shippable.hpp>

#if TANDEM_LINUX
#include <tandem/ipc/passed_descriptors.hpp>
#include <tandem/ipc/thunk.hpp>
#endif

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <stop_token>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace tandem::detail {

// A stop_source, for calls that take a stop_token; nothing for the others.
template <bool Needed>
class stop_switch {
   public:
    std::stop_token token() const noexcept { return source_.get_token(); }
    void request_stop() noexcept { source_.request_stop(); }

   private:
    std::stop_source source_;
};
template <>
class stop_switch<false> {
   public:
    std::stop_token token() const noexcept { return {}; }
    void request_stop() noexcept {}
};

// One allocation holds the callable, its arguments, the result and the word that waiters sleep on.
// The arguments are gone before the future is ready.
template <class R, class F, class... Args>
class local_submit final : public state<R>, public work {
   public:
    using state<R>::add_ref;
    using state<R>::drop_ref;

    template <class G, class... Given>
    explicit local_submit(ref<executor_core> core, G&& f, Given&&... args)
        : state<R>(std::move(core)),
          work(static_cast<future_state&>(*this)),
          call_(std::in_place, std::forward<G>(f),
                std::tuple<Args...>(std::forward<Given>(args)...)) {}

    // By who waits for it: threads that take it out of a queue use execute().
    call_range claim(std::size_t) noexcept override {
        if (!state<R>::claim()) return {};
        core().call_left();
        return {0, 1};
    }
    std::size_t unclaimed() const noexcept override { return this->begun() ? 0 : 1; }

    job::tally run(call_range) noexcept override {
        this->result_.capture([&]() -> R {
            return apply_task(stop_.token(), std::move(call_->first), std::move(call_->second));
        });
        call_.reset();
        const std::size_t thrown = this->result_.has_value() ? 0 : 1;
        this->finish();
        return {1, thrown};
    }

    std::size_t abandon(std::exception_ptr why) noexcept override {
        if (!this->begin_cancel()) {
            stop_.request_stop();
            return 0;
        }
        core().call_left();
        call_.reset();
        this->fail_set(std::move(why));
        return 1;
    }
    bool cancel() noexcept override {
        return abandon(cancelled_pointer()) == 1 || this->was_cancelled();
    }
    void help() noexcept override { core().help(*this); }

    job::tally execute(running_calls& here) noexcept override {
        const auto make = [this] { return state<R>::claim() ? run({0, 1}) : job::tally(); };
        job::tally calls;
        if constexpr (takes_stop_token<F, Args...>) {
            calls = make_listed(here, *this, make);
        } else {
            calls = make();  // nobody will ask it to stop
        }
        drop_ref();
        return calls;
    }

   private:
    executor_core& core() const noexcept { return static_cast<executor_core&>(*this->context()); }

    std::optional<std::pair<F, std::tuple<Args...>>> call_;
    [[no_unique_address]] stop_switch<takes_stop_token<F, Args...>> stop_;
};

#if TANDEM_LINUX

// The same for an executor that ships: the call is bytes from the start, so that what cannot be
// encoded is known where it was submitted.
template <class R, class F, class... Args>
class shipped_submit final : public state<R>, public work {
   public:
    using state<R>::add_ref;
    using state<R>::drop_ref;

    explicit shipped_submit(ref<executor_core> core, const F& f, const Args&... args)
        : state<R>(core), work(static_cast<future_state&>(*this)), core_(*core) {
        detail::encode_call<submitted_call<F, Args...>>(call_, f);
        const descriptor_scope here(outgoing_descriptors(), &descriptors_);
        (tandem::encode(arguments_, args), ...);
    }

    call_range claim(std::size_t) noexcept override {
        return {0, state<R>::claim() ? std::size_t{1} : std::size_t{0}};
    }
    std::size_t unclaimed() const noexcept override { return this->begun() ? 0 : 1; }
    // Never called: the core ships.
    job::tally run(call_range) noexcept override { return {}; }

    std::size_t abandon(std::exception_ptr why) noexcept override {
        if (!this->begin_cancel()) return 0;
        descriptors_.clear();
        this->fail_set(std::move(why));
        return 1;
    }
    bool cancel() noexcept override {
        const auto& why = cancelled_pointer();
        cancel_asked_.fetch_add(1, std::memory_order_acq_rel);
        while (abandon(why) == 0) {
            core_.stop(*this, why, /*kill_running=*/true);
            if (this->begun()) break;  // else it came back, unbegun, in between
        }
        return this->was_cancelled();
    }

    void encode_call(writer& out) const override {
        const auto bytes = call_.bytes();
        out.write(bytes.data(), bytes.size());
    }
    void encode_arguments(std::size_t, writer& out) override {
        const auto bytes = arguments_.bytes();
        out.write(bytes.data(), bytes.size());
        if (!descriptors_.empty()) pass_on(descriptors_);
    }
    bool deliver(std::size_t, reader& in) noexcept override {
        descriptors_.clear();
        this->result_.capture([&]() -> R { return decode_result<R>(in); });
        const bool ok = this->result_.has_value();
        this->finish();
        return ok;
    }
    void fail(std::size_t, std::exception_ptr why) noexcept override {
        descriptors_.clear();
        this->fail_set(std::move(why));
    }
    void give_back(call_range) noexcept override {
        this->unclaim();
        // A cancel that looked while the call was on its way back found nothing to take it from.
        if (cancel_asked_.fetch_add(0, std::memory_order_acq_rel) != 0) {
            abandon(cancelled_pointer());
        }
    }

   private:
    executor_core& core_;  // kept by the state's context
    writer call_;
    writer arguments_;                    // kept to the end: the call may be given back
    std::vector<unique_fd> descriptors_;  // that go with the arguments; closed when the call ends
    // How often cancel() was called; counted before it looks where the call is. Both sides modify
    // it: the later of cancel() and give_back() sees what the other did before (acq_rel).
    std::atomic<std::uint32_t> cancel_asked_{0};
};

#endif

}  // namespace tandem::detail
