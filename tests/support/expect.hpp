// SPDX-License-Identifier: BSL-1.0
// tests/support/expect.hpp: checks for threads, which may not use Catch2's all at once.
#pragma once

#include <exception>
#include <mutex>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>

/// `expect(condition)` in any thread; `CHECK(expect.failures() == "")` when they have ended.
class expectations {
   public:
    void operator()(bool holds, std::source_location where = std::source_location::current()) {
        if (holds) return;
        const std::lock_guard hold(mutex_);
        failures_ += where.file_name() + (':' + std::to_string(where.line())) + '\n';
    }
    std::string failures() {
        const std::lock_guard hold(mutex_);
        return std::exchange(failures_, {});
    }

   private:
    std::mutex mutex_;  // guards failures_
    std::string failures_;
};

/// Whether f throws an exception with this text.
template <class F>
bool throws(std::string_view text, F&& f) {
    try {
        std::forward<F>(f)();
    } catch (const std::exception& e) {
        return e.what() == text;
    }
    return false;
}
