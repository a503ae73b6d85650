// SPDX-License-Identifier: BSL-1.0
// tandem/core/ref.hpp: shared ownership of an object that counts its own references.        level 0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace tandem::detail {

// The base of an object that `ref` owns. One allocation and one pointer, where std::shared_ptr
// has two of each.
class ref_counted {
   public:
    ref_counted() noexcept = default;
    ref_counted(const ref_counted&) = delete;
    ref_counted& operator=(const ref_counted&) = delete;

    void add_ref() const noexcept { add_refs(1); }
    void drop_ref() const noexcept { drop_refs(1); }

    // Several at once.
    void add_refs(std::uint32_t count) const noexcept {
        refs_.fetch_add(count, std::memory_order_relaxed);
    }
    void drop_refs(std::uint32_t count) const noexcept {
        // acquire: what the other owners did to the object comes before its destruction. The last
        // owner need not count: there is nobody else who could add.
        if (refs_.load(std::memory_order_acquire) == count ||
            refs_.fetch_sub(count, std::memory_order_acq_rel) == count) {
            delete this;
        }
    }

   protected:
    virtual ~ref_counted() = default;

   private:
    // The number of owners, from 1 (the one that created it) to 0 (destroyed at once).
    mutable std::atomic<std::uint32_t> refs_{1};
};

// One owner of a ref_counted object.
template <class T>
class ref {
   public:
    ref() noexcept = default;
    ref(std::nullptr_t) noexcept {}

    // Takes over the reference that the caller holds; a new object has one.
    static ref adopt(T* object) noexcept {
        ref result;
        result.object_ = object;
        return result;
    }
    // Adds a reference.
    static ref share(T* object) noexcept {
        if (object) object->add_ref();
        return adopt(object);
    }

    ref(const ref& other) noexcept : object_(other.object_) {
        if (object_) object_->add_ref();
    }
    ref(ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    template <class U>
        requires std::is_convertible_v<U*, T*>
    ref(ref<U> other) noexcept : object_(other.release()) {}
    ref& operator=(ref other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    ~ref() {
        if (object_) object_->drop_ref();
    }

    T* get() const noexcept { return object_; }
    T* release() noexcept { return std::exchange(object_, nullptr); }
    T* operator->() const noexcept { return object_; }
    T& operator*() const noexcept { return *object_; }
    explicit operator bool() const noexcept { return object_ != nullptr; }
    friend bool operator==(const ref&, const ref&) noexcept = default;

   private:
    T* object_ = nullptr;
};

template <class T, class... Args>
ref<T> make_ref(Args&&... args) {
    return ref<T>::adopt(new T(std::forward<Args>(args)...));
}

}  // namespace tandem::detail
