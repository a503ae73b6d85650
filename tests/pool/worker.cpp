// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/worker.hpp>

#include "pool/tools.hpp"

#include <string>
#include <thread>

TEST_CASE("the process that calls worker_main is no worker", "[worker]") {
    CHECK_FALSE(tandem::is_worker());
}

TEST_CASE("worker_main starts one helper, however often it is called", "[worker]") {
    const auto end = tools::in_child([] {
        std::string counts;
        for (int i = 0; i < 3; ++i) {
            tandem::worker_main(0, nullptr);
            counts += std::to_string(tools::children_of(::getpid()).size());
        }
        return counts;
    });
    CHECK(end.text == "111");
}

TEST_CASE("worker_main in a process with threads is refused", "[worker]") {
    const auto end = tools::in_child([] {
        tools::mailbox gate;
        std::thread other([&] { gate.receive(); });
        std::string text = "started";
        try {
            tandem::worker_main(0, nullptr);
        } catch (const tandem::invalid_state&) {
            text = "refused";
        }
        gate.send(1);
        other.join();
        return text;
    });
    CHECK(end.text == "refused");
}
