// SPDX-License-Identifier: BSL-1.0
// tests/async/tools.hpp: what tests of tasks have in common.
#pragma once

#include <tandem/async/event_loop.hpp>
#include <tandem/async/sleep.hpp>
#include <tandem/async/sync_wait.hpp>
#include <tandem/core/error.hpp>

#include "../support/catch.hpp"
#include "../support/counted.hpp"
#include "../support/within.hpp"

#include <chrono>
#include <exception>
#include <string>
#include <utility>
#include <vector>

namespace async_tests {

using namespace std::chrono_literals;

/// A parameter of tasks: its copies live in their frames, and none may when a test ends.
struct frame_mark {
    frame_mark() = default;
    frame_mark(const frame_mark&) : counts(true) { ++alive; }
    frame_mark& operator=(const frame_mark&) = delete;
    ~frame_mark() { alive -= counts ? 1 : 0; }
    bool counts = false;
    static inline thread_local int alive = 0;
};

/// Runs a task as a test does: not for ever, and all frames are gone afterwards.
template <class T>
T run(tandem::task<T> main, tandem::event_loop_options options = {}) {
    struct all_gone {
        ~all_gone() { CHECK(frame_mark::alive == 0); }
    } const at_end;
    return within(60s, [&] { return tandem::sync_wait(std::move(main), std::move(options)); });
}

/// What a task throws, as its text; empty if it returns.
template <class T>
tandem::task<std::string> failure_of(tandem::task<T> work, frame_mark = {}) {
    try {
        static_cast<void>(co_await std::move(work));
    } catch (const std::exception& e) {
        co_return e.what();
    }
    co_return "";
}
inline tandem::task<std::string> failure_of(tandem::task<void> work, frame_mark = {}) {
    try {
        co_await std::move(work);
    } catch (const std::exception& e) {
        co_return e.what();
    }
    co_return "";
}

/// Sleeps, then gives a value.
template <class T>
tandem::task<T> later(std::chrono::nanoseconds time, T value, frame_mark = {}) {
    co_await tandem::sleep_for(time);
    co_return std::move(value);
}
inline tandem::task<> sleeps(std::chrono::nanoseconds time, frame_mark = {}) {
    co_await tandem::sleep_for(time);
}
inline tandem::task<> throws_after(std::chrono::nanoseconds time, std::string what,
                                   frame_mark = {}) {
    co_await tandem::sleep_for(time);
    throw std::runtime_error(what);
}
/// Notes how it ended.
inline tandem::task<> notes_end(std::chrono::nanoseconds time, std::string& to, frame_mark = {}) {
    try {
        co_await tandem::sleep_for(time);
        to += "slept ";
    } catch (const tandem::cancelled_error&) {
        to += "cancelled ";
        throw;
    }
}

}  // namespace async_tests
