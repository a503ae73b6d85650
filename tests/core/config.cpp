// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/config.hpp>

#include "../support/catch.hpp"

#include <bit>
#include <cstddef>
#include <limits>

// Readable by the preprocessor, or users could not ask for a version.
#if TANDEM_VERSION_MAJOR < 0 || TANDEM_VERSION_MINOR < 0 || TANDEM_VERSION_PATCH < 0
#error "a version is three numbers"
#endif

TEST_CASE("the version is three constants", "[config]") {
    STATIC_REQUIRE(TANDEM_VERSION_MAJOR >= 0);
    STATIC_REQUIRE(TANDEM_VERSION_MINOR >= 0);
    STATIC_REQUIRE(TANDEM_VERSION_PATCH >= 0);
}

TEST_CASE("unbounded is larger than any capacity", "[config]") {
    STATIC_REQUIRE(tandem::unbounded == std::numeric_limits<std::size_t>::max());
}

TEST_CASE("a cache line is an alignment", "[config]") {
    STATIC_REQUIRE(std::has_single_bit(tandem::detail::cache_line));
    struct alignas(tandem::detail::cache_line) line {
        char byte;
    };
    STATIC_REQUIRE(sizeof(line) == tandem::detail::cache_line);
}

TEST_CASE("the system is Linux exactly where the compiler says so", "[config]") {
#if defined(__linux__)
    STATIC_REQUIRE(TANDEM_LINUX == 1);
#else
    STATIC_REQUIRE(TANDEM_LINUX == 0);
#endif
}

TEST_CASE("the thread sanitizer is recognised", "[config]") {
#if defined(__SANITIZE_THREAD__)
    STATIC_REQUIRE(TANDEM_TSAN == 1);
#else
    STATIC_REQUIRE((TANDEM_TSAN == 0 || TANDEM_TSAN == 1));
#endif
}
