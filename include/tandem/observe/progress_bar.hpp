// SPDX-License-Identifier: BSL-1.0
// tandem/observe/progress_bar.hpp: shows how far something has come, from a thread of its own.        level 4
#pragma once

#include <tandem/core/config.hpp>
#include <tandem/core/deadline.hpp>
#include <tandem/core/fork_count.hpp>
#include <tandem/core/parker.hpp>
#include <tandem/executor/pool_stats.hpp>
#include <tandem/observe/progress_text.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#if TANDEM_LINUX
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#endif

namespace tandem {

namespace detail {

template <class Pool>
concept has_pool_stats = requires(const Pool& pool) {
    { pool.stats() } -> std::same_as<pool_stats>;
};

}  // namespace detail

/// How progress is shown.
enum class progress_style {
    automatic,  ///< bar on a terminal, else lines
    bar,        ///< one line that is drawn again, 10 times a second at most
    lines,      ///< a line every 5 s and one at the end: for logs and pipes
    silent,     ///< not at all
};

/// What a progress_bar shows and where.
struct progress_options {
    std::size_t total = 0;   // how many there will be; 0: not known, or what the range says
    const char* label = "";  // put in front
    progress_style style = progress_style::automatic;
    int fd = 2;                            // where to: stderr
    std::chrono::milliseconds interval{};  // between two drawings; 0: as the style says
};

/// Shows done and total, the rate, the time left and the workers that are busy, while it lives.
/// Counting costs an addition: a thread of its own draws. It shows a last state when it ends. A
/// terminal or pipe that takes nothing more ends the drawing, not the program. Python: tqdm.
/// Thread safety: belongs to one thread.
/// Lifetime: label and pool must outlive it. In a forked child it shows nothing.
class progress_bar {
   public:
    /// Throws: std::system_error if there can be no thread.
    explicit progress_bar(progress_options options = {})
        : progress_bar(options, nullptr, nullptr) {}
    /// The same, and shows how many workers of a pool are busy.
    template <detail::has_pool_stats Pool>
    explicit progress_bar(const Pool& pool, progress_options options = {})
        : progress_bar(options, &pool, [](const void* asked) {
              return static_cast<const Pool*>(asked)->stats().running.size();
          }) {}
    progress_bar(const progress_bar&) = delete;
    progress_bar& operator=(const progress_bar&) = delete;
    ~progress_bar() { finish(); }

    /// Counts so many more as done.
    void advance(std::size_t count = 1) noexcept {
        done_.store(done_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
    }
    /// Counts what a pool has done; for work that is not a loop: map_async, submit.
    void update(const pool_stats& stats) noexcept {
        done_.store(stats.done + stats.failed, std::memory_order_relaxed);
    }
    /// How many were counted.
    std::size_t done() const noexcept { return done_.load(std::memory_order_relaxed); }

    /// Shows the last state and no more after it. Any number of times.
    void finish() noexcept {
        if (!thread_) return;
        if (forks_ != detail::fork_count()) {
            static_cast<void>(thread_.release());  // it stayed in the parent
            return;
        }
        ended_.store(1, std::memory_order_release);
        detail::unpark(ended_, 1);
        thread_->join();
        thread_.reset();
    }

   private:
    using clock = std::chrono::steady_clock;
    using ask_busy = std::size_t (*)(const void* pool);

    progress_bar(const progress_options& options, const void* pool, ask_busy busy)
        : options_(options), style_(style_of(options)), pool_(pool), busy_(busy) {
        if (style_ != progress_style::silent) {
            thread_ = std::make_unique<std::thread>([this] { show(); });
        }
    }

    static constexpr std::chrono::milliseconds most_often{100};
    static constexpr std::chrono::milliseconds a_line{5000};

    static progress_style style_of(const progress_options& options) noexcept {
        if (options.style != progress_style::automatic) return options.style;
#if TANDEM_LINUX
        return ::isatty(options.fd) == 1 ? progress_style::bar : progress_style::lines;
#else
        return progress_style::lines;
#endif
    }
    std::chrono::milliseconds interval() const noexcept {
        if (options_.interval.count() == 0) {
            return style_ == progress_style::bar ? most_often : a_line;
        }
        return std::max(options_.interval, most_often);
    }

    // The drawing thread.
    void show() noexcept {
        keep_signals_away();
        bool writable = true;
        for (bool ended = false; !ended;) {
            const deadline next(interval());
            while (!ended && !next.expired()) {
                detail::park(ended_, 0, next);
                ended = ended_.load(std::memory_order_acquire) != 0;
            }
            try {
                writable = writable && write(text(ended));
            } catch (...) {
                // No memory for a line: the next one may find some.
            }
        }
    }
    std::string text(bool last) const {
        const bool bar = style_ == progress_style::bar;
        detail::progress_state state{done(), options_.total, clock::now() - begun_, std::nullopt};
        if (busy_ && !last) state.busy = busy_(pool_);
        auto line = detail::progress_text(options_.label, state, bar ? columns() - 1 : 0);
        if (bar) line = '\r' + line + "\x1b[K";  // erases the rest of the line
        if (!bar || last) line += '\n';
        return line;
    }

#if TANDEM_LINUX
    // Signals are for the program's own threads; and a closed pipe is an error here, no signal.
    static void keep_signals_away() noexcept {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
    }
    std::size_t columns() const noexcept {
        winsize size{};
        const bool known = ::ioctl(options_.fd, TIOCGWINSZ, &size) == 0 && size.ws_col != 0;
        return known ? size.ws_col : 80;
    }
    // Returns whether it went out.
    bool write(const std::string& text) const noexcept {
        for (std::size_t done = 0; done < text.size();) {
            const auto n = ::write(options_.fd, text.data() + done, text.size() - done);
            if (n < 0 && errno == EAGAIN) return true;  // a full pipe: the next line is newer
            if (n <= 0) return false;
            done += static_cast<std::size_t>(n);
        }
        return true;
    }
#else
    static void keep_signals_away() noexcept {}
    std::size_t columns() const noexcept { return 80; }
    bool write(const std::string& text) const noexcept {
        return std::fputs(text.c_str(), stderr) >= 0;
    }
#endif

    const progress_options options_;
    const progress_style style_;
    const void* const pool_;
    const ask_busy busy_;  // null without a pool
    const clock::time_point begun_ = clock::now();
    const unsigned forks_ = detail::fork_count();
    // How many are done; written by the owner, read by the drawing thread, which need not see the
    // newest but at the end (release and acquire on ended_).
    std::atomic<std::size_t> done_{0};
    // 0, then 1 when the owner ends it; the drawing thread sleeps on it.
    std::atomic<std::uint32_t> ended_{0};
    std::unique_ptr<std::thread> thread_;  // last: it uses all of the above
};

}  // namespace tandem
