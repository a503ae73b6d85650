// SPDX-License-Identifier: BSL-1.0
// tandem/executor/imap.hpp: the results of a map one by one, as they come.        level 2
#pragma once

#include <tandem/core/deadline.hpp>
#include <tandem/core/outcome.hpp>
#include <tandem/future/state.hpp>

#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace tandem {
namespace detail {

// What an imap_range reads from, whatever the callable and the input are.
template <class R>
class imap_source {
   public:
    struct item {
        std::size_t index = 0;
        outcome<R> result;
    };

    // The next result in the order asked for; nullopt at the end of the input.
    // Throws: timeout_error, and what the input or the pool throws.
    virtual std::optional<item> next(deadline until) = 0;
    // Reads as much input as the window allows and hands it to the executor.
    virtual void fill() = 0;
    // Nobody wants more results: ends what has not begun, waits for what must not be left running.
    virtual void abandon_rest() noexcept = 0;

    void add_ref() const noexcept { owner().add_ref(); }
    void drop_ref() const noexcept { owner().drop_ref(); }

   protected:
    ~imap_source() = default;
    virtual future_state& owner() const noexcept = 0;
};

// Ends what is left of a map when nobody looks at its results any more.
template <class R>
class imap_handle {
   public:
    explicit imap_handle(ref<imap_source<R>> source) noexcept : source_(std::move(source)) {}
    imap_handle(const imap_handle&) = delete;
    imap_handle& operator=(const imap_handle&) = delete;
    ~imap_handle() { source_->abandon_rest(); }

    imap_source<R>& source() const noexcept { return *source_; }

   private:
    ref<imap_source<R>> source_;
};

}  // namespace detail

/// The results of `imap` as they come: an input range, read once.
/// Dropping it cancels what has not begun, and waits for calls that run in threads.
/// Thread safety: belongs to one thread.
template <class R, bool Outcomes = false>
class [[nodiscard]] imap_range {
    using item = typename detail::imap_source<R>::item;
    using value = std::conditional_t<std::is_void_v<R>, std::monostate, R>;

   public:
    class iterator {
       public:
        using value_type = std::conditional_t<Outcomes, outcome<R>, value>;
        using difference_type = std::ptrdiff_t;
        using iterator_concept = std::input_iterator_tag;

        iterator() = default;

        /// The result. Throws: what that call threw; ++ goes on to the next all the same.
        value_type& operator*() const { return value_of(*range_->current_); }
        value_type* operator->() const { return std::addressof(**this); }
        /// Which element of the input this is the result of.
        std::size_t index() const noexcept { return range_->current_->index; }
        /// Goes to the next result: tops the window up, then waits.
        iterator& operator++() {
            range_->advance(deadline::never());
            return *this;
        }
        void operator++(int) { ++*this; }
        bool operator==(std::default_sentinel_t) const noexcept {
            return !range_->current_.has_value();
        }

       private:
        friend class imap_range;
        explicit iterator(imap_range& range) noexcept : range_(&range) {}
        imap_range* range_ = nullptr;
    };

    explicit imap_range(std::shared_ptr<detail::imap_handle<R>> handle) noexcept
        : handle_(std::move(handle)) {}
    imap_range(imap_range&&) noexcept = default;
    imap_range& operator=(imap_range&&) noexcept = default;

    /// Fills the window and waits for the first result.
    iterator begin() {
        if (!current_) advance(deadline::never());
        return iterator(*this);
    }
    std::default_sentinel_t end() const noexcept { return {}; }

    /// The next result if it comes in time; nullopt at the end. Throws: timeout_error (ask again);
    /// what the call threw (the one after it is next). Python: IMapIterator.next(timeout).
    std::optional<typename iterator::value_type> next_for(deadline until) {
        advance(until);
        auto taken = std::exchange(current_, std::nullopt);
        if (!taken) return std::nullopt;
        return std::move(value_of(*taken));
    }

    /// The same results as outcomes, which do not throw: a range of outcome<R>.
    imap_range<R, true> outcomes() const { return imap_range<R, true>(handle_); }

   private:
    void advance(deadline until) {
        current_.reset();
        current_ = handle_->source().next(until);
    }
    static typename iterator::value_type& value_of(item& taken) {
        if constexpr (Outcomes) {
            return taken.result;
        } else if constexpr (std::is_void_v<R>) {
            taken.result.value();
            static std::monostate nothing;
            return nothing;
        } else {
            return taken.result.value();
        }
    }

    std::shared_ptr<detail::imap_handle<R>> handle_;
    std::optional<item> current_;
};

}  // namespace tandem
