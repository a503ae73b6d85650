// SPDX-License-Identifier: BSL-1.0
// tandem/observe/progress.hpp: a loop over a range that shows how far it has come.        level 4
#pragma once

#include <tandem/observe/progress_bar.hpp>

#include <cstddef>
#include <iterator>
#include <memory>
#include <ranges>
#include <utility>

namespace tandem {

/// The elements of a range as they are, counted and shown when the loop goes on to the next.
/// What is shown ends with the loop, also by break or an exception. Python: tqdm(iterable).
/// Thread safety: belongs to one thread.
template <std::ranges::view Range>
    requires std::ranges::input_range<Range>
class progress_range {
   public:
    class iterator {
        using base = std::ranges::iterator_t<Range>;

       public:
        using value_type = std::ranges::range_value_t<Range>;
        using difference_type = std::ranges::range_difference_t<Range>;
        using iterator_concept = std::input_iterator_tag;

        iterator() = default;
        /// The element itself.
        decltype(auto) operator*() const { return *at_; }
        /// Counts this one as done.
        iterator& operator++() {
            bar_->advance();
            ++at_;
            return *this;
        }
        void operator++(int) { ++*this; }
        /// Which element of the input this is, where the range knows: imap does.
        std::size_t index() const
            requires requires(const base& it) { it.index(); }
        {
            return at_.index();
        }
        friend bool operator==(const iterator& it, const std::ranges::sentinel_t<Range>& end) {
            return it.at_ == end;
        }

       private:
        friend progress_range;
        iterator(base at, progress_bar* bar) : at_(std::move(at)), bar_(bar) {}
        base at_{};
        progress_bar* bar_ = nullptr;
    };

    progress_range(Range range, progress_options options)
        : range_(std::move(range)),
          bar_(std::make_unique<progress_bar>(with_total(range_, options))) {}
    template <detail::has_pool_stats Pool>
    progress_range(Range range, const Pool& pool, progress_options options)
        : range_(std::move(range)),
          bar_(std::make_unique<progress_bar>(pool, with_total(range_, options))) {}

    iterator begin() { return iterator(std::ranges::begin(range_), bar_.get()); }
    std::ranges::sentinel_t<Range> end() { return std::ranges::end(range_); }

   private:
    static progress_options with_total([[maybe_unused]] Range& range, progress_options options) {
        if constexpr (std::ranges::sized_range<Range>) {
            if (options.total == 0) {
                options.total = static_cast<std::size_t>(std::ranges::size(range));
            }
        }
        return options;
    }

    Range range_;
    std::unique_ptr<progress_bar> bar_;
};

/// `for (auto r : progress(pool.imap(f, items), {.total = n}))`, or any other range.
template <std::ranges::viewable_range R>
    requires std::ranges::input_range<R>
[[nodiscard]] auto progress(R&& range, progress_options options = {}) {
    return progress_range<std::views::all_t<R>>(std::views::all(std::forward<R>(range)), options);
}
/// The same, and shows how many workers of the pool are busy. The pool must outlive the loop.
template <std::ranges::viewable_range R, detail::has_pool_stats Pool>
    requires std::ranges::input_range<R>
[[nodiscard]] auto progress(R&& range, const Pool& pool, progress_options options = {}) {
    return progress_range<std::views::all_t<R>>(std::views::all(std::forward<R>(range)), pool,
                                                options);
}

}  // namespace tandem
