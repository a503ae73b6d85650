// SPDX-License-Identifier: BSL-1.0
// tandem/executor/result_slots.hpp: where the results of a map are put, by several threads.        level 2
#pragma once

#include <tandem/core/populate.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace tandem::detail {

// Room for n results, filled in any order by several threads, each place once.
template <class R>
class result_slots {
    // Plain results are written in place; std::vector<bool> cannot be, nor can what has no default.
    static constexpr bool plain = std::is_trivially_copyable_v<R> &&
                                  std::is_trivially_default_constructible_v<R> &&
                                  !std::is_same_v<R, bool>;
    using slot =
        std::conditional_t<plain, R,
                           std::conditional_t<std::is_same_v<R, bool>, char, std::optional<R>>>;

   public:
    // Whether several may be put in at a time.
    static constexpr bool in_blocks = plain && sizeof(R) <= 64;

    explicit result_slots(std::size_t count) {
        slots_.reserve(count);
        populate(slots_.data(), count * sizeof(slot));
        slots_.resize(count);
    }
    template <class Value>
    void set(std::size_t index, Value&& value) {
        if constexpr (plain || std::is_same_v<R, bool>) {
            slots_[index] = std::forward<Value>(value);
        } else {
            slots_[index].emplace(std::forward<Value>(value));
        }
    }
    void set_block(std::size_t first, const R* values, std::size_t count)
        requires in_blocks
    {
        std::copy_n(values, count, slots_.data() + first);
    }
    std::vector<R> take() {
        if constexpr (plain) {
            return std::move(slots_);
        } else {
            std::vector<R> values;
            values.reserve(slots_.size());
            for (auto& place : slots_) {
                if constexpr (std::is_same_v<R, bool>) {
                    values.push_back(place != 0);
                } else {
                    values.push_back(std::move(*place));
                }
            }
            return values;
        }
    }

   private:
    std::vector<slot> slots_;
};
template <>
class result_slots<void> {
   public:
    static constexpr bool in_blocks = false;
    explicit result_slots(std::size_t) {}
    void take() {}
};

}  // namespace tandem::detail
