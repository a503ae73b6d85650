// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/fields.hpp>

#include "round_trip.hpp"

#include <cstddef>
#include <string>
#include <tuple>
#include <type_traits>

namespace {

struct fields_1 {
    int f1;
    bool operator==(const fields_1&) const = default;
};
struct fields_2 {
    int f1, f2;
    bool operator==(const fields_2&) const = default;
};
struct fields_3 {
    int f1, f2, f3;
    bool operator==(const fields_3&) const = default;
};
struct fields_4 {
    int f1, f2, f3, f4;
    bool operator==(const fields_4&) const = default;
};
struct fields_5 {
    int f1, f2, f3, f4, f5;
    bool operator==(const fields_5&) const = default;
};
struct fields_6 {
    int f1, f2, f3, f4, f5, f6;
    bool operator==(const fields_6&) const = default;
};
struct fields_7 {
    int f1, f2, f3, f4, f5, f6, f7;
    bool operator==(const fields_7&) const = default;
};
struct fields_8 {
    int f1, f2, f3, f4, f5, f6, f7, f8;
    bool operator==(const fields_8&) const = default;
};
struct fields_9 {
    int f1, f2, f3, f4, f5, f6, f7, f8, f9;
    bool operator==(const fields_9&) const = default;
};
struct fields_10 {
    int f1, f2, f3, f4, f5, f6, f7, f8, f9, f10;
    bool operator==(const fields_10&) const = default;
};
struct fields_11 {
    int f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11;
    bool operator==(const fields_11&) const = default;
};
struct fields_12 {
    int f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12;
    bool operator==(const fields_12&) const = default;
};
struct fields_13 {
    int f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13;
    bool operator==(const fields_13&) const = default;
};
struct fields_14 {
    int f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14;
    bool operator==(const fields_14&) const = default;
};
struct fields_15 {
    int f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15;
    bool operator==(const fields_15&) const = default;
};
struct fields_16 {
    int f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16;
    bool operator==(const fields_16&) const = default;
};
struct fields_17 {
    int f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17;
    bool operator==(const fields_17&) const = default;
};
struct fields_18 {
    int f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18;
    bool operator==(const fields_18&) const = default;
};
struct fields_19 {
    int f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19;
    bool operator==(const fields_19&) const = default;
};
struct fields_20 {
    int f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20;
    bool operator==(const fields_20&) const = default;
};
struct fields_21 {
    int f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21;
    bool operator==(const fields_21&) const = default;
};
struct fields_22 {
    int f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22;
    bool operator==(const fields_22&) const = default;
};
struct fields_23 {
    int f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23;
    bool operator==(const fields_23&) const = default;
};
struct fields_24 {
    int f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24;
    bool operator==(const fields_24&) const = default;
};
struct fields_25 {
    int f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25;
    bool operator==(const fields_25&) const = default;
};
struct fields_26 {
    int f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26;
    bool operator==(const fields_26&) const = default;
};
struct fields_27 {
    int f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27;
    bool operator==(const fields_27&) const = default;
};
struct fields_28 {
    int f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28;
    bool operator==(const fields_28&) const = default;
};
struct fields_29 {
    int f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28, f29;
    bool operator==(const fields_29&) const = default;
};
struct fields_30 {
    int f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28, f29, f30;
    bool operator==(const fields_30&) const = default;
};
struct fields_31 {
    int f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31;
    bool operator==(const fields_31&) const = default;
};
struct fields_32 {
    int f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32;
    bool operator==(const fields_32&) const = default;
};

// Every field has another number, so a field left out or swapped is seen.
template <class T>
void visits_each(std::size_t count) {
    T value{};
    int next = 0;
    std::size_t visited = 0;
    tandem::detail::visit_fields(value, [&](auto&... fields) {
        ((fields = ++next), ...);
        visited = sizeof...(fields);
    });
    CHECK(visited == count);
    CHECK(value.f1 == 1);
    const int* first = &value.f1;
    for (std::size_t i = 0; i < count; ++i) CHECK(first[i] == static_cast<int>(i) + 1);
}

struct names_types {
    template <class... T>
    bool operator()(const T&...) const {
        return std::is_same_v<std::tuple<T...>,
                              std::tuple<const int, const std::string, const char[4]>>;
    }
};

}  // namespace

TEST_CASE("each of 1 to 32 fields is visited in order", "[fields]") {
    visits_each<fields_1>(1);
    visits_each<fields_2>(2);
    visits_each<fields_3>(3);
    visits_each<fields_4>(4);
    visits_each<fields_5>(5);
    visits_each<fields_6>(6);
    visits_each<fields_7>(7);
    visits_each<fields_8>(8);
    visits_each<fields_9>(9);
    visits_each<fields_10>(10);
    visits_each<fields_11>(11);
    visits_each<fields_12>(12);
    visits_each<fields_13>(13);
    visits_each<fields_14>(14);
    visits_each<fields_15>(15);
    visits_each<fields_16>(16);
    visits_each<fields_17>(17);
    visits_each<fields_18>(18);
    visits_each<fields_19>(19);
    visits_each<fields_20>(20);
    visits_each<fields_21>(21);
    visits_each<fields_22>(22);
    visits_each<fields_23>(23);
    visits_each<fields_24>(24);
    visits_each<fields_25>(25);
    visits_each<fields_26>(26);
    visits_each<fields_27>(27);
    visits_each<fields_28>(28);
    visits_each<fields_29>(29);
    visits_each<fields_30>(30);
    visits_each<fields_31>(31);
    visits_each<fields_32>(32);
}

TEST_CASE("an aggregate without fields is visited with none", "[fields]") {
    struct empty {
    } value;
    CHECK(tandem::detail::visit_fields(value, [](auto&... fields) { return sizeof...(fields); }) ==
          0);
}

TEST_CASE("a visit gives the types as they are declared", "[fields]") {
    struct mixed {
        int a;
        std::string b;
        char c[4];
    };
    const mixed value{1, "b", {'c'}};
    CHECK(tandem::detail::visit_fields(value, names_types()));
}
