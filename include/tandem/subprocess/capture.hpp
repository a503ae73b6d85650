// SPDX-License-Identifier: BSL-1.0
// tandem/subprocess/capture.hpp: keeps what a program writes, up to a limit.        level 1
#pragma once

#include <tandem/core/config.hpp>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace tandem {

/// What to do with output beyond `max_output`.
enum class overflow {
    fail,       ///< kill the program and throw output_overflow
    keep_head,  ///< let the program go on, keep what came first
    keep_tail   ///< let the program go on, keep what came last
};

namespace detail {

// Collects bytes that are read straight into it. It grows by whole chunks and never moves them, so
// that it needs little more memory than it holds.
class capture {
   public:
    capture(std::size_t limit, overflow policy) noexcept : limit_(limit), policy_(policy) {}

    // Where to read to next; never empty. Throws: std::bad_alloc.
    std::span<std::byte> room() {
        if (policy_ == overflow::keep_head && kept_ == limit_) return in_last(scratch());
        if (chunks_.empty() || chunks_.back().size - chunks_.back().used < least_read) {
            const std::size_t size = first_chunk << std::min<std::size_t>(2 * chunks_.size(), 6);
            // Left as it is: it is about to be written over.
            chunks_.push_back({std::unique_ptr<std::byte[]>(new std::byte[size]), size, 0});
        }
        return in_last(chunks_.back());
    }
    // So many bytes were read to there.
    void add(std::size_t bytes) {
        auto& last = chunks_.back();
        std::size_t keep = bytes;
        if (policy_ == overflow::keep_head) keep = std::min(bytes, limit_ - kept_);
        last.used += keep;
        kept_ += keep;
        dropped_ += bytes - keep;
        while (policy_ == overflow::keep_tail && !chunks_.empty() &&
               kept_ - chunks_.front().used >= limit_) {
            kept_ -= chunks_.front().used;
            dropped_ += chunks_.front().used;
            chunks_.pop_front();
        }
    }
    void add(std::string_view text) {
        while (!text.empty()) {
            const auto to = room();
            const auto bytes = std::min(to.size(), text.size());
            std::copy_n(std::as_bytes(std::span(text)).begin(), bytes, to.begin());
            add(bytes);
            text.remove_prefix(bytes);
        }
    }

    // Whether there was more than may be.
    bool overflowed() const noexcept { return policy_ == overflow::fail && kept_ > limit_; }
    // How many bytes have come in all.
    std::size_t total() const noexcept { return kept_ + dropped_; }
    // How many of them text() does not have.
    std::size_t dropped() const noexcept { return total() - std::min(kept_, limit_); }

    std::string text() const {
        std::string all;
        all.reserve(std::min(kept_, limit_));
        std::size_t skip = skipped();
        for (const auto& one : chunks_) append(all, one, skip);
        return all;
    }
    // The same, giving memory back on the way. Leaves nothing but the count of what was dropped.
    std::string take() {
        dropped_ += kept_ - std::min(kept_, limit_);
        std::string all;
        all.reserve(std::min(kept_, limit_));
        std::size_t skip = skipped();
        for (; !chunks_.empty(); chunks_.pop_front()) append(all, chunks_.front(), skip);
        kept_ = 0;
        return all;
    }

   private:
    static constexpr std::size_t first_chunk = 16 * 1024;  // the largest are 64 times as large
    static constexpr std::size_t least_read = 4 * 1024;

    struct chunk {
        std::unique_ptr<std::byte[]> bytes;
        std::size_t size;
        std::size_t used;
    };
    static std::span<std::byte> in_last(const chunk& last) noexcept {
        return {last.bytes.get() + last.used, last.size - last.used};
    }
    // What is read to there is not kept: the end of the last chunk will do, if it has one.
    const chunk& scratch() {
        if (chunks_.empty() || chunks_.back().used == chunks_.back().size) {
            chunks_.push_back(
                {std::unique_ptr<std::byte[]>(new std::byte[largest_read]), largest_read, 0});
        }
        return chunks_.back();
    }
    static constexpr std::size_t largest_read = 64 * 1024;

    // How many bytes at the front are too many.
    std::size_t skipped() const noexcept {
        return policy_ == overflow::keep_tail ? kept_ - std::min(kept_, limit_) : 0;
    }
    void append(std::string& all, const chunk& from, std::size_t& skip) const {
        const std::size_t here = std::min(skip, from.used);
        skip -= here;
        const std::size_t bytes = std::min(from.used - here, std::min(kept_, limit_) - all.size());
        all.append(reinterpret_cast<const char*>(from.bytes.get() + here), bytes);
    }

    std::size_t limit_;
    overflow policy_;
    std::deque<chunk> chunks_;
    std::size_t kept_ = 0;     // in the chunks
    std::size_t dropped_ = 0;  // no longer in the chunks
};

}  // namespace detail
}  // namespace tandem
