// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/field_count.hpp>

#include "../support/catch.hpp"

#include <any>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace {

using tandem::detail::aggregate_info;
using tandem::detail::shape;

template <class T>
constexpr std::size_t fields = aggregate_info<T>::fields;
template <class T>
constexpr shape kind = aggregate_info<T>::kind;

struct empty {};
struct one {
    int a;
};
struct two {
    std::optional<int> a;
    std::optional<std::string> b;
};

struct greedy {
    template <class T>
    greedy(const T&) {}
};
struct greedier {
    template <class T>
    greedier(T&&) {}
};

}  // namespace

TEST_CASE("an empty aggregate has no fields", "[field_count]") {
    STATIC_REQUIRE(fields<empty> == 0);
    STATIC_REQUIRE(fields<one> == 1);
}

TEST_CASE("fields are counted, not what is inside them", "[field_count]") {
    struct nested {
        std::array<int, 3> a;
        std::vector<two> b;
        two c;
        std::array<int, 0> d;
    };
    STATIC_REQUIRE(fields<two> == 2);
    STATIC_REQUIRE(fields<nested> == 4);
}

TEST_CASE("an array is one field, whatever its size", "[field_count]") {
    struct arrays {
        int a[3];
        char b[40];
        two c;
        int d[2][3];
        two e[2];
        std::string f[1];
        double g;
    };
    struct large {
        std::string name = "x";
        int numbers[300];
    };
    STATIC_REQUIRE(fields<arrays> == 7);
    STATIC_REQUIRE(fields<large> == 2);
}

TEST_CASE("bit-fields are fields", "[field_count]") {
    struct bits {
        unsigned a : 3;
        unsigned b : 5;
        bool c : 1;
        int d;
    };
    STATIC_REQUIRE(fields<bits> == 4);
}

TEST_CASE("fields that can be made from anything do not confuse the count", "[field_count]") {
    struct both {
        std::any a;
        std::function<void()> b;
        std::variant<int, std::string> c;
        std::variant<int> d;
        std::optional<std::optional<int>> e;
        std::tuple<int> f;
        greedy g;
        greedier h;
        int i;
    };
    STATIC_REQUIRE(fields<both> == 9);
}

TEST_CASE("fields of every common standard type are counted", "[field_count]") {
    struct many {
        std::string_view a;
        std::span<int> b;
        std::shared_ptr<int> c;
        std::unique_ptr<one> d;
        std::chrono::seconds e;
        std::chrono::system_clock::time_point f;
        std::filesystem::path g;
        std::tuple<> h;
        std::pair<int, int> i;
        std::map<std::string, int> j;
        std::vector<bool> k;
    };
    STATIC_REQUIRE(fields<many> == 11);
}

TEST_CASE("fields that cannot move, or not be assigned, are counted", "[field_count]") {
    struct still {
        std::mutex a;
        std::atomic<int> b;
        const int c;
        const std::string d;
    };
    STATIC_REQUIRE(fields<still> == 4);
}

TEST_CASE("fields without a default are counted", "[field_count]") {
    struct from_int {
        from_int(int) {}
    };
    struct from_two {
        from_two(int, std::string) {}
    };
    struct from_nothing {
        explicit from_nothing() {}
    };
    struct first {
        from_two a;
        int b;
        from_two c;
        from_nothing d;
        int e;
    };
    struct second {
        int a[4];
        from_two b[2];
        int c[3];
        from_int d;
        int e;
        from_int f[2];
    };
    STATIC_REQUIRE(fields<first> == 5);
    STATIC_REQUIRE(fields<second> == 6);
}

TEST_CASE("bases without fields are not counted, bases with fields are noticed", "[field_count]") {
    struct derived : empty {
        int a;
    };
    struct twice : empty, std::less<> {
        int a;
        empty b;
        std::string c;
    };
    struct with_fields : one {
        int a;
    };
    struct mixed : empty, one {
        int a;
    };
    STATIC_REQUIRE(fields<derived> == 1);
    STATIC_REQUIRE(aggregate_info<derived>::bases == 1);
    STATIC_REQUIRE(fields<twice> == 3);
    STATIC_REQUIRE(aggregate_info<twice>::bases == 2);
    STATIC_REQUIRE(kind<with_fields> == shape::has_base);
    STATIC_REQUIRE(kind<mixed> == shape::has_base);
}

TEST_CASE("a type that holds itself is counted", "[field_count]") {
    struct tree {
        std::vector<tree> a;
        std::map<std::string, tree> b;
        std::unique_ptr<tree> c;
        std::optional<std::vector<tree>> d;
        std::variant<int, std::vector<tree>> e;
    };
    STATIC_REQUIRE(fields<tree> == 5);
}

TEST_CASE("a reference is noticed", "[field_count]") {
    struct refers {
        int a;
        int& b;
    };
    STATIC_REQUIRE(kind<refers> == shape::has_reference);
}

TEST_CASE("32 fields are not too many, 33 are", "[field_count]") {
    struct most {
        int a1, a2, a3, a4, a5, a6, a7, a8, b1, b2, b3, b4, b5, b6, b7, b8;
        int c1, c2, c3, c4, c5, c6, c7, c8, d1, d2, d3, d4, d5, d6, d7, d8;
    };
    struct more {
        int a1, a2, a3, a4, a5, a6, a7, a8, b1, b2, b3, b4, b5, b6, b7, b8;
        int c1, c2, c3, c4, c5, c6, c7, c8, d1, d2, d3, d4, d5, d6, d7, d8;
        int e;
    };
    struct huge {
        double numbers[2000];
    };
    STATIC_REQUIRE(fields<most> == 32);
    STATIC_REQUIRE(kind<more> == shape::too_many_fields);
    STATIC_REQUIRE(kind<huge> == shape::too_many_fields);
}
