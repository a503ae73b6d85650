// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/launch.hpp>

#include "pool/tools.hpp"

#include <string>
#include <thread>

using tandem::detail::fork_server;
using tandem::detail::thread_count;

TEST_CASE("threads are counted while they run our code, not when they were joined", "[launch]") {
    const auto end = tools::in_child([] {
        std::thread([] {}).join();  // a sanitizer's own thread comes with the first
        const int sanitizer = thread_count() - 1;
        for (int i = 0; i < 200; ++i) {
            std::thread([] {}).join();
            if (thread_count() != 1 + sanitizer) return std::string("counts a joined thread");
        }
        tools::mailbox gate;
        std::thread other([&] { gate.receive(); });
        const int two = thread_count() - sanitizer;
        gate.send(1);
        other.join();
        return std::to_string(two);
    });
    CHECK(end.text == "2");
}

TEST_CASE("there is one helper as long as somebody has it", "[launch]") {
    tools::leaves_nothing([] {
        const auto one = fork_server::get();
        const auto other = fork_server::get();
        CHECK(one == other);  // the one that worker_main started
        CHECK(one->usable());
    });
}

TEST_CASE("a helper is not used in a fork of its owner", "[launch]") {
    const auto inherited = fork_server::get();
    const auto end = tools::in_child([&] {
        if (inherited->usable()) return std::string("usable");
        const auto own = fork_server::get();
        return std::string(own != inherited && own->usable() ? "another" : "the same");
    });
    CHECK(end.text == "another");
    CHECK(inherited->usable());
}

TEST_CASE("a helper that nobody has any more ends", "[launch]") {
    const auto end = tools::in_child([] {
        {
            const auto server = fork_server::get();
            const auto session = server->open_session();
            if (tools::children_of(::getpid()).size() != 1) return std::string("no helper");
        }
        return std::to_string(tools::children_of(::getpid()).size());
    });
    CHECK(end.text == "0");
}

TEST_CASE("a session of a helper that died is refused", "[launch]") {
    const auto end = tools::in_child([] {
        const auto server = fork_server::get();
        tools::kill_one(tools::children_of(::getpid()).at(0), SIGKILL);
        tools::eventually([] { return tools::is_over(tools::children_of(::getpid()).at(0)); });
        try {
            const auto session = server->open_session();
        } catch (const tandem::broken_pool& e) {
            return std::string(e.what());
        }
        return std::string("a session");
    });
    CHECK(end.text == "process_pool: the helper process is gone");
}
