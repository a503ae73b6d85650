// SPDX-License-Identifier: BSL-1.0
// tandem/pool/worker_local.hpp: state that is built once in each worker.        level 3
#pragma once

#include <optional>
#include <utility>

namespace tandem {

namespace detail {

// One place for a type, whatever its T is built from.
template <class T, class Tag>
std::optional<T>& worker_local_place() noexcept {
    static thread_local std::optional<T> place;
    return place;
}

}  // namespace detail

/// The T of this worker, built from `args` when it is first asked for: a model, a connection, a
/// cache. Each thread of a thread_pool has one too. Another T of the same type has another Tag.
/// Python: a global that the initializer sets.
/// Throws: what the constructor throws; it is tried again the next time.
/// Thread safety: each thread has its own.
/// Lifetime: to the end of the thread; a worker process ends without destroying it.
template <class T, class Tag = void, class... Args>
T& worker_local(Args&&... args) {
    auto& value = detail::worker_local_place<T, Tag>();
    if (!value) value.emplace(std::forward<Args>(args)...);
    return *value;
}

}  // namespace tandem
