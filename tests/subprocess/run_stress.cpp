// SPDX-License-Identifier: BSL-1.0
#include <tandem/subprocess/run.hpp>

#include "subprocess/tools.hpp"

#include <atomic>
#include <chrono>
#include <random>
#include <string>
#include <thread>
#include <vector>

using namespace tandem;
using namespace std::chrono_literals;
using tools::leaves_nothing;

// If a pipe of one were open in another, some would not see the end of theirs for a while: each
// would need its linger, and say that its streams were abandoned.
TEST_CASE("sixteen threads run a thousand programs each, and none holds a pipe of another",
          "[run]") {
    constexpr int rounds = tools::sanitized ? 60 : 1000;
    leaves_nothing(
        [] {
            std::atomic<int> wrong{0}, abandoned{0};
            std::vector<std::thread> threads;
            for (int t = 0; t < 16; ++t) {
                threads.emplace_back([&, t] {
                    for (int i = 0; i < rounds; ++i) {
                        const auto text = std::to_string(t) + "/" + std::to_string(i);
                        try {
                            const auto r =
                                run({"/bin/cat"},
                                    {.input = text, .capture_output = true, .linger = 10s});
                            if (r.out != text || !r.status.success()) ++wrong;
                            if (r.streams_abandoned) ++abandoned;
                        } catch (const std::exception&) {
                            ++wrong;
                        }
                    }
                });
            }
            for (auto& t : threads) t.join();
            CHECK(wrong == 0);
            CHECK(abandoned == 0);
        },
        std::chrono::seconds(110));
}

TEST_CASE("programs that are started, killed, dropped and left at random leave nothing", "[run]") {
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    leaves_nothing([seed] {
        std::mt19937 random(seed);
        const int rounds = tools::sanitized ? 100 : 500;
        for (int i = 0; i < rounds; ++i) {
            const bool group = random() % 4 == 0;
            const bool ends = random() % 2 == 0;
            subprocess p({"sh", "-c", ends ? "echo $$; exit 0" : "echo $$; exec sleep 1000"},
                         {.in = random() % 2 == 0 ? stdio::pipe : stdio::null,
                          .out = stdio::pipe,
                          .kill = group ? kill_scope::group : kill_scope::child});
            switch (random() % 6) {
                case 0:
                    p.kill();
                    break;
                case 1:
                    p.terminate();
                    static_cast<void>(p.wait(0ms));
                    break;
                case 2:
                    static_cast<void>(p.out().read());
                    break;
                case 3:
                    try {
                        p.communicate({}, std::chrono::microseconds(random() % 3000));
                    } catch (const timeout_expired&) {
                    }
                    break;
                case 4:
                    static_cast<void>(p.wait(std::chrono::microseconds(random() % 3000)));
                    break;
                default:
                    break;
            }
        }
    });
}
