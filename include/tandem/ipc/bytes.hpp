// SPDX-License-Identifier: BSL-1.0
// tandem/ipc/bytes.hpp: bytes that values are appended to, and bytes they are taken from.        level 1
#pragma once

#include <tandem/core/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

namespace tandem {
namespace detail {

// How many values of named types may be inside one another. Only a type that holds itself gets
// this deep, and only bytes made by an enemy or an accident deeper.
inline constexpr int max_depth = 64;

[[noreturn]] inline void fail_short(const char* expected, std::size_t size, std::size_t left) {
    throw codec_error(std::string("decode: expected ") + expected + " (" + std::to_string(size) +
                      " bytes), but only " + std::to_string(left) + " bytes are left");
}

[[noreturn]] inline void fail_depth() {
    throw codec_error("codec: values are nested more than " + std::to_string(max_depth) + " deep");
}

struct free_memory {
    void operator()(std::byte* memory) const noexcept { std::free(memory); }
};

// Counts one level of nesting while it lives; Stream is a writer or a reader.
template <class Stream>
class nesting {
   public:
    explicit nesting(Stream& stream) : stream_(stream) {
        if (stream_.depth_ == max_depth) fail_depth();
        ++stream_.depth_;
    }
    nesting(const nesting&) = delete;
    nesting& operator=(const nesting&) = delete;
    ~nesting() { --stream_.depth_; }

   private:
    Stream& stream_;
};

}  // namespace detail

/// Memory that a writer asks for when its own is full, such as a growing shared region.
/// Thread safety: used by one writer at a time.
class byte_storage {
   public:
    /// Gives at least `size` bytes, which may start where `used` does. Requires: `used` stays
    /// readable until the next call; the writer itself copies it when the memory has moved.
    virtual std::span<std::byte> grow(std::span<const std::byte> used, std::size_t size) = 0;

   protected:
    ~byte_storage() = default;
};

/// A growing row of bytes that values are appended to.
/// Thread safety: distinct objects only.
class writer {
   public:
    /// Starts empty and keeps its bytes on the heap.
    writer() noexcept = default;

    /// Starts in the caller's memory, and moves to `more`, else to the heap, once that is full.
    explicit writer(std::span<std::byte> memory, byte_storage* more = nullptr) noexcept
        : begin_(memory.data()), capacity_(memory.size()), more_(more) {}

    writer(writer&& other) noexcept { swap(other); }
    writer& operator=(writer&& other) noexcept {
        writer(std::move(other)).swap(*this);
        return *this;
    }
    ~writer() = default;

    /// Appends n bytes. Throws: std::bad_alloc, or what the byte_storage throws; then nothing has
    /// changed.
    void write(const void* from, std::size_t n) {
        if (n > capacity_ - size_) [[unlikely]]
            grow(n);
        if (n != 0) std::memcpy(begin_ + size_, from, n);
        size_ += n;
    }

    /// Appends n bytes without values, for the caller to fill before anything else is appended.
    std::span<std::byte> extend(std::size_t n) {
        if (n > capacity_ - size_) [[unlikely]]
            grow(n);
        size_ += n;
        return {begin_ + (size_ - n), n};
    }

    /// What was written so far; valid until the next write.
    std::span<const std::byte> bytes() const noexcept { return {begin_, size_}; }

    /// Where the next byte goes: how many there are.
    std::size_t position() const noexcept { return size_; }

    /// Replaces n bytes at a position. Throws: std::invalid_argument if they are not all written.
    void patch(std::size_t position, const void* from, std::size_t n) {
        if (position > size_ || n > size_ - position) {
            throw std::invalid_argument("writer::patch: the bytes to replace are not written yet");
        }
        if (n != 0) std::memcpy(begin_ + position, from, n);
    }

    /// Drops what was written from a position on, as when a value could not be encoded.
    void truncate(std::size_t position) noexcept { size_ = std::min(size_, position); }

    /// Drops everything; the memory is kept for the next value.
    void clear() noexcept { size_ = 0; }

    /// Makes room for `size` bytes in all.
    void reserve(std::size_t size) {
        if (size > capacity_) grow(size - size_);
    }

    /// How many bytes fit before more memory is asked for.
    std::size_t capacity() const noexcept { return capacity_; }

    void swap(writer& other) noexcept {
        std::swap(begin_, other.begin_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
        std::swap(depth_, other.depth_);
        std::swap(more_, other.more_);
        std::swap(heap_, other.heap_);
    }

   private:
    friend class detail::nesting<writer>;

    void grow(std::size_t n) {
        constexpr std::size_t most = SIZE_MAX / 2, least = 64;
        if (size_ > most || n > most - size_) throw std::bad_alloc();
        const std::size_t size =
            std::max({size_ + n, capacity_ < most / 2 ? capacity_ * 2 : 0, least});
        if (more_ != nullptr) {
            move_to_storage(size_ + n);
        } else {
            move_to_heap(size);
        }
    }

    void move_to_storage(std::size_t size) {
        const std::span<std::byte> memory = more_->grow(bytes(), size);
        if (memory.size() < size) throw std::bad_alloc();
        if (memory.data() != begin_ && size_ != 0) std::memcpy(memory.data(), begin_, size_);
        begin_ = memory.data();
        capacity_ = memory.size();
    }

    // realloc, because the kernel can move big blocks without copying them.
    void move_to_heap(std::size_t size) {
        auto* memory = static_cast<std::byte*>(std::realloc(heap_.get(), size));
        if (memory == nullptr) throw std::bad_alloc();
        const bool was_elsewhere = heap_ == nullptr;
        static_cast<void>(heap_.release());
        heap_.reset(memory);
        if (was_elsewhere && size_ != 0) std::memcpy(memory, begin_, size_);
        begin_ = memory;
        capacity_ = size;
    }

    std::byte* begin_ = nullptr;  // in heap_, or in memory that somebody else owns
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
    int depth_ = 0;
    byte_storage* more_ = nullptr;
    std::unique_ptr<std::byte, detail::free_memory> heap_;
};

/// A walk over bytes that it does not own, which may have been written by an enemy.
/// Thread safety: distinct objects only.
class reader {
   public:
    /// Starts at the first byte. Requires: the bytes outlive the reader.
    explicit reader(std::span<const std::byte> bytes) noexcept
        : next_(bytes.data()), end_(bytes.data() + bytes.size()) {}

    /// Copies the next n bytes. Throws: codec_error, which names what was expected.
    void read(void* to, std::size_t n, const char* expected = "bytes") {
        if (n > remaining()) [[unlikely]]
            detail::fail_short(expected, n, remaining());
        if (n != 0) std::memcpy(to, next_, n);
        next_ += n;
    }

    /// Passes over the next n bytes and shows them where they are. Throws: as read.
    std::span<const std::byte> take(std::size_t n, const char* expected = "bytes") {
        if (n > remaining()) [[unlikely]]
            detail::fail_short(expected, n, remaining());
        next_ += n;
        return {next_ - n, n};
    }

    /// How many bytes are left.
    std::size_t remaining() const noexcept { return static_cast<std::size_t>(end_ - next_); }

   private:
    friend class detail::nesting<reader>;

    const std::byte* next_;
    const std::byte* end_;
    int depth_ = 0;
};

}  // namespace tandem
