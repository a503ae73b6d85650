// SPDX-License-Identifier: BSL-1.0
// tandem/executor/algorithms.hpp: submit, apply, map and their kin, once for every executor.        level 2
#pragma once

#include <tandem/core/deadline.hpp>
#include <tandem/executor/imap.hpp>
#include <tandem/executor/imap_work.hpp>
#include <tandem/executor/map_work.hpp>
#include <tandem/executor/submit_work.hpp>
#include <tandem/executor/work.hpp>
#include <tandem/future/future.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace tandem {

/// How a map goes about its calls.
struct map_options {
    /// How many calls go together; 0: as many as their measured time suggests.
    int chunk_size = 0;
    /// imap: how many elements may be read ahead of the results taken; 0: a few a worker.
    int window = 0;
    /// The limit for the whole call.
    std::chrono::nanoseconds timeout = forever;
};

namespace detail {

inline std::size_t checked_count(int count, const char* name) {
    if (count < 0) throw std::invalid_argument(std::string(name) + " must not be negative");
    return static_cast<std::size_t>(count);
}

// The range that a lazy or asynchronous call keeps: a copy of an lvalue container, a view as it is.
template <class Range>
using owned_range_t = std::remove_cvref_t<Range>;

}  // namespace detail

/// The members that every executor has. Shipping says whether calls may have to leave the process:
/// they must then be shippable.
/// Thread safety: shared use is safe; ranges belong to their thread.
template <class Derived, bool Ships>
class executor_algorithms {
   public:
    /// Calls `f(args...)` on the executor; `f(stop_token, args...)` if that is well-formed. f and
    /// the arguments are copied or moved in. Returns: its future; dropping it changes nothing.
    /// Throws: pool_closed, broken_pool; codec_error if an argument cannot be encoded.
    /// Python: Executor.submit, Pool.apply_async.
    template <class F, class... Args>
    [[nodiscard]] auto submit(F&& f, Args&&... args) {
        if constexpr (!can_submit<F, Args...>) {
            explain_submit<F, Args...>();
            return future<void>();
        } else {
            auto work = make_submit(std::forward<F>(f), std::forward<Args>(args)...);
            auto result = detail::future_access::make(std::move(work.state));
            core().start(std::move(work.calls), 1, detail::admission::submitted);
            return result;
        }
    }

    /// Calls `f(args...)` on the executor and waits for it. Returns, throws: as the call does.
    /// Python: Pool.apply.
    template <class F, class... Args>
    decltype(auto) apply(F&& f, Args&&... args) {
        return submit(std::forward<F>(f), std::forward<Args>(args)...).get();
    }

    /// Calls `f(element)` for each element. Returns: the results in input order; nothing if f
    /// returns void. Throws: the first exception in input order, after the calls that run have
    /// ended and the rest was cancelled; timeout_error. Blocks: until then; the calling thread may
    /// take part. Python: Pool.map.
    template <class F, std::ranges::input_range Range>
    auto map(F f, Range&& range, map_options options = {}) {
        return run_map<false, false>(std::move(f), std::forward<Range>(range), options);
    }
    /// The same with `f(a, b, ...)` for elements that are tuples. Python: Pool.starmap.
    template <class F, std::ranges::input_range Range>
    auto starmap(F f, Range&& range, map_options options = {}) {
        return run_map<true, false>(std::move(f), std::forward<Range>(range), options);
    }
    /// The same as map, without results. In threads f gets the range's own references.
    template <class F, std::ranges::input_range Range>
    void for_each(F f, Range&& range, map_options options = {}) {
        run_map<false, true>(std::move(f), std::forward<Range>(range), options);
    }

    /// The future of map's results; owns f and the elements. Python: Pool.map_async.
    template <class F, std::ranges::input_range Range>
    [[nodiscard]] auto map_async(F f, Range&& range, map_options options = {}) {
        return start_map<false>(std::move(f), std::forward<Range>(range), options);
    }
    /// The same with `f(a, b, ...)` for elements that are tuples. Python: Pool.starmap_async.
    template <class F, std::ranges::input_range Range>
    [[nodiscard]] auto starmap_async(F f, Range&& range, map_options options = {}) {
        return start_map<true>(std::move(f), std::forward<Range>(range), options);
    }

    /// The results of `f(element)` one by one, in input order, as they come. The input is read only
    /// on the thread that advances the result, at most `window` elements ahead. An lvalue range is
    /// borrowed. Python: Pool.imap.
    template <class F, std::ranges::input_range Range>
    [[nodiscard]] auto imap(F f, Range&& range, map_options options = {}) {
        return start_imap<F, Range>(std::move(f), std::forward<Range>(range), options, true);
    }
    /// The same in the order of completion. Python: Pool.imap_unordered.
    template <class F, std::ranges::input_range Range>
    [[nodiscard]] auto imap_unordered(F f, Range&& range, map_options options = {}) {
        return start_imap<F, Range>(std::move(f), std::forward<Range>(range), options, false);
    }

    /// Takes no more work from outside; what was submitted runs to its end, and tasks of the pool
    /// may still submit. A submit from outside throws pool_closed.
    void close() { core().close(); }
    /// Waits until all work is done and the workers are gone. Requires: close() or terminate()
    /// before, else invalid_state.
    void join() { core().join(); }
    /// Cancels what waits, asks what runs in threads to stop, kills what runs in processes; takes
    /// no more work.
    void terminate() { core().terminate(); }
    /// How many calls can run at once.
    int size() const noexcept { return core().size(); }
    /// What the pool has done and is doing.
    pool_stats stats() const { return core().stats(); }

    /// Writes "thread_pool state=running size=4".
    template <class Stream>
    friend Stream& operator<<(Stream& out, const Derived& executor) {
        const auto& core = detail::executor_access::core(executor);
        out << core.kind() << " state=" << core.state_name() << " size=" << core.size();
        return out;
    }

   private:
    template <class State>
    struct started {
        detail::ref<State> state;
        detail::ref<detail::work> calls;
    };

    detail::executor_core& core() const noexcept {
        return detail::executor_access::core(static_cast<const Derived&>(*this));
    }
    detail::ref<detail::executor_core> core_ref() const noexcept {
        if constexpr (Ships) {
            return detail::ref<detail::executor_core>::share(&core());
        } else {
            return detail::context_ref::take(core());
        }
    }

    template <class F, class... Args>
    auto make_submit(F&& f, Args&&... args) {
        if constexpr (Ships) {
            return make_shipped(std::forward<F>(f), std::forward<Args>(args)...);
        } else {
            using G = std::decay_t<F>;
            using R = typename detail::task_result<G, std::decay_t<Args>...>::type;
            using task = detail::local_submit<R, G, std::decay_t<Args>...>;
            auto made =
                detail::make_ref<task>(core_ref(), std::forward<F>(f), std::forward<Args>(args)...);
            return started<detail::state<R>>{made, std::move(made)};
        }
    }

    template <class F, class... Args>
    auto make_shipped(F&& f, Args&&... args) {
        using G = std::decay_t<F>;
        using R = std::remove_cvref_t<detail::shipped_result_t<G&, detail::shipped_t<Args>...>>;
        if (core().ships()) {
#if TANDEM_LINUX
            using task = detail::shipped_submit<R, G, detail::shipped_t<Args>...>;
            auto made = detail::make_ref<task>(core_ref(), f, args...);
            return started<detail::state<R>>{made, made};
#endif
        }
        using task = detail::local_submit<R, G, detail::shipped_t<Args>...>;
        auto made =
            detail::make_ref<task>(core_ref(), std::forward<F>(f), std::forward<Args>(args)...);
        return started<detail::state<R>>{made, made};
    }

    template <class F, class Range, bool Star, bool Discard>
    using map_work_t = detail::map_work<F, Range, Star, Ships, Discard>;

    // What does not compile is explained by one static_assert each, and nothing more is
    // instantiated: the reason is the first thing that the compiler says.
    template <class F, class... Args>
    static constexpr bool can_submit = [] {
        using G = std::decay_t<F>;
        if constexpr (Ships) {
            return detail::callable_elsewhere<G, detail::shipped_t<Args>...>;
        } else {
            return detail::task_invocable<G, std::decay_t<Args>...>;
        }
    }();
    template <class F, class... Args>
    static constexpr void explain_submit() {
        if constexpr (Ships) {
            detail::require_call<std::decay_t<F>, detail::shipped_t<Args>...>();
        } else {
            static_assert(can_submit<F, Args...>,
                          "tandem: the callable cannot be called with these arguments");
        }
    }

    // The same for a map: f gets const elements, or the parts of a const tuple, if it ships.
    template <class F, class Value, bool Star>
    struct element_there {
        static constexpr bool possible = detail::callable_elsewhere<F, const Value&>;
        static constexpr void explain() { detail::require_call<F, const Value&>(); }
    };
    template <class F, class... T>
    struct element_there<F, std::tuple<T...>, true> {
        static constexpr bool possible = detail::callable_elsewhere<F, const T&...>;
        static constexpr void explain() { detail::require_call<F, const T&...>(); }
    };
    template <class F, class Input, bool Star>
    static constexpr auto check_element() {
        using value = typename Input::value_type;
        if constexpr (!Ships) {
            return std::type_identity<void>();
        } else if constexpr (Star) {
            return std::type_identity<element_there<F, detail::tuple_of_t<value>, true>>();
        } else {
            return std::type_identity<element_there<F, value, false>>();
        }
    }
    template <class F, class Input, bool Star>
    static constexpr bool can_map = [] {
        if constexpr (Ships) {
            return decltype(check_element<F, Input, Star>())::type::possible;
        } else {
            return detail::element_invocable<F, typename Input::reference, Star>;
        }
    }();
    template <class F, class Input, bool Star>
    static constexpr void explain_map() {
        if constexpr (Ships) {
            decltype(check_element<F, Input, Star>())::type::explain();
        } else {
            static_assert(can_map<F, Input, Star>,
                          "tandem: the callable cannot be called with the elements of this range");
        }
    }

    template <bool Star, bool Discard, class F, class Range>
    auto run_map(F f, Range&& range, map_options options) {
        using borrowed = Range&&;  // the caller waits: even an rvalue stays where it is
        if constexpr (!can_map<F, detail::input<borrowed>, Star>) {
            explain_map<F, detail::input<borrowed>, Star>();
        } else {
            using work_type = map_work_t<F, borrowed, Star, Discard>;
            const deadline until = options.timeout;
            const auto chunk = detail::checked_count(options.chunk_size, "chunk_size");
            core().require_open();
            auto calls = detail::make_ref<work_type>(core_ref(), std::move(f),
                                                     std::forward<Range>(range), chunk);
            detail::run_to_end(core(), *calls, until);
            return calls->take();
        }
    }

    template <bool Star, class F, class Range>
    auto start_map(F f, Range&& range, map_options options) {
        using owned = detail::owned_range_t<Range>;
        if constexpr (!can_map<F, detail::input<owned>, Star>) {
            explain_map<F, detail::input<owned>, Star>();
            return future<void>();
        } else {
            using work_type = map_work_t<F, owned, Star, false>;
            const auto chunk = detail::checked_count(options.chunk_size, "chunk_size");
            if (options.timeout != forever) {
                throw std::invalid_argument("map_async has no timeout: wait with get_for instead");
            }
            core().require_open();
            auto calls = detail::make_ref<work_type>(core_ref(), std::move(f),
                                                     owned(std::forward<Range>(range)), chunk);
            if (calls->size() == 0) {
                calls->finish_if_empty();
            } else {
                core().start(calls, calls->size());
            }
            return detail::future_access::make(std::move(calls));
        }
    }

    template <class F, class Range>
    auto start_imap(F f, Range&& range, map_options options, bool ordered) {
        using kept = Range;  // T& borrows, T owns
        using input = detail::lazy_input<kept>;
        if constexpr (!can_map<F, input, false>) {
            explain_map<F, input, false>();
            return imap_range<void>(nullptr);
        } else {
            using work_type = detail::imap_work<F, kept, Ships>;
            using R =
                typename detail::element_traits<F, typename input::reference,
                                                typename input::value_type, false, Ships>::result;
            const auto chunk = detail::checked_count(options.chunk_size, "chunk_size");
            const auto window = detail::checked_count(options.window, "window");
            core().require_open();
            auto calls =
                detail::make_ref<work_type>(core_ref(), std::move(f), std::forward<Range>(range),
                                            chunk, window, ordered, deadline(options.timeout));
            return imap_range<R>(std::make_shared<detail::imap_handle<R>>(
                detail::ref<detail::imap_source<R>>(std::move(calls))));
        }
    }
};

}  // namespace tandem
