// SPDX-License-Identifier: BSL-1.0
// tandem/ipc/shared_region.hpp: memory that two processes see.        level 1
#pragma once

#include <tandem/core/unique_fd.hpp>

#include <cerrno>
#include <cstddef>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace tandem::detail {

// Anonymous memory behind a descriptor that can be passed on. It has no name, so nothing is left
// when the last process that maps it is gone; its size is sealed, so that no process can make
// another one fault by shrinking it.
class shared_region {
   public:
    shared_region() noexcept = default;

    // Zeroed memory of `size` bytes. Throws: io_error.
    static shared_region create(std::size_t size) {
        unique_fd fd(::memfd_create("tandem", MFD_CLOEXEC | MFD_ALLOW_SEALING));
        if (!fd) throw_io_error("memfd_create", errno);
        if (::ftruncate(fd.get(), static_cast<off_t>(size)) != 0) {
            throw_io_error("ftruncate of a shared region", errno);
        }
        if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
            throw_io_error("sealing a shared region", errno);
        }
        return map(std::move(fd), size);
    }
    // The memory of another process. Throws: io_error.
    static shared_region map(unique_fd fd, std::size_t size) {
        shared_region region;
        void* at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
        if (at == MAP_FAILED) throw_io_error("mmap of a shared region", errno);
        region.fd_ = std::move(fd);
        region.data_ = at;
        region.size_ = size;
        return region;
    }

    shared_region(shared_region&& other) noexcept
        : fd_(std::move(other.fd_)),
          data_(std::exchange(other.data_, nullptr)),
          size_(std::exchange(other.size_, 0)) {}
    shared_region& operator=(shared_region&& other) noexcept {
        std::swap(fd_, other.fd_);
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~shared_region() {
        if (data_) ::munmap(data_, size_);
    }

    void* data() const noexcept { return data_; }
    int fd() const noexcept { return fd_.get(); }
    // The mapping stays; the descriptor is no longer needed once the other side has it.
    void close_fd() noexcept { fd_.reset(); }

   private:
    unique_fd fd_;
    void* data_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace tandem::detail
