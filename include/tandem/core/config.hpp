// SPDX-License-Identifier: BSL-1.0
// tandem/core/config.hpp: the version, what the compiler and the system offer, shared constants.        level 0
#pragma once

#include <cstddef>
#include <cstdint>

// The one place that holds the version; the build reads these three lines.
#define TANDEM_VERSION_MAJOR 0
#define TANDEM_VERSION_MINOR 1
#define TANDEM_VERSION_PATCH 0

#if defined(__linux__)
#define TANDEM_LINUX 1
#else
#define TANDEM_LINUX 0
#endif

#if defined(__SANITIZE_THREAD__)
#define TANDEM_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TANDEM_TSAN 1
#endif
#endif
#ifndef TANDEM_TSAN
#define TANDEM_TSAN 0
#endif

#if defined(__SANITIZE_ADDRESS__)
#define TANDEM_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TANDEM_ASAN 1
#endif
#endif
#ifndef TANDEM_ASAN
#define TANDEM_ASAN 0
#endif

// On a function into which no sanitizer puts anything: it runs where a sanitizer's data is not its
// own, as between the start of a process in the memory of another and its exec.
#if defined(__clang__)
#define TANDEM_UNINSTRUMENTED \
    __attribute__((noinline, no_sanitize("all"), disable_sanitizer_instrumentation))
#else
#define TANDEM_UNINSTRUMENTED \
    __attribute__((noinline, no_sanitize("address", "thread", "undefined")))
#endif

namespace tandem {

/// The capacity of a queue or a pool that never makes its producers wait.
inline constexpr std::size_t unbounded = SIZE_MAX;

namespace detail {

// Bytes that two threads should not write together. A constant of ours, because the standard's
// hardware_destructive_interference_size changes with compiler flags and would change layouts.
inline constexpr std::size_t cache_line = 64;

}  // namespace detail
}  // namespace tandem
