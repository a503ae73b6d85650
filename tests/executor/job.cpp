// SPDX-License-Identifier: BSL-1.0
#include <tandem/executor/job.hpp>

#include "../support/catch.hpp"

#include <tandem/executor/running_calls.hpp>

#include <exception>
#include <memory>
#include <stdexcept>
#include <vector>

using namespace tandem::detail;

namespace {

class listening_context final : public executor_context {
   public:
    void report(std::exception_ptr error) noexcept override { reported.push_back(error); }
    std::vector<std::exception_ptr> reported;
};

template <class F>
job* detached(executor_context& context, F f) {
    return new detached_job<F>(context, std::move(f));
}

}  // namespace

TEST_CASE("a detached call is made once and then gone", "[job]") {
    listening_context context;
    running_calls here;
    const auto alive = std::make_shared<int>(0);
    job* const item = detached(context, [alive] { ++*alive; });
    CHECK(item->waiting() == 1);
    const auto made = item->execute(here);
    CHECK(made.made == 1);
    CHECK(made.thrown == 0);
    CHECK(*alive == 1);
    CHECK(alive.use_count() == 1);
}

TEST_CASE("what a detached call throws is reported, after it is gone", "[job]") {
    listening_context context;
    running_calls here;
    const auto alive = std::make_shared<int>(0);
    const auto made =
        detached(context, [alive] { throw std::runtime_error("call"); })->execute(here);
    CHECK(made.made == 1);
    CHECK(made.thrown == 1);
    CHECK(alive.use_count() == 1);
    REQUIRE(context.reported.size() == 1);
    CHECK_THROWS_WITH(std::rethrow_exception(context.reported[0]), "call");
}

TEST_CASE("a detached call that is dropped or let go is not made", "[job]") {
    listening_context context;
    const auto alive = std::make_shared<int>(0);
    CHECK(detached(context, [alive] { ++*alive; })->drop(nullptr) == 1);
    detached(context, [alive] { ++*alive; })->let_go();
    CHECK(*alive == 0);
    CHECK(alive.use_count() == 1);
}
