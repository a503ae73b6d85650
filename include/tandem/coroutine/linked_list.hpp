// SPDX-License-Identifier: BSL-1.0
// tandem/coroutine/linked_list.hpp: a list whose links lie in its elements.        level 1
#pragma once

namespace tandem::detail {

// The links of an element: it is in one list at most, and leaves it without knowing which.
// Thread safety: none; a list and its elements belong to one thread.
class list_link {
   public:
    list_link() noexcept = default;
    list_link(const list_link&) = delete;
    list_link& operator=(const list_link&) = delete;

    bool linked() const noexcept { return next_ != nullptr; }
    // Requires: linked().
    void unlink() noexcept {
        next_->previous_ = previous_;
        previous_->next_ = next_;
        next_ = previous_ = nullptr;
    }

   protected:
    ~list_link() = default;

   private:
    template <class>
    friend class linked_list;
    list_link* next_ = nullptr;
    list_link* previous_ = nullptr;
};

// A list of T, which derive from list_link. Owns none of them.
template <class T>
class linked_list : list_link {
   public:
    linked_list() noexcept { next_ = previous_ = this; }

    bool empty() const noexcept { return next_ == this; }
    T& front() noexcept { return *static_cast<T*>(next_); }
    // The element behind `element`, null behind the last.
    T* after(T& element) noexcept {
        list_link* const next = static_cast<list_link&>(element).next_;
        return next == this ? nullptr : static_cast<T*>(next);
    }
    T* first() noexcept { return empty() ? nullptr : &front(); }

    // Requires: it is in no list.
    void push_back(T& element) noexcept {
        list_link& link = element;
        link.previous_ = previous_;
        link.next_ = this;
        previous_->next_ = &link;
        previous_ = &link;
    }
    void push_front(T& element) noexcept {
        list_link& link = element;
        link.next_ = next_;
        link.previous_ = this;
        next_->previous_ = &link;
        next_ = &link;
    }
    // Requires: not empty.
    T& pop_front() noexcept {
        T& element = front();
        static_cast<list_link&>(element).unlink();
        return element;
    }
    // All elements of `other`, behind those that are here.
    void take_all(linked_list& other) noexcept {
        if (other.empty()) return;
        other.next_->previous_ = previous_;
        previous_->next_ = other.next_;
        other.previous_->next_ = this;
        previous_ = other.previous_;
        other.next_ = other.previous_ = &other;
    }
};

}  // namespace tandem::detail
