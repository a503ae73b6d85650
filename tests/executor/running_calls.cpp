// SPDX-License-Identifier: BSL-1.0
#include <tandem/executor/running_calls.hpp>

#include "../support/catch.hpp"

#include <tandem/executor/submit_work.hpp>

#include <chrono>
#include <vector>

using namespace std::chrono_literals;
using namespace tandem::detail;

namespace {

class one_call final : public state<void>, public work {
   public:
    one_call() : work(static_cast<future_state&>(*this)) {}
    using state<void>::add_ref;
    using state<void>::drop_ref;
    call_range claim(std::size_t) noexcept override { return {}; }
    std::size_t unclaimed() const noexcept override { return 0; }
    job::tally run(call_range) noexcept override { return {}; }
    std::size_t abandon(std::exception_ptr) noexcept override { return 0; }
};

std::vector<const work*> closed(running_calls& calls) {
    std::vector<const work*> found;
    while (calls.close([&](work& one) { found.push_back(&one); })) {
    }
    return found;
}

}  // namespace

TEST_CASE("calls inside calls are listed with their times", "[running_calls]") {
    running_calls calls;
    std::vector<tandem::running_task> listed;
    calls.append_depths(7, listed);
    CHECK(listed.empty());
    for (int i = 0; i < 40; ++i) calls.begin();
    calls.append_depths(7, listed);
    REQUIRE(listed.size() == 40);
    for (const auto& one : listed) {
        CHECK(one.pid == 7);
        CHECK(one.elapsed >= 0ns);
        CHECK(one.elapsed < 1h);
    }
    for (int i = 0; i < 39; ++i) calls.end();
    listed.clear();
    calls.append_depths(7, listed);
    CHECK(listed.size() == 1);
}

TEST_CASE("works are listed while they are pulled from", "[running_calls]") {
    running_calls calls;
    one_call a;
    one_call b;
    {
        const running_calls::pulling outer(calls, a);
        {
            const running_calls::pulling inner(calls, b);
            CHECK(inner.open());
            std::vector<tandem::running_task> listed;
            calls.append_pulling(1, listed);
            CHECK(listed.size() == 2);
        }
        CHECK(closed(calls) == std::vector<const work*>{&a});
    }
    CHECK(closed(calls).empty());
    const running_calls::pulling late(calls, b);
    CHECK_FALSE(late.open());
}
