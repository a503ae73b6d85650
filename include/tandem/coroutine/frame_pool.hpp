// SPDX-License-Identifier: BSL-1.0
// tandem/coroutine/frame_pool.hpp: where coroutine frames live: recycled, or from an allocator.        level 1
#pragma once

#include <tandem/core/config.hpp>

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

namespace tandem::detail {

// Freed coroutine frames of the calling thread, kept for the next ones of their size. A call that
// comes after another one has ended gets its block, which is still in the cache: a stack in effect,
// but no frame has to obey its order. A frame may be freed by another thread than the one that made
// it; it then stays there. Under AddressSanitizer nothing is kept, so that it sees every use of a
// frame that is gone.
//
// Of each size one block is hot: the last one that did not come from here. When it comes back it is
// marked so, and nothing is written into it. Its address then does not depend on the pointer that
// wandered through a coroutine and back, so that calls in a row overlap in the processor.
// Thread safety: each thread has its own.
class frame_pool {
   public:
    static constexpr std::size_t step =
        __STDCPP_DEFAULT_NEW_ALIGNMENT__;                              // sizes are its multiples
    static constexpr std::size_t largest = 1024;                       // larger ones are not kept
    static constexpr std::size_t kept_at_most = std::size_t{1} << 20;  // bytes, in each thread

    // Throws: std::bad_alloc.
    static void* allocate(std::size_t size) {
        if (size > largest || TANDEM_ASAN) return ::operator new(size);
        shelf& mine = here().shelves[index(size)];
        if (!mine.hot_is_free) return allocate_another(mine, size);
        mine.hot_is_free = false;
        return mine.hot;
    }

    static void deallocate(void* frame, std::size_t size) noexcept {
        if (size > largest || TANDEM_ASAN) return ::operator delete(frame);
        shelf& mine = here().shelves[index(size)];
        if (frame != mine.hot) return keep(mine, frame, size);
        mine.hot_is_free = true;
    }

    // How many frames of this thread came from operator new, and not from here.
    static std::size_t made() noexcept { return here().made; }
    // The bytes that this thread keeps, not counting the hot blocks.
    static std::size_t kept() noexcept { return here().kept; }

    // Gives all of them back.
    static void clear() noexcept {
        store& mine = here();
        for (shelf& of_size : mine.shelves) {
            if (std::exchange(of_size.hot_is_free, false)) ::operator delete(of_size.hot);
            of_size.hot = nullptr;
            while (of_size.free) {
                ::operator delete(std::exchange(of_size.free, of_size.free->next));
            }
        }
        mine.kept = 0;
    }

   private:
    struct block {
        block* next;
    };
    struct shelf {
        void* hot;  // null, or a block that is free or out
        bool hot_is_free;
        block* free;  // the others
    };
    // Has neither constructor nor destructor to run, so that reaching it costs nothing.
    struct store {
        shelf shelves[largest / step];
        std::size_t kept;
        std::size_t made;
        bool opened;
        bool ended;
    };
    struct clears_at_thread_end {
        ~clears_at_thread_end() {
            clear();
            here().opened = false;
            here().ended = true;
        }
    };

    static constexpr std::size_t rounded(std::size_t size) noexcept {
        return (size + step - 1) / step * step;
    }
    static constexpr std::size_t index(std::size_t size) noexcept { return (size - 1) / step; }

    // clang 16 may keep the address across a suspension of the caller, if it inlines this there.
#if defined(__clang__) && __clang_major__ < 17
    [[gnu::noinline]]
#endif
    static store& here() noexcept {
        return mine_;
    }

    [[gnu::noinline]] static void* allocate_another(shelf& mine, std::size_t size) {
        void* frame = mine.free;
        if (frame) {
            mine.free = mine.free->next;
            here().kept -= rounded(size);
        } else {
            frame = ::operator new(rounded(size));
            ++here().made;
        }
        if (here().opened || opens()) mine.hot = frame;
        return frame;
    }

    [[gnu::noinline]] static void keep(shelf& mine, void* frame, std::size_t size) noexcept {
        if (here().kept + rounded(size) > kept_at_most || !(here().opened || opens())) {
            return ::operator delete(frame);
        }
        mine.free = ::new (frame) block{mine.free};
        here().kept += rounded(size);
    }

    // On the thread's first call: arranges for the end. Whether blocks may be kept.
    static bool opens() noexcept {
        if (here().ended) return false;
        static thread_local clears_at_thread_end at_end;
        static_cast<void>(&at_end);
        return here().opened = true;
    }

    static constinit thread_local inline store mine_{};
};

// The base of a promise whose coroutine's frame lives in `Allocator`'s memory: the allocator that
// follows std::allocator_arg in front of the coroutine's parameters, else Allocator{}. A copy of it
// stands behind the frame, to free it. Without Allocator (void) the frame is recycled.
template <class Allocator>
class frame_storage {
    struct alignas(__STDCPP_DEFAULT_NEW_ALIGNMENT__) unit {
        std::byte bytes[__STDCPP_DEFAULT_NEW_ALIGNMENT__];
    };
    using allocator = typename std::allocator_traits<Allocator>::template rebind_alloc<unit>;
    using traits = std::allocator_traits<allocator>;
    static_assert(alignof(allocator) <= alignof(unit));

   public:
    static void* operator new(std::size_t size) {
        static_assert(std::is_default_constructible_v<Allocator>,
                      "the coroutine takes std::allocator_arg and its allocator first");
        return allocate(size, Allocator());
    }
    // always_inline: else g++ takes the operators for those of different allocators.
    template <class... Args>
    [[gnu::always_inline]] static void* operator new(std::size_t size, std::allocator_arg_t,
                                                     const Allocator& from, const Args&...) {
        return allocate(size, from);
    }
    template <class Object, class... Args>  // a coroutine that is a member function
    [[gnu::always_inline]] static void* operator new(std::size_t size, const Object&,
                                                     std::allocator_arg_t, const Allocator& from,
                                                     const Args&...) {
        return allocate(size, from);
    }
    [[gnu::always_inline]] static void operator delete(void* frame, std::size_t size) noexcept {
        auto* behind = reinterpret_cast<allocator*>(static_cast<unit*>(frame) + units(size));
        allocator from(std::move(*behind));
        std::destroy_at(behind);
        traits::deallocate(from, static_cast<unit*>(frame), units(size) + units(sizeof(allocator)));
    }

   private:
    static constexpr std::size_t units(std::size_t size) noexcept {
        return (size + sizeof(unit) - 1) / sizeof(unit);
    }
    static void* allocate(std::size_t size, const Allocator& given) {
        allocator from(given);
        unit* frame = traits::allocate(from, units(size) + units(sizeof(allocator)));
        ::new (static_cast<void*>(frame + units(size))) allocator(std::move(from));
        return frame;
    }
};

template <>
class frame_storage<void> {
   public:
    static void* operator new(std::size_t size) { return frame_pool::allocate(size); }
    static void operator delete(void* frame, std::size_t size) noexcept {
        frame_pool::deallocate(frame, size);
    }
};

}  // namespace tandem::detail
