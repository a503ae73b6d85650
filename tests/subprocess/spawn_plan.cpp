// SPDX-License-Identifier: BSL-1.0
#include <tandem/subprocess/spawn_plan.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <unistd.h>

using namespace tandem;
using namespace tandem::detail;

namespace {

std::vector<std::string> strings(const char* const* from) {
    std::vector<std::string> all;
    for (; *from; ++from) all.emplace_back(*from);
    return all;
}
std::size_t count(const std::vector<std::string>& all, const std::string& one) {
    return static_cast<std::size_t>(std::count(all.begin(), all.end(), one));
}

}  // namespace

TEST_CASE("an environment that is left alone is not copied", "[spawn_plan]") {
    const command c{"true"};
    spawn_plan plan(command_access::parts(c), {}, false);
    CHECK(plan.orders().envp == environ);
    CHECK(strings(plan.orders().argv) == std::vector<std::string>{"true"});
}

TEST_CASE("a variable that is set replaces the one there is", "[spawn_plan]") {
    ::setenv("TANDEM_PLAN", "old", 1);
    const auto c = command{"true"}.env("TANDEM_PLAN", "new").env("TANDEM_PLAN_2", "x");
    spawn_plan plan(command_access::parts(c), {}, false);
    const auto all = strings(plan.orders().envp);
    CHECK(count(all, "TANDEM_PLAN=new") == 1);
    CHECK(count(all, "TANDEM_PLAN_2=x") == 1);
    CHECK(count(all, "TANDEM_PLAN=old") == 0);
    ::unsetenv("TANDEM_PLAN");
}

TEST_CASE("the files to try come from the PATH of the program", "[spawn_plan]") {
    const auto files = [](const char* path) {
        const auto c = command{"x"}.clear_env().env("PATH", path);
        spawn_plan plan(command_access::parts(c), {}, false);
        return strings(plan.orders().candidates);
    };
    CHECK(files("/a:/b/:c::/d") == std::vector<std::string>{"/a/x", "/b//x", "/d/x"});
    CHECK(files("").empty());
    const auto none = command{"x"}.clear_env();
    spawn_plan plan(command_access::parts(none), {}, false);
    CHECK(strings(plan.orders().candidates) == std::vector<std::string>{"/bin/x", "/usr/bin/x"});
}

TEST_CASE("descriptors in the way of others step aside first", "[spawn_plan]") {
    const auto c = command{"true"}.pass_fd(7, 3).pass_fd(3, 7).pass_fd(9, 9);
    spawn_plan plan(command_access::parts(c), {.in = 9, .out = 12, .err = -1, .err_to_out = true},
                    false);
    auto& orders = plan.orders();
    REQUIRE(orders.move_count == 6);
    const auto* move = orders.moves;
    CHECK((move[0].from == 9 && move[0].to == 0 && move[0].lift));
    CHECK((move[1].from == 12 && move[1].to == 1 && !move[1].lift));
    CHECK((move[2].from == 12 && move[2].to == 2 && !move[2].lift));
    CHECK((move[3].lift && move[4].lift));
    CHECK((move[5].from == 9 && !move[5].lift));
    CHECK(orders.above == 13);
    CHECK(std::vector<int>(orders.kept, orders.kept + orders.kept_count) ==
          std::vector<int>{3, 7, 9});
}

TEST_CASE("a new group is made unless the command says where it belongs", "[spawn_plan]") {
    const auto sets = [](const command& c) {
        spawn_plan plan(command_access::parts(c), {}, true);
        return plan.orders().set_group;
    };
    CHECK(sets({"true"}));
    CHECK_FALSE(sets(command{"true"}.new_session()));
    CHECK(sets(command{"true"}.process_group(5)));
}
