// SPDX-License-Identifier: BSL-1.0
// tandem/pool/shared_buffer.hpp: an array that processes share instead of copying it.        level 3
#pragma once

#include <tandem/core/error.hpp>
#include <tandem/ipc/codec.hpp>
#include <tandem/ipc/passed_descriptors.hpp>
#include <tandem/ipc/shared_region.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <span>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include <sys/stat.h>

namespace tandem {

/// `size` values of T, zero at first, in memory that other processes can see. As an argument of a
/// `process` or of `submit` it travels as a handle, whatever its size, and what is written there is
/// seen here. It cannot be a result: the task writes into what it was given.
/// Python: multiprocessing.shared_memory, without a name that could be left behind.
/// Requires: T is plain data without pointers.
/// Thread safety: copies share the values, which are as any others: a future that is ready comes
/// after what its task wrote; anything finer needs atomics.
/// Lifetime: the memory goes with the last buffer, in whatever process; nothing is left on disk.
template <class T>
    requires std::is_trivially_copyable_v<T>
class shared_buffer {
   public:
    static_assert(!std::is_pointer_v<T>, "tandem: a pointer means nothing in another process");

    /// Throws: std::invalid_argument if size is 0, std::bad_alloc if it is too large; io_error.
    explicit shared_buffer(std::size_t size)
        : region_(std::make_shared<detail::shared_region>(
              detail::shared_region::create(bytes_of(size)))),
          size_(size) {}

    std::size_t size() const noexcept { return size_; }
    T* data() const noexcept { return static_cast<T*>(region_->data()); }
    T& operator[](std::size_t index) const noexcept { return data()[index]; }
    T* begin() const noexcept { return data(); }
    T* end() const noexcept { return data() + size_; }
    std::span<T> span() const noexcept { return {data(), size_}; }

   private:
    friend codec<shared_buffer>;

    shared_buffer(detail::shared_region region, std::size_t size)
        : region_(std::make_shared<detail::shared_region>(std::move(region))), size_(size) {}

    static std::size_t bytes_of(std::size_t size) {
        if (size == 0) throw std::invalid_argument("a shared_buffer needs a value");
        constexpr auto most = static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max());
        if (size > most / sizeof(T)) throw std::bad_array_new_length();
        return size * sizeof(T);
    }

    std::shared_ptr<detail::shared_region> region_;
    std::size_t size_;
};

/// A buffer travels as its size and its descriptor.
template <class T>
struct codec<shared_buffer<T>> {
    static void encode(writer& out, const shared_buffer<T>& buffer) {
        tandem::encode(out, static_cast<std::uint64_t>(buffer.size()));
        detail::encode_descriptor(out, buffer.region_->fd());
    }
    static shared_buffer<T> decode(reader& in) {
        const auto size = static_cast<std::size_t>(tandem::decode<std::uint64_t>(in));
        auto fd = detail::decode_descriptor(in);
        const auto bytes = shared_buffer<T>::bytes_of(size);
        // More than there is would be a SIGBUS later.
        struct stat file{};
        if (::fstat(fd.get(), &file) != 0 || static_cast<std::uint64_t>(file.st_size) < bytes) {
            throw codec_error("a shared_buffer came with less memory than it should have");
        }
        return {detail::shared_region::map(std::move(fd), bytes), size};
    }
};

}  // namespace tandem
