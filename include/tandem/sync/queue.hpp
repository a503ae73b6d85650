// SPDX-License-Identifier: BSL-1.0
// tandem/sync/queue.hpp: hands values from thread to thread, waits when full or empty, can be closed.        level 1
// Read examples/effective_python/39_queue.cpp first.
#pragma once

#include <tandem/core/config.hpp>
#include <tandem/core/deadline.hpp>
#include <tandem/core/error.hpp>
#include <tandem/core/expected.hpp>
#include <tandem/sync/queue_core.hpp>
#include <tandem/sync/queue_iterator.hpp>
#include <tandem/sync/queue_order.hpp>
#include <tandem/sync/queue_producer.hpp>
#include <tandem/sync/queue_store.hpp>
#include <tandem/sync/wait_any.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <exception>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <stop_token>
#include <type_traits>
#include <utility>

namespace tandem {

namespace detail {

// Whether the elements of a range that is given as R&& may be moved out of it.
template <class R>
inline constexpr bool owns_elements =
    !std::is_lvalue_reference_v<R> && !std::ranges::borrowed_range<R> &&
    !std::ranges::view<std::remove_cvref_t<R>> &&
    std::is_lvalue_reference_v<std::ranges::range_reference_t<R>>;
template <class R>
using given_element_t =
    std::conditional_t<owns_elements<R>,
                       std::remove_reference_t<std::ranges::range_reference_t<R>>&&,
                       std::ranges::range_reference_t<R>>;

}  // namespace detail

/// Hands values from producers to consumers. A producer waits while the queue is full, a consumer
/// while it is empty; close() ends both, after what was pushed has been popped. The words are
/// P0260R20's; task_done and join are those of Python's queue.Queue, which it stands for.
///
/// Order is fifo, lifo or priority<Compare>. A bounded queue allocates in its constructor only; an
/// unbounded one grows, and keeps some memory, up to what its fullest moment needed.
/// Items are made and moved while no lock is held, but for those whose moves are known to be
/// short and harmless (trivially copyable ones up to 128 bytes, strings, vectors, smart pointers).
/// If making an item throws, nothing was pushed; if moving it out throws, that item is lost.
///
/// Thread safety: every member may be called concurrently; construction and destruction may not.
/// A thread that learned from the queue itself that nothing more comes may destroy it at once, even
/// if the push or close that told it has not returned.
/// Lifetime: must outlive its iterators and producer handles.
/// Ordering: what a thread did before it pushed an item comes before what is done after popping it.
template <class T, class Order = fifo, class Allocator = std::allocator<T>>
class queue {
    static_assert(std::is_object_v<T> && std::same_as<T, std::remove_cv_t<T>> &&
                      std::is_move_constructible_v<T>,
                  "tandem: a queue holds movable objects; send references as pointers");

   public:
    using value_type = T;
    using allocator_type = Allocator;
    using iterator = detail::queue_iterator<queue>;
    using producer_handle = queue_producer<queue>;

    /// Holds up to `capacity` items. Throws: std::invalid_argument if that is 0.
    explicit queue(std::size_t capacity = unbounded, const Allocator& allocator = {})
        : store_(capacity, allocator) {}
    queue(const queue&) = delete;
    queue& operator=(const queue&) = delete;
    ~queue() = default;

    /// Adds an item. Returns: false if the queue is closed; the argument is untouched then.
    /// Blocks: while full. Throws: what making the item throws. Python: put.
    bool push(const T& item) { return wait_and_put(item); }
    bool push(T&& item) { return wait_and_put(std::move(item)); }
    /// The same with an item made from `args`.
    template <class... Args>
        requires std::constructible_from<T, Args...>
    bool emplace(Args&&... args) {
        return wait_and_put(std::forward<Args>(args)...);
    }
    /// The same, but gives up when a stop is requested, and then returns false as well.
    bool push(T&& item, std::stop_token stop) {
        if (stop.stop_requested()) return false;
        const auto status = try_push(std::move(item));
        if (status != conqueue_status::full) return status == conqueue_status::success;
        const std::stop_callback look(stop, [this]() noexcept { store_.interrupt(); });
        return put(deadline::never(), &stop, std::move(item)) == conqueue_status::success;
    }

    /// Adds an item if that needs no waiting. Returns: success, full or closed; the argument is
    /// untouched unless it is success. Python: put_nowait.
    conqueue_status try_push(const T& item) { return put(no_wait(), nullptr, item); }
    conqueue_status try_push(T&& item) { return put(no_wait(), nullptr, std::move(item)); }
    template <class... Args>
        requires std::constructible_from<T, Args...>
    conqueue_status try_emplace(Args&&... args) {
        return put(no_wait(), nullptr, std::forward<Args>(args)...);
    }
    /// The same, but waits while the queue is full until the time is over; full then says so.
    template <class Rep, class Period>
    conqueue_status try_push_for(T&& item, std::chrono::duration<Rep, Period> timeout) {
        return put(deadline(timeout), nullptr, std::move(item));
    }
    template <class Rep, class Period>
    conqueue_status try_push_for(const T& item, std::chrono::duration<Rep, Period> timeout) {
        return put(deadline(timeout), nullptr, item);
    }
    template <class Clock, class Duration>
    conqueue_status try_push_until(T&& item, std::chrono::time_point<Clock, Duration> moment) {
        return put(deadline(moment), nullptr, std::move(item));
    }
    template <class Clock, class Duration>
    conqueue_status try_push_until(const T& item, std::chrono::time_point<Clock, Duration> moment) {
        return put(deadline(moment), nullptr, item);
    }

    /// Adds the elements of a range in order, under one lock as many as there is room for if it is
    /// a vector, an array or a span of items that move quietly. Moves them out of an rvalue that is
    /// no view. Returns: how many went in: fewer than all only when the queue is closed; the others
    /// are untouched (one is lost if a single-pass range makes its elements as it goes).
    /// Blocks: while full. Throws: as push; the elements before that one are in.
    template <std::ranges::input_range R>
        requires std::constructible_from<T, detail::given_element_t<R>>
    std::size_t push_range(R&& items);

    /// Takes the next item. Returns: nullopt only when the queue is closed and drained.
    /// Blocks: while empty and open, and at the end until a push that had its room has returned.
    /// Throws: what moving the item throws, which is then lost and counts as done; the reason that
    /// close(reason) gave, once drained. Python: get.
    std::optional<T> pop() {
        lock_type hold(store_);
        if (!wait_for_item(hold, deadline::never(), nullptr)) return {};
        return store_.take(hold, into_optional);
    }
    /// The same, but gives up when a stop is requested: takes nothing, and returns nullopt.
    std::optional<T> pop(std::stop_token stop) {
        if (stop.stop_requested()) return {};
        {
            lock_type hold(store_);
            if (store_.has_item()) return store_.take(hold, into_optional);
        }
        const std::stop_callback look(stop, [this]() noexcept { store_.interrupt(); });
        lock_type hold(store_);
        if (!wait_for_item(hold, deadline::never(), &stop)) return {};
        return store_.take(hold, into_optional);
    }
    /// Takes the next item if that needs no waiting, else says empty or closed. Python: get_nowait.
    expected<T, conqueue_status> try_pop() { return get(no_wait()); }
    /// The same, but waits while the queue is empty until the time is over; empty then says so.
    template <class Rep, class Period>
    expected<T, conqueue_status> try_pop_for(std::chrono::duration<Rep, Period> timeout) {
        return get(deadline(timeout));
    }
    template <class Clock, class Duration>
    expected<T, conqueue_status> try_pop_until(std::chrono::time_point<Clock, Duration> moment) {
        return get(deadline(moment));
    }

    /// Takes what is there, at least one item and at most `max`, and writes it to `to`, mostly
    /// under one lock. Returns: how many; 0 only when the queue is closed and drained.
    /// Blocks: while empty and open. Throws: std::invalid_argument if `max` is 0; as pop, and what
    /// writing throws: that item is lost, and those behind it stay in the queue.
    template <std::output_iterator<T> Output>
    std::size_t pop_some(Output to, std::size_t max) {
        if (max == 0) throw std::invalid_argument("pop_some of at most 0 items");
        lock_type hold(store_);
        if (!wait_for_item(hold, deadline::never(), nullptr)) return 0;
        return store_.take_some(hold, std::move(to), max);
    }

    /// Ends the queue for ever: pushes fail from now on, also those that wait; pops get what is
    /// left, and then the end. Any number of times. Python: shutdown().
    void close() noexcept { store_.close(); }
    /// The same, and says why: once drained, pop, pop_some and the loop throw it. The first close
    /// wins.
    void close(std::exception_ptr reason) noexcept { store_.close(std::move(reason)); }
    /// Closes and drops what is queued, which counts as done. A push that is under way still
    /// returns true, and its item is dropped too. Returns: how many were queued.
    /// Python: shutdown(immediate=True).
    std::size_t close_and_discard() noexcept { return store_.close_and_discard(); }
    /// Whether it was closed: true is final, false may be over when it is returned.
    bool is_closed() const noexcept { return store_.closed(); }

    /// How many items are queued; may be over when it is returned, as with the next two.
    std::size_t size() const noexcept { return store_.size(); }
    bool empty() const noexcept { return size() == 0; }
    bool full() const noexcept { return size() >= capacity(); }
    std::size_t capacity() const noexcept { return store_.capacity(); }

    /// Says that an item which was taken is done. A loop over the queue says so itself.
    /// Throws: invalid_state if more are done than were taken. Python: task_done.
    void task_done() {
        lock_type hold(store_);
        store_.mark_done();
    }
    /// Blocks: until every item that was pushed has been taken and is done. Python: join.
    void join() { join(deadline::never()); }
    /// The same up to a time limit. Returns: false if that came first.
    bool join(deadline until) {
        lock_type hold(store_);
        return store_.wait_until_done(until);
    }

    /// `for (T& item : q)` takes items until the queue is closed and drained, and marks each done
    /// when the loop goes on to the next, or is left. Any number of loops share a queue. The first
    /// item is taken when it is asked for, not by begin().
    iterator begin() noexcept { return iterator(*this); }
    std::default_sentinel_t end() const noexcept { return {}; }

    /// An owner of the producers' end: when the last copy of it goes, the queue closes.
    producer_handle producer() noexcept { return producer_handle(this); }

   private:
    friend iterator;
    friend detail::queue_access;

    using store = detail::queue_store<T, Order, Allocator>;
    using lock_type = store::lock_type;

    static constexpr auto into_optional = [](T&& item) {
        return std::optional<T>(std::in_place, std::move(item));
    };
    static deadline no_wait() noexcept { return deadline(deadline::clock::time_point::min()); }

    template <class... Args>
    conqueue_status put(deadline until, const std::stop_token* stop, Args&&... args) {
        lock_type hold(store_);
        if (!store_.wait_for_room(until, stop)) {
            return store_.closed() ? conqueue_status::closed : conqueue_status::full;
        }
        store_.put(hold, std::forward<Args>(args)...);
        return conqueue_status::success;
    }

    template <class... Args>
    bool wait_and_put(Args&&... args) {
        return put(deadline::never(), nullptr, std::forward<Args>(args)...) ==
               conqueue_status::success;
    }

    // Returns false at the end of the queue, or for a stop. Throws: the reason, at the end.
    bool wait_for_item(lock_type& hold, deadline until, const std::stop_token* stop) {
        if (store_.wait_for_item(until, stop)) return true;
        if (store_.has_ended()) {
            hold.unlock();
            store_.throw_reason();
        }
        return false;
    }

    expected<T, conqueue_status> get(deadline until) {
        lock_type hold(store_);
        if (!store_.wait_for_item(until)) {
            return unexpected(store_.has_ended() ? conqueue_status::closed
                                                 : conqueue_status::empty);
        }
        return store_.take(hold, [](T&& item) {
            return expected<T, conqueue_status>(std::in_place, std::move(item));
        });
    }

    void pop_into(std::optional<T>& item) {
        lock_type hold(store_);
        if (!wait_for_item(hold, deadline::never(), nullptr)) return;
        store_.take(hold, [&](T&& taken) { item.emplace(std::move(taken)); });
    }

    store store_;
};

template <class T, class Order, class Allocator>
template <std::ranges::input_range R>
    requires std::constructible_from<T, detail::given_element_t<R>>
std::size_t queue<T, Order, Allocator>::push_range(R&& items) {
    using given = detail::given_element_t<R>;
    std::size_t count = 0;
    if constexpr (std::ranges::contiguous_range<R> && std::ranges::sized_range<R> &&
                  store::template direct<given>) {
        auto* next = std::ranges::data(items);
        const auto all = static_cast<std::size_t>(std::ranges::size(items));
        while (count != all) {
            lock_type hold(store_);
            if (!store_.wait_for_room(deadline::never())) break;
            count += store_.template put_some<given>(next, all - count);
        }
    } else {
        for (auto&& item : items) {
            if (!emplace(static_cast<given&&>(item))) break;
            ++count;
        }
    }
    return count;
}

/// Waits until one of the queues has an item, or is closed and drained. Returns: its place among
/// the arguments, the first if there are several; nullopt if the time was over before. It takes
/// nothing: with try_pop, which may find that another consumer was faster, this is a select.
/// Blocks: until then.
template <class... T, class... Order, class... Allocator>
    requires(sizeof...(T) != 0)
std::optional<std::size_t> wait_any(deadline until, queue<T, Order, Allocator>&... queues) {
    return detail::wait_any_of<sizeof...(T)>(until, {&detail::queue_access::core(queues)...});
}

}  // namespace tandem

// size() is how many wait now; how many a loop will see is known when the queue has ended.
template <class T, class Order, class Allocator>
inline constexpr bool std::ranges::disable_sized_range<tandem::queue<T, Order, Allocator>> = true;
