// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/process_pool_manager.hpp>

#include "pool/tools.hpp"

#include <tandem/executor/submit_work.hpp>

using namespace tandem::detail;
using tandem::process_pool_options;

namespace {

int twice(int x) { return 2 * x; }
using call = shipped_submit<int, int (*)(int), int>;

}  // namespace

TEST_CASE("a manager hands calls out and brings results home until it is asked to leave",
          "[process_pool_manager]") {
    tools::leaves_nothing([] {
        const auto manager = make_ref<process_pool_manager>(process_pool_options{.workers = 2});
        manager->open();
        CHECK(tools::workers().size() == 2);
        const auto one = make_ref<call>(manager, &twice, 21);
        manager->start(ref<work>::share(one.get()), 1, admission::submitted);
        one->wait();
        CHECK(one->result().value() == 42);
        manager->close();
        manager->join();
        CHECK(tools::workers().empty());
        CHECK(manager->stats().done == 1);
    });
}

TEST_CASE("a manager that was never opened leaves nothing", "[process_pool_manager]") {
    tools::leaves_nothing([] {
        static_cast<void>(make_ref<process_pool_manager>(process_pool_options{.workers = 2}));
    });
}
