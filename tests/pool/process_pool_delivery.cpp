// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/process_pool_delivery.hpp>

#include "pool/tasks.hpp"

#include <cstddef>
#include <string>
#include <vector>

#include <unistd.h>

using namespace tandem;
using namespace std::chrono_literals;
using namespace tasks;
using tools::leaves_nothing;

TEST_CASE("a slow element does not hold the others of its chunk", "[process_pool_delivery]") {
    leaves_nothing([] {
        process_pool pool(2);
        for (const std::size_t slow : {std::size_t{0}, std::size_t{1}, std::size_t{50}}) {
            tools::mailbox gate;
            std::vector<std::string> elements(200);
            elements[slow] = gate.from();
            auto results = pool.imap_unordered(
                [](const std::string& from) {
                    if (!from.empty()) tools::hear(from);
                    return 0;
                },
                elements, {.chunk_size = 100, .window = 200});
            for (int i = 0; i < 199; ++i) REQUIRE(results.next_for(10s));
            CHECK_THROWS_AS(results.next_for(1ms), timeout_error);
            gate.send(1);
            CHECK(results.next_for(10s));
            CHECK_FALSE(results.next_for(10s));
        }
    });
}

TEST_CASE("two slow elements do not hold the others of their chunks", "[process_pool_delivery]") {
    leaves_nothing([] {
        process_pool pool(3);
        tools::mailbox gate;
        std::vector<std::string> elements(300);
        elements[0] = gate.from();
        elements[100] = gate.from();
        auto results = pool.imap_unordered(
            [](const std::string& from) {
                if (!from.empty()) tools::hear(from);
                return 0;
            },
            elements, {.chunk_size = 100, .window = 300});
        for (int i = 0; i < 298; ++i) REQUIRE(results.next_for(10s));
        gate.send(1);
        gate.send(1);
        CHECK(results.next_for(10s));
        CHECK(results.next_for(10s));
        CHECK_FALSE(results.next_for(10s));
    });
}

TEST_CASE("a result that was written before the death is delivered", "[process_pool_delivery]") {
    leaves_nothing([] {
        process_pool pool(1);
        for (int i = 0; i < 20; ++i) {
            auto results = pool.imap(
                [](int x) {
                    if (x == 9) ::_exit(0);
                    return x;
                },
                first_numbers(10), {.chunk_size = 10});
            int at = 0;
            for (auto& one : results.outcomes()) CHECK(one.has_value() == (at++ < 9));
            CHECK(at == 10);
        }
    });
}
