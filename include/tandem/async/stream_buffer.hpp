// SPDX-License-Identifier: BSL-1.0
// tandem/async/stream_buffer.hpp: bytes that came in or wait to go out, in one piece.        level 3
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace tandem::detail {

// One allocation, reused; grows by doubling. Bytes are moved to the front when half of it is behind
// them, so each is moved once at most on the average.
// Thread safety: a value.
class stream_buffer {
   public:
    bool empty() const noexcept { return begin_ == end_; }
    std::size_t size() const noexcept { return end_ - begin_; }
    std::size_t capacity() const noexcept { return capacity_; }
    std::string_view view() const noexcept { return {bytes_.get() + begin_, size()}; }

    void consume(std::size_t count) noexcept {
        begin_ += count;
        if (begin_ == end_) begin_ = end_ = 0;
    }
    // Room for the next read. What is read often fills it: then the next one is larger.
    std::span<char> room() {
        if (capacity_ - end_ < std::max(next_ / 2, size() / 2)) make_room(next_);
        return {bytes_.get() + end_, capacity_ - end_};
    }
    void commit(std::size_t count) noexcept {
        if (count == capacity_ - end_) next_ = std::min(next_ * 2, most_at_once);
        end_ += count;
    }
    void append(std::string_view bytes) {
        if (capacity_ - end_ < bytes.size()) make_room(bytes.size());
        std::memcpy(bytes_.get() + end_, bytes.data(), bytes.size());
        end_ += bytes.size();
    }
    // An idle connection keeps no memory.
    void release_if_empty() noexcept {
        if (!empty() || !bytes_) return;
        bytes_.reset();
        capacity_ = 0;
        next_ = least;
    }

   private:
    static constexpr std::size_t least = 4096;
    static constexpr std::size_t most_at_once = 65536;

    void make_room(std::size_t count) {
        const std::size_t held = size();
        if (capacity_ - held >= count && held <= capacity_ / 2) {
            if (held != 0) std::memmove(bytes_.get(), bytes_.get() + begin_, held);
        } else {
            const std::size_t larger = std::max(held + count, std::max(capacity_, held * 2));
            std::unique_ptr<char[]> fresh(new char[larger]);
            if (held != 0) std::memcpy(fresh.get(), bytes_.get() + begin_, held);
            bytes_ = std::move(fresh);
            capacity_ = larger;
        }
        begin_ = 0;
        end_ = held;
    }

    std::unique_ptr<char[]> bytes_;
    std::size_t capacity_ = 0;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::size_t next_ = least;
};

}  // namespace tandem::detail
