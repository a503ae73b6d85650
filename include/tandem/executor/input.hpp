// SPDX-License-Identifier: BSL-1.0
// tandem/executor/input.hpp: the elements of a range by index, for several threads at once.        level 2
#pragma once

#include <concepts>
#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

namespace tandem::detail {

template <class Range>
concept indexable = std::ranges::random_access_range<Range> && std::ranges::sized_range<Range>;

// An element that was taken out of a range: passed on as an lvalue if the range gives lvalues.
template <class Range>
using drained_reference_t =
    std::conditional_t<std::is_lvalue_reference_v<std::ranges::range_reference_t<Range>>,
                       std::ranges::range_value_t<Range>&, std::ranges::range_value_t<Range>&&>;

// The elements of a range, which is borrowed (Range is a reference) or owned. A range that can be
// read twice stays as it is; of one that can be read once, the elements are taken out first.
// Thread safety: operator[] may be called from several threads, for different elements.
template <class Range>
class input {
    using range_type = std::remove_reference_t<Range>;

   public:
    using value_type = std::ranges::range_value_t<range_type>;
    using reference = std::conditional_t<std::ranges::forward_range<range_type>,
                                         std::ranges::range_reference_t<range_type>,
                                         drained_reference_t<range_type>>;

    explicit input(Range&& range) : range_(std::forward<Range>(range)) {
        if constexpr (indexable<range_type>) {
            elements_ = std::ranges::begin(range_);
            size_ = static_cast<std::size_t>(std::ranges::size(range_));
        } else {
            for (auto it = std::ranges::begin(range_); it != std::ranges::end(range_); ++it) {
                if constexpr (std::ranges::forward_range<range_type>) {
                    elements_.push_back(it);
                } else {
                    elements_.emplace_back(*it);
                }
            }
            size_ = elements_.size();
        }
    }
    input(const input&) = delete;
    input& operator=(const input&) = delete;

    std::size_t size() const noexcept { return size_; }

    reference operator[](std::size_t index) {
        if constexpr (indexable<range_type>) {
            return elements_[static_cast<std::ranges::range_difference_t<range_type>>(index)];
        } else if constexpr (std::ranges::forward_range<range_type>) {
            return *elements_[index];
        } else {
            return static_cast<reference>(elements_[index]);
        }
    }

   private:
    static auto make_storage() {
        if constexpr (indexable<range_type>) {
            return std::type_identity<std::ranges::iterator_t<range_type>>();
        } else if constexpr (std::ranges::forward_range<range_type>) {
            return std::type_identity<std::vector<std::ranges::iterator_t<range_type>>>();
        } else {
            return std::type_identity<std::vector<value_type>>();
        }
    }
    using elements_type = typename decltype(make_storage())::type;

    Range range_;
    elements_type elements_{};
    std::size_t size_ = 0;
};

// The elements of a range one after the other, each read when it is asked for and not before.
template <class Range>
class lazy_input {
    using range_type = std::remove_reference_t<Range>;

   public:
    using value_type = std::ranges::range_value_t<range_type>;
    // Whether elements stay where they are when the range moves on: they need not be taken out.
    static constexpr bool in_place =
        std::ranges::forward_range<range_type> &&
        std::is_lvalue_reference_v<std::ranges::range_reference_t<range_type>>;
    using reference = std::conditional_t<in_place, std::ranges::range_reference_t<range_type>,
                                         drained_reference_t<range_type>>;
    // What holds an element until its call is made.
    using held = std::conditional_t<in_place, std::remove_reference_t<reference>*,
                                    std::optional<value_type>>;

    explicit lazy_input(Range&& range) : range_(std::forward<Range>(range)) {}
    lazy_input(const lazy_input&) = delete;
    lazy_input& operator=(const lazy_input&) = delete;

    // Reads the next element into `element`. Returns false at the end. Throws what the range does.
    bool next(held& element) {
        if (position_) {
            ++*position_;
        } else {
            position_.emplace(std::ranges::begin(range_));
        }
        if (*position_ == std::ranges::end(range_)) return false;
        if constexpr (in_place) {
            element = std::addressof(**position_);
        } else {
            element.emplace(**position_);
        }
        return true;
    }

    static reference get(held& element) { return static_cast<reference>(*element); }

   private:
    Range range_;
    std::optional<std::ranges::iterator_t<range_type>> position_;
};

}  // namespace tandem::detail
