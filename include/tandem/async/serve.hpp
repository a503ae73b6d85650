// SPDX-License-Identifier: BSL-1.0
// tandem/async/serve.hpp: runs a task for each connection.        level 3
#pragma once

#include <tandem/async/listener.hpp>
#include <tandem/async/loop_core.hpp>
#include <tandem/async/offload.hpp>
#include <tandem/async/sleep.hpp>
#include <tandem/async/stream.hpp>
#include <tandem/async/task_group.hpp>
#include <tandem/async/timeout.hpp>
#include <tandem/core/error.hpp>
#include <tandem/coroutine/async_semaphore.hpp>
#include <tandem/coroutine/shield.hpp>
#include <tandem/coroutine/task.hpp>

#include <cerrno>
#include <chrono>
#include <exception>
#include <functional>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace tandem {

/// What can be chosen about a server.
/// Thread safety: a value.
struct serve_options {
    /// How many handlers run at once; further connections wait for their accept. 0: any number.
    int max_connections = 0;
    /// When the listener is closed: how long handlers may go on before they are cancelled.
    std::chrono::milliseconds grace = std::chrono::seconds(10);
};

namespace detail {

template <class Handler>
task<> handle_one(Handler& handler, stream connection, async_semaphore::permit) {
    std::exception_ptr failure;
    try {
        co_await std::invoke(handler, std::move(connection));
    } catch (const cancelled_error&) {
        failure = chain::current()->stops() ? nullptr : std::current_exception();
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure) report_here(std::move(failure));  // the others go on
}

// The next connection; nullopt when the listener is closed.
inline task<std::optional<stream>> accept_next(listener& from) {
    for (bool told = false;; told = true) {
        try {
            co_return co_await from.accept();
        } catch (const io_error& error) {
            const int err = error.code().value();
            if (err != EMFILE && err != ENFILE && err != ENOBUFS && err != ENOMEM) throw;
            if (!told) report_here(std::current_exception());
        } catch (const invalid_state&) {
            if (from.is_open()) throw;
            co_return std::nullopt;
        }
        // Nobody tells when there are descriptors, or memory, again: the connections wait.
        co_await sleep_for(std::chrono::milliseconds(20));
    }
}

inline task<> join_all(task_group& group) { co_await group.join(); }

template <class Handler>
task<> accept_all(listener& from, Handler& handler, task_group& group, async_semaphore* free) {
    for (;;) {
        async_semaphore::permit place;
        if (free) place = co_await free->acquire();
        auto next = co_await accept_next(from);
        if (!next) co_return;
        group.spawn(handle_one(handler, std::move(*next), std::move(place)));
    }
}

template <class Handler>
task<> serve_with(listener& from, Handler handler, serve_options options) {
    std::optional<async_semaphore> free;
    if (options.max_connections > 0) free.emplace(options.max_connections);
    task_group group;
    std::exception_ptr failure;
    try {
        co_await accept_all(from, handler, group, free ? &*free : nullptr);
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure) {
        group.cancel();
        co_await shield(join_all(group));
        std::rethrow_exception(failure);
    }
    co_await move_on_after(options.grace, join_all(group));
}

template <class F>
concept stream_handler = std::is_invocable_v<F&, stream>;

}  // namespace detail

/// `co_await serve(l, handler)`: runs `task<> handler(stream)` for each connection of a listener,
/// until that is closed; then waits for the handlers, and cancels them when `grace` is over. What a
/// handler throws goes to the loop's on_error, and hurts nobody else; so does running out of
/// descriptors, while which connections wait. Python: Server.serve_forever.
/// Throws: io_error if accept fails for good. Cancellation: cancels the handlers, and waits for
/// them; the listener remains open. g++ 12: give a handler with a destructor a name first.
template <class Handler>
    requires(detail::stream_handler<std::decay_t<Handler>> && !detail::unsafe_as_temporary<Handler>)
task<> serve(listener& from, Handler&& handler, serve_options options = {}) {
    if (options.max_connections < 0) throw std::invalid_argument("max_connections is negative");
    return detail::serve_with<std::decay_t<Handler>>(from, std::forward<Handler>(handler), options);
}
template <class Handler>
    requires(detail::stream_handler<std::decay_t<Handler>> && detail::unsafe_as_temporary<Handler>)
[[deprecated("g++ 12 destroys such a temporary twice: give the handler a name first")]]
task<> serve(listener& from, Handler&& handler, serve_options options = {}) {
    if (options.max_connections < 0) throw std::invalid_argument("max_connections is negative");
    return detail::serve_with<std::decay_t<Handler>>(from, std::forward<Handler>(handler), options);
}

}  // namespace tandem
