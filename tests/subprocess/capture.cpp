// SPDX-License-Identifier: BSL-1.0
#include <tandem/subprocess/capture.hpp>

#include "subprocess/tools.hpp"

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <random>
#include <span>
#include <string>
#include <string_view>

using tandem::overflow;
using tandem::detail::capture;

namespace {

// Puts text in by reads of random length.
void put(capture& into, std::string_view text, std::mt19937& random) {
    while (!text.empty()) {
        const auto room = into.room();
        REQUIRE(!room.empty());
        const std::size_t most = std::min(room.size(), text.size());
        const std::size_t bytes = 1 + random() % most;
        std::copy_n(std::as_bytes(std::span(text)).begin(), bytes, room.begin());
        into.add(bytes);
        text.remove_prefix(bytes);
    }
}

}  // namespace

TEST_CASE("a capture keeps all, the head or the tail, and counts the rest", "[capture]") {
    std::mt19937 random(1);
    for (const std::size_t size :
         std::initializer_list<std::size_t>{0, 1, 100, 16384, 16385, 300'000, 3'000'000}) {
        const std::string text = tools::noise(size);
        for (const std::size_t limit :
             std::initializer_list<std::size_t>{0, 1, 99, 100, 16384, 100'000, 4'000'000}) {
            const std::size_t kept = std::min(size, limit);
            capture fail(limit, overflow::fail);
            capture head(limit, overflow::keep_head);
            capture tail(limit, overflow::keep_tail);
            for (capture* one : {&fail, &head, &tail}) {
                put(*one, text, random);
                CHECK(one->total() == size);
                CHECK(one->dropped() == size - kept);
            }
            CHECK(fail.overflowed() == (size > limit));
            CHECK_FALSE(head.overflowed());
            CHECK_FALSE(tail.overflowed());
            CHECK((fail.text() == text.substr(0, kept)));
            CHECK((head.text() == text.substr(0, kept)));
            CHECK((tail.text() == text.substr(size - kept)));
            for (capture* one : {&fail, &head, &tail}) {
                const auto kept_text = one->text();
                CHECK((kept_text == one->take()));
                CHECK(one->text() == "");
                CHECK(one->dropped() == size - kept);
            }
        }
    }
}

TEST_CASE("text is added like what is read", "[capture]") {
    const std::string text = tools::noise(100'000);
    capture all(1 << 20, overflow::fail);
    all.add(std::string_view(text).substr(0, 70'000));
    all.add("");
    all.add(std::string_view(text).substr(70'000));
    CHECK((all.take() == text));
}
