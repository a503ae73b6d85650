// SPDX-License-Identifier: BSL-1.0
// tandem/sync/queue_cells.hpp: where the items of a queue are, and which are moved under its mutex.        level 1
#pragma once

#include <tandem/core/config.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace tandem::detail {

// Whether moving and dropping a moved-from T takes nanoseconds, cannot throw, and runs code of the
// compiler or the standard library only. A noexcept move alone is no promise of that.
template <class T>
inline constexpr bool known_to_move_quietly = std::is_trivially_copyable_v<T>;
template <class C, class Traits>
inline constexpr bool known_to_move_quietly<std::basic_string<C, Traits>> = true;
template <class T>
inline constexpr bool known_to_move_quietly<std::vector<T>> = true;
template <class T>
inline constexpr bool known_to_move_quietly<std::unique_ptr<T>> = true;
template <class T>
inline constexpr bool known_to_move_quietly<std::shared_ptr<T>> = true;
template <class T>
inline constexpr bool known_to_move_quietly<std::optional<T>> = known_to_move_quietly<T>;
template <class T, class U>
inline constexpr bool known_to_move_quietly<std::pair<T, U>> =
    known_to_move_quietly<T> && known_to_move_quietly<U>;

// Whether the allocator wants to have a say in how elements are made and destroyed.
template <class Allocator, class T>
concept constructs_itself = requires(Allocator a, T* p, T&& value) {
    a.construct(p, std::move(value));
} || requires(Allocator a, T* p) { a.destroy(p); };

// The size is that of an item that is still copied in nanoseconds.
template <class T, class Allocator>
inline constexpr bool moves_quietly =
    known_to_move_quietly<T> && std::is_nothrow_move_constructible_v<T> &&
    std::is_nothrow_move_assignable_v<T> && sizeof(T) <= 2 * cache_line &&
    !constructs_itself<Allocator, T>;

// Whether making a T from Args is no more than a quiet move.
template <class T, class... Args>
inline constexpr bool is_copied_quietly = false;
template <class T, class Arg>
inline constexpr bool is_copied_quietly<T, Arg> =
    std::is_same_v<std::remove_cvref_t<Arg>, T> &&
    (std::is_trivially_copyable_v<T> || std::is_same_v<Arg&&, T&&>);

// Memory for one item of any other kind: what is queued then is its address, and the item is made
// and moved out while the mutex is free.
template <class T>
union slot {
    slot() noexcept {}
    ~slot() {}
    slot* next;  // while it is spare
    T value;
};

// The slots of a queue. The queue's mutex is held in take() and give_back(), and only there.
// A bounded queue has as many as its capacity, in one block; an unbounded one keeps some spare.
template <class T, class Allocator>
class slots {
    using slot_type = slot<T>;
    using traits = std::allocator_traits<Allocator>::template rebind_traits<slot_type>;
    using allocator = traits::allocator_type;
    static_assert(std::is_same_v<typename traits::pointer, slot_type*>, "no fancy pointers");

   public:
    slots(std::size_t capacity, const Allocator& a)
        : allocator_(a),
          capacity_(capacity),
          block_(capacity == unbounded ? nullptr : traits::allocate(allocator_, capacity)) {}
    slots(const slots&) = delete;
    slots& operator=(const slots&) = delete;
    ~slots() {
        if (block_) traits::deallocate(allocator_, block_, capacity_);
        while (!block_ && spare_)
            traits::deallocate(allocator_, std::exchange(spare_, spare_->next), 1);
    }

    slot_type* take() {
        if (spare_) {
            --spares_;
            return std::exchange(spare_, spare_->next);
        }
        return ::new (block_ ? block_ + fresh_++ : traits::allocate(allocator_, 1)) slot_type;
    }
    void give_back(slot_type* unused) noexcept {
        if (!block_ && spares_ == most_spares) return traits::deallocate(allocator_, unused, 1);
        unused->next = std::exchange(spare_, unused);
        ++spares_;
    }

    template <class... Args>
    void construct(slot_type* in, Args&&... args) {
        Allocator mine(allocator_);  // a copy: several threads may be here
        std::allocator_traits<Allocator>::construct(mine, std::addressof(in->value),
                                                    std::forward<Args>(args)...);
    }
    void destroy(slot_type* in) noexcept {
        Allocator mine(allocator_);
        std::allocator_traits<Allocator>::destroy(mine, std::addressof(in->value));
    }

   private:
    static constexpr std::size_t most_spares = 64;

    [[no_unique_address]] allocator allocator_;
    const std::size_t capacity_;
    slot_type* const block_;      // capacity_ slots, null in an unbounded queue
    std::size_t fresh_ = 0;       // where the slots of the block start that were never used
    slot_type* spare_ = nullptr;  // those that were, and are free
    std::size_t spares_ = 0;
};

}  // namespace tandem::detail
