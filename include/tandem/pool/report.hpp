// SPDX-License-Identifier: BSL-1.0
// tandem/pool/report.hpp: what a task says on its way, and how the pool's owner hears it.        level 3
#pragma once

#include <tandem/core/error.hpp>
#include <tandem/ipc/codec.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <typeinfo>
#include <utility>
#include <vector>

namespace tandem {

namespace detail {

// Takes what the task of a thread reports; the worker's loop.
class report_sink {
   public:
    virtual void add_report(std::span<const std::byte> bytes) noexcept = 0;

   protected:
    ~report_sink() = default;
};
// The sink of this thread's task, null if nobody listens.
inline report_sink*& current_sink() noexcept {
    static thread_local report_sink* sink = nullptr;
    return sink;
}

// FNV-1a of the type's name, which all processes of a program spell alike.
template <class T>
std::uint64_t type_hash() noexcept {
    std::uint64_t hash = 14695981039346656037u;
    for (const char* name = typeid(T).name(); *name; ++name) {
        hash = (hash ^ static_cast<unsigned char>(*name)) * 1099511628211u;
    }
    return hash;
}

}  // namespace detail

/// Sends a value from a task of a process_pool to the pool's `.on_progress`. Values of one task
/// arrive in order, before the callbacks of its future.
/// Returns: false if nobody listens: no `.on_progress`, no task of a process_pool, or not its own
/// thread. Throws: codec_error. Python has nothing like it.
template <class T>
bool report(const T& value) {
    auto* sink = detail::current_sink();
    if (!sink) return false;
    writer out;
    encode(out, detail::type_hash<T>());
    encode(out, value);
    sink->add_report(out.bytes());
    return true;
}

/// Which task reported: the process that runs it, and the element of the map (0 for `submit`).
struct progress_source {
    int pid = -1;
    std::size_t index = 0;
};

/// What a task reported.
/// Thread safety: as a value.
class progress_event {
   public:
    explicit progress_event(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}

    /// Whether it is a T.
    template <class T>
    bool is() const noexcept {
        return bytes_.size() >= sizeof(std::uint64_t) &&
               decode<std::uint64_t>(std::span(bytes_).first(sizeof(std::uint64_t))) ==
                   detail::type_hash<T>();
    }
    /// The value. Throws: codec_error if it is no T.
    template <class T>
    T as() const {
        if (!is<T>()) throw codec_error("a task reported a value of another type");
        return decode<T>(std::span(bytes_).subspan(sizeof(std::uint64_t)));
    }

   private:
    std::vector<std::byte> bytes_;
};

}  // namespace tandem
