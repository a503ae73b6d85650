// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/worker_local.hpp>

#include "support/catch.hpp"

#include <stdexcept>
#include <string>
#include <thread>

using tandem::worker_local;

namespace {

struct model {
    explicit model(int answer) : value(answer) {
        ++built;
        if (answer < 0) throw std::runtime_error("no model");
    }
    int value;
    static inline int built = 0;
};
struct other {};

}  // namespace

TEST_CASE("a thread's own is built when it is first asked for", "[worker_local]") {
    bool thrown = false;
    int in_thread = 0;
    std::thread([&] {
        try {
            worker_local<model>(-1);
        } catch (const std::runtime_error&) {
            thrown = true;
        }
        worker_local<model>(5);
        in_thread = worker_local<model>(6).value;
    }).join();
    CHECK(thrown);
    CHECK(in_thread == 5);
    CHECK(model::built == 2);
    CHECK(worker_local<model>(7).value == 7);
    worker_local<std::string>() = "a";
    worker_local<std::string, other>() = "b";
    CHECK(worker_local<std::string>() == "a");
}
