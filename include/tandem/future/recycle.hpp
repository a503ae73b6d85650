// SPDX-License-Identifier: BSL-1.0
// tandem/future/recycle.hpp: memory for calls and results that one thread takes and another gives back.        level 1
#pragma once

#include <tandem/core/config.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <utility>

namespace tandem::detail {

// Blocks of some sizes, kept for reuse: a thread takes from its own magazine and gives back to its
// own; full magazines travel between threads through a depot. So a thread that submits and one that
// completes meet once in 32 calls. (Bonwick and Adams, "Magazines and Vmem", 2001.)
//
// Every block is an allocation of its own of the global operator new, so that any of them may also
// go straight back there: when the depot is full or busy, and when a thread is past its end.

// A block that nobody uses: the links lie in it.
struct free_block {
    free_block* next;           // in the magazine
    free_block* next_magazine;  // in the depot, of the first block of each
};

// A stack of free blocks.
struct magazine {
    static constexpr std::uint32_t capacity = 32;

    void push(void* memory) noexcept {
        first = ::new (memory) free_block{first, nullptr};
        ++count;
    }
    void* pop() noexcept {
        free_block* const block = first;
        first = block->next;
        --count;
        return block;
    }
    void free_all() noexcept {
        while (first) ::operator delete(pop());
    }

    free_block* first = nullptr;
    std::uint32_t count = 0;
};

// The full magazines that no thread holds. Lives for ever, so that it outlives every thread.
class magazine_depot {
   public:
    // Both return whether the magazine changed hands, and never wait: a fork may have copied the
    // mutex while it was locked.
    bool take(magazine& out) noexcept {
        const std::unique_lock hold(mutex_, std::try_to_lock);
        if (!hold || !first_) return false;
        out = {first_, magazine::capacity};
        first_ = first_->next_magazine;
        --count_;
        return true;
    }
    // Requires: it is full, of blocks of `bytes`.
    bool give(const magazine& full, std::size_t bytes) noexcept {
        const std::unique_lock hold(mutex_, std::try_to_lock);
        if (!hold || count_ * magazine::capacity * bytes >= most_bytes) return false;
        full.first->next_magazine = std::exchange(first_, full.first);
        ++count_;
        return true;
    }

   private:
    static constexpr std::size_t most_bytes = std::size_t{32} << 20;

    std::mutex mutex_;  // guards the rest
    free_block* first_ = nullptr;
    std::size_t count_ = 0;
};

// The magazines of one thread.
class block_cache {
   public:
    // Sizes are multiples of this, up to so many times; what is larger is not kept.
    static constexpr std::size_t step = 64;
    static constexpr std::size_t sizes = 6;

    static void* allocate(std::size_t bytes) {
        const std::size_t size = (bytes - 1) / step;
        if (size >= sizes || TANDEM_ASAN) return ::operator new(bytes);
        auto& mine = here_.loaded_[size];
        if (mine.first || here_.reload(size)) return mine.pop();
        return ::operator new(bytes_of(size));
    }
    static void deallocate(void* memory, std::size_t bytes) noexcept {
        const std::size_t size = (bytes - 1) / step;
        if (size >= sizes || TANDEM_ASAN) return ::operator delete(memory);
        auto& mine = here_.loaded_[size];
        if (mine.count != magazine::capacity && here_.life_ == life::active) {
            return mine.push(memory);
        }
        if (here_.unload(size)) return mine.push(memory);
        ::operator delete(memory);
    }

   private:
    enum class life : char { unused, active, ended };

    static constexpr std::size_t bytes_of(std::size_t size) noexcept { return (size + 1) * step; }

    // Gives all back when the thread ends.
    struct at_thread_end {
        ~at_thread_end() { here_.end(); }
        void touch() noexcept {}
    };

    bool begin() noexcept {
        if (life_ == life::unused) {
            static thread_local at_thread_end guard;
            guard.touch();
            life_ = life::active;
        }
        return life_ == life::active;
    }
    void end() noexcept {
        life_ = life::ended;
        for (std::size_t size = 0; size < sizes; ++size) {
            for (magazine* const one : {&loaded_[size], &spare_[size]}) {
                if (one->count == magazine::capacity && depots_[size].give(*one, bytes_of(size)))
                    *one = {};
                one->free_all();
            }
        }
    }
    // loaded_ is empty: whether it no longer is.
    bool reload(std::size_t size) noexcept {
        if (!begin()) return false;
        std::swap(loaded_[size], spare_[size]);
        return loaded_[size].first || depots_[size].take(loaded_[size]);
    }
    // loaded_ is full, or the thread is new: whether there is room.
    bool unload(std::size_t size) noexcept {
        if (!begin()) return false;
        if (loaded_[size].count != magazine::capacity) return true;
        std::swap(loaded_[size], spare_[size]);
        if (loaded_[size].count == magazine::capacity) {
            if (!depots_[size].give(loaded_[size], bytes_of(size))) loaded_[size].free_all();
            loaded_[size] = {};
        }
        return true;
    }

    // Neither has a destructor, so that they can be used to the very end of a thread and program.
    static thread_local block_cache here_;
    static magazine_depot depots_[sizes];

    // At any time one of the two has room or blocks enough for the next magazine's worth.
    magazine loaded_[sizes];
    magazine spare_[sizes];
    life life_ = life::unused;
};

inline thread_local constinit block_cache block_cache::here_;
inline constinit magazine_depot block_cache::depots_[block_cache::sizes];

// The base of what lives in such blocks.
struct recycled {
    static void* operator new(std::size_t bytes) { return block_cache::allocate(bytes); }
    static void operator delete(void* memory, std::size_t bytes) noexcept {
        block_cache::deallocate(memory, bytes);
    }
    // What is over-aligned is not kept.
    static void* operator new(std::size_t bytes, std::align_val_t alignment) {
        return ::operator new(bytes, alignment);
    }
    static void operator delete(void* memory, std::size_t, std::align_val_t alignment) noexcept {
        ::operator delete(memory, alignment);
    }
};

}  // namespace tandem::detail
