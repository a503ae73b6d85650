// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/resume.hpp>

#include "../support/catch.hpp"

#include <coroutine>
#include <exception>
#include <thread>
#include <type_traits>
#include <vector>

using tandem::resume_scope;
using tandem::resumer;

namespace {

struct keeps final : resumer {
    void resume(std::coroutine_handle<> coroutine) noexcept override { got.push_back(coroutine); }
    std::vector<std::coroutine_handle<>> got;
};

}  // namespace

TEST_CASE("a thread has no resumer of its own accord", "[resume]") {
    CHECK(resumer::current() == nullptr);
}

TEST_CASE("a scope sets the thread's resumer and puts the one before back", "[resume]") {
    keeps outer;
    keeps inner;
    {
        const resume_scope first(outer);
        CHECK(resumer::current() == &outer);
        {
            const resume_scope second(inner);
            CHECK(resumer::current() == &inner);
        }
        CHECK(resumer::current() == &outer);
    }
    CHECK(resumer::current() == nullptr);
}

TEST_CASE("an exception ends the scope too", "[resume]") {
    keeps here;
    try {
        const resume_scope scope(here);
        throw 1;
    } catch (int) {
        CHECK(resumer::current() == nullptr);
    }
    CHECK(resumer::current() == nullptr);
}

TEST_CASE("another thread has its own resumer", "[resume]") {
    keeps here;
    const resume_scope scope(here);
    const resumer* seen = &here;
    std::thread([&] { seen = resumer::current(); }).join();
    CHECK(seen == nullptr);
    CHECK(resumer::current() == &here);
}

TEST_CASE("a resumer is given the coroutine", "[resume]") {
    keeps here;
    const resume_scope scope(here);
    resumer::current()->resume(std::noop_coroutine());
    REQUIRE(here.got.size() == 1);
    here.got[0].resume();
    STATIC_REQUIRE(!std::is_copy_constructible_v<resume_scope>);
}
