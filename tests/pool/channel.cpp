// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/channel.hpp>

#include "pool/tools.hpp"

#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace tandem;
using namespace std::chrono_literals;
using tools::leaves_nothing;

TEST_CASE("values go both ways, in order", "[channel]") {
    leaves_nothing([] {
        auto [a, b] = channel<std::map<int, std::string>>::make();
        CHECK(a.push({{1, "one"}}));
        CHECK(a.push({}));
        CHECK(b.push({{2, "two"}}));
        CHECK(b.pop()->at(1) == "one");
        CHECK(b.pop()->empty());
        CHECK(a.pop()->at(2) == "two");
    });
}

TEST_CASE("a closed end is the end for the other, once it has drained", "[channel]") {
    leaves_nothing([] {
        auto [a, b] = channel<int>::make();
        for (int i = 0; i < 5; ++i) CHECK(a.push(i));
        a.close();
        CHECK(a.is_closed());
        CHECK_FALSE(a.push(6));
        CHECK_FALSE(a.pop());
        std::vector<int> all;
        for (const int x : b) all.push_back(x);
        CHECK(all == std::vector<int>{0, 1, 2, 3, 4});
        CHECK_FALSE(b.push(7));
    });
}

TEST_CASE("a wait for a value ends in time", "[channel]") {
    leaves_nothing([] {
        auto [a, b] = channel<int>::make();
        CHECK_FALSE(b.ready());
        CHECK_THROWS_AS(b.pop(20ms), timeout_error);
        a.push(4);
        CHECK(b.ready(5s));
        CHECK(b.pop(5s) == 4);
        a.close();
        CHECK(b.ready());
        CHECK(b.pop(5s) == std::nullopt);
    });
}

TEST_CASE("a large value goes through in parts", "[channel]") {
    leaves_nothing([] {
        auto [a, b] = channel<std::string>::make();
        const std::string large(20 << 20, 'x');
        std::thread sender([&end = a, &large] {
            end.push(large);
            end.push("after");
        });
        CHECK(b.pop() == large);
        CHECK(b.pop() == "after");
        sender.join();
    });
}

TEST_CASE("bytes that are no value, and an end in the middle of one, are errors", "[channel]") {
    leaves_nothing([] {
        {
            auto [a, b] = channel<std::vector<int>>::make();
            auto copy = channel<std::string>::make();
            CHECK(copy.first.push("no"));
            CHECK(copy.second.pop() == "no");
        }
        // An end whose peer writes half a message.
        auto [raw, end] = detail::make_socketpair(SOCK_STREAM);
        writer out;
        std::vector<unique_fd> sent;
        {
            const detail::descriptor_scope here(detail::outgoing_descriptors(), &sent);
            detail::encode_descriptor(out, end.get());
        }
        end.reset();
        const detail::descriptor_scope here(detail::incoming_descriptors(), &sent);
        reader in(out.bytes());
        auto half = codec<channel<int>>::decode(in);
        const std::uint64_t sizes[] = {1, 0, 1000};
        REQUIRE(::write(raw.get(), sizes, 9) == 9);
        CHECK_THROWS_AS(half.pop(), codec_error);  // one byte is no int
        REQUIRE(::write(raw.get(), &sizes[2], 8) == 8);
        raw.reset();
        CHECK_THROWS_AS(half.pop(), codec_error);
    });
}

TEST_CASE("a channel goes only where descriptors can", "[channel]") {
    auto [a, b] = channel<int>::make();
    writer out;
    CHECK_THROWS_AS(encode(out, a), codec_error);
}

TEST_CASE("a copy is another handle of the same end", "[channel]") {
    leaves_nothing([] {
        auto [a, b] = channel<int>::make();
        auto copy = a;
        CHECK(copy.push(1));
        CHECK(b.pop() == 1);
        a.close();
        CHECK(copy.push(2));
        CHECK(b.pop() == 2);
        const auto closed = a;
        CHECK(closed.is_closed());
        copy = std::move(a);
        CHECK_FALSE(b.pop(30s));
    });
}
