// SPDX-License-Identifier: BSL-1.0
// tandem/async/descriptor_table.hpp: which task waits for which descriptor.        level 3
#pragma once

#include <tandem/async/reactor.hpp>
#include <tandem/core/error.hpp>
#include <tandem/coroutine/chain.hpp>

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>

namespace tandem::detail {

// Hears that a descriptor is ready, once.
class descriptor_waiter {
   public:
    virtual void on_descriptor_ready() noexcept = 0;

   protected:
    ~descriptor_waiter() = default;
};

// For each descriptor one who waits to read and one who waits to write. The descriptor is watched
// only meanwhile: it may be closed, and its number used again, when nobody waits.
// Thread safety: belongs to the loop's thread.
class descriptor_table {
   public:
    explicit descriptor_table(reactor& from) noexcept : from_(from) {}
    descriptor_table(const descriptor_table&) = delete;
    descriptor_table& operator=(const descriptor_table&) = delete;

    // Returns: false if the descriptor is always ready, as a file is. Throws: io_error;
    // invalid_state if somebody waits for the same.
    bool add(int fd, ready_for what, descriptor_waiter& waiter) {
        auto& of = entries_.try_emplace(fd, *this, fd).first->second;
        if (of.slot(what)) {
            throw invalid_state("two tasks wait for descriptor " + std::to_string(fd));
        }
        of.slot(what) = &waiter;
        try {
            if (from_.watch_once(fd, of.wanted(), of)) return true;
        } catch (...) {
            drop(of, what);
            throw;
        }
        drop(of, what);
        return false;
    }
    void remove(int fd, ready_for what) noexcept {
        const auto found = entries_.find(fd);
        if (found == entries_.end()) return;
        from_.remove(fd, found->second);
        drop(found->second, what);
    }

   private:
    class entry final : public descriptor_watch {
       public:
        entry(descriptor_table& in, int fd) noexcept : in_(in), fd_(fd) {}
        descriptor_waiter*& slot(ready_for what) noexcept {
            return what == ready_to_read ? reader_ : writer_;
        }
        std::uint32_t wanted() const noexcept {
            return (reader_ ? ready_to_read : 0U) | (writer_ ? ready_to_write : 0U);
        }
        int fd() const noexcept { return fd_; }
        void on_ready(std::uint32_t what) noexcept override {
            auto* const reads = what & ready_to_read ? std::exchange(reader_, nullptr) : nullptr;
            auto* const writes = what & ready_to_write ? std::exchange(writer_, nullptr) : nullptr;
            in_.settle(*this);  // *this may be gone
            if (reads) reads->on_descriptor_ready();
            if (writes) writes->on_descriptor_ready();
        }

       private:
        descriptor_table& in_;
        const int fd_;
        descriptor_waiter* reader_ = nullptr;
        descriptor_waiter* writer_ = nullptr;
    };

    void drop(entry& of, ready_for what) noexcept {
        of.slot(what) = nullptr;
        settle(of);
    }
    // Who is left goes on waiting; an entry without anybody goes.
    void settle(entry& of) noexcept {
        if (of.wanted() == 0) {
            from_.forget(of);
            entries_.erase(of.fd());
            return;
        }
        try {
            from_.watch_once(of.fd(), of.wanted(), of);
        } catch (...) {
            of.on_ready(of.wanted());  // it was closed: their next call tells them
        }
    }

    reactor& from_;
    std::unordered_map<int, entry> entries_;
};

}  // namespace tandem::detail
