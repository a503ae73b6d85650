// SPDX-License-Identifier: BSL-1.0
#include <tandem/async/descriptor_table.hpp>

#include "../support/catch.hpp"

#include <chrono>

#include <sys/socket.h>
#include <unistd.h>

using namespace std::chrono_literals;
using namespace tandem::detail;

namespace {

struct hears final : descriptor_waiter {
    int times = 0;
    void on_descriptor_ready() noexcept override { ++times; }
};

}  // namespace

TEST_CASE("reader and writer of one descriptor hear of their own", "[descriptor_table]") {
    reactor from;
    descriptor_table table(from);
    auto [near, far] = make_socketpair(SOCK_STREAM | SOCK_NONBLOCK);
    hears reader, writer, other;
    CHECK(table.add(near.get(), ready_to_read, reader));
    CHECK(table.add(near.get(), ready_to_write, writer));
    CHECK_THROWS_AS(table.add(near.get(), ready_to_read, other), tandem::invalid_state);
    from.poll(1s);
    CHECK(writer.times == 1);
    CHECK(reader.times == 0);
    REQUIRE(::write(far.get(), "x", 1) == 1);
    from.poll(1s);
    CHECK(reader.times == 1);
    from.poll(0s);
    CHECK(reader.times + writer.times == 2);
}

TEST_CASE("one that leaves hears nothing, and the other still does", "[descriptor_table]") {
    reactor from;
    descriptor_table table(from);
    auto [near, far] = make_socketpair(SOCK_STREAM | SOCK_NONBLOCK);
    hears reader, writer;
    table.add(near.get(), ready_to_read, reader);
    table.add(near.get(), ready_to_write, writer);
    table.remove(near.get(), ready_to_write);
    table.remove(near.get(), ready_to_write);
    from.poll(0s);
    REQUIRE(::write(far.get(), "x", 1) == 1);
    from.poll(1s);
    CHECK(reader.times == 1);
    CHECK(writer.times == 0);
    table.remove(12345, ready_to_read);
}
