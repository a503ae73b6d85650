// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/worker_set.hpp>

#include "pool/tools.hpp"

#include <csignal>

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

using tandem::detail::worker_handle;
using tandem::detail::worker_set;

namespace {

void meet_all(worker_set& workers) {
    while (workers.has_starting()) workers.take_message(0);
}

}  // namespace

TEST_CASE("workers are asked for, met, and told of when they end", "[worker_set]") {
    tools::leaves_nothing([] {
        worker_set workers;
        workers.connect();
        CHECK_FALSE(workers.has_starting());
        workers.request();
        workers.request();
        CHECK(workers.has_starting());
        meet_all(workers);
        REQUIRE(workers.all().size() == 2);
        const auto& one = *workers.all()[0];
        CHECK(one.state == worker_handle::life::running);
        CHECK(tools::exists(one.pid));
        CHECK(one.pidfd);
        CHECK_FALSE(workers.take_message(MSG_DONTWAIT));

        tools::kill_one(one.pid, SIGTERM);
        CHECK(workers.take_message(0));
        CHECK(one.has_ended);
        REQUIRE(one.wait_status);
        CHECK(WTERMSIG(*one.wait_status) == SIGTERM);

        CHECK(workers.replaced() == 0);
        const auto gone = workers.remove(one);
        CHECK(gone.get() == &one);
        workers.request_replacement();
        meet_all(workers);
        CHECK(workers.all().size() == 2);
        CHECK(workers.replaced() == 1);
    });
}

TEST_CASE("a set of workers that goes away takes them along", "[worker_set]") {
    tools::leaves_nothing([] {
        int pid = 0;
        {
            worker_set workers;
            workers.connect();
            workers.request();
            meet_all(workers);
            pid = workers.all()[0]->pid;
        }
        CHECK(tools::eventually([&] { return !tools::exists(pid); }));
    });
}

TEST_CASE("a pidfd that finds no room is an io_error, not a worker that cannot be killed",
          "[worker_set]") {
    if (tools::sanitized) return;
    tools::leaves_nothing([] {
        worker_set workers;
        workers.connect();
        workers.request();
        pollfd news{workers.session(), POLLIN, 0};
        REQUIRE(::poll(&news, 1, 10'000) == 1);
        rlimit before{};
        ::getrlimit(RLIMIT_NOFILE, &before);
        const rlimit none{3, before.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &none);
        bool thrown = false;
        try {
            workers.take_message(MSG_DONTWAIT);
        } catch (const tandem::io_error& e) {
            thrown = e.code() == std::errc::too_many_files_open;
        }
        ::setrlimit(RLIMIT_NOFILE, &before);
        CHECK(thrown);
        workers.give_up_starting();
        CHECK(workers.all()[0]->has_ended);
    });
}
