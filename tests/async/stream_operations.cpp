// SPDX-License-Identifier: BSL-1.0
#include <tandem/async/stream_operations.hpp>

#include "tools.hpp"

#include <tandem/async/unix_socket.hpp>

#include <string>
#include <type_traits>
#include <utility>

using namespace async_tests;
using tandem::stream;
using tandem::task;

// Awaited once, as an rvalue.
template <class A>
concept awaitable_as_lvalue = requires(A& a) { a.operator co_await(); };
static_assert(!awaitable_as_lvalue<decltype(std::declval<stream&>().read_line())>);

TEST_CASE("an operation of a stream may be made first and awaited later", "[stream_operations]") {
    const auto main = []() -> task<> {
        auto [near, far] = tandem::unix_socket::pair();
        auto writes = near.write("line\n");
        auto reads = far.read_line();
        CHECK(near.unsent() == 0);
        co_await std::move(writes);
        const auto line = co_await std::move(reads);
        CHECK(line == "line");
    };
    run(main());
}

TEST_CASE("a search goes on with another separator where it was", "[stream_operations]") {
    const auto main = []() -> task<> {
        auto [near, far] = tandem::unix_socket::pair();
        co_await near.write("a,b;c");
        const auto until = [](stream& from, std::string separator) -> task<std::string> {
            co_return (co_await from.read_until(separator)).value();
        };
        const auto none = co_await tandem::move_on_after(1ms, until(far, "\n"));
        CHECK_FALSE(none);
        const auto first = co_await until(far, ";");
        CHECK(first == "a,b;");
        const auto rest = co_await far.read_exactly(1);
        CHECK(rest == "c");
    };
    run(main());
}
