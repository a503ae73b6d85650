// SPDX-License-Identifier: BSL-1.0
#include <tandem/async/socket_address.hpp>

#include "tools.hpp"

#include <stdexcept>
#include <string>

using namespace async_tests;
using tandem::socket_address;
using tandem::task;

namespace {

task<std::string> first_of(std::string host, int port) {
    const auto all = co_await tandem::detail::resolve(host, port, 0, SOCK_STREAM);
    co_return all.at(0).text();
}

}  // namespace

TEST_CASE("numbers and names become addresses", "[socket_address]") {
    CHECK(run(first_of("127.0.0.1", 80)) == "127.0.0.1:80");
    CHECK(run(first_of("::1", 65535)) == "[::1]:65535");
    const auto local = run(first_of("localhost", 7));
    CHECK((local == "127.0.0.1:7" || local == "[::1]:7"));
}

TEST_CASE("what is no address is told", "[socket_address]") {
    const auto text = run(failure_of(first_of("no such host", 80)));
    CHECK(text.find("cannot look up no such host: ") == 0);
    CHECK(run(failure_of(first_of("127.0.0.1", 65536))) == "there is no port 65536");
    CHECK(run(failure_of(first_of("127.0.0.1", -1))) == "there is no port -1");
}

TEST_CASE("a path is an address of this machine", "[socket_address]") {
    const auto file = socket_address::of_path("/tmp/some");
    CHECK(file.family() == AF_UNIX);
    CHECK(file.text() == "/tmp/some");
    CHECK(file.port() == 0);
    const std::string abstract("\0some", 5);
    CHECK(socket_address::of_path(abstract).host() == abstract);
    CHECK_THROWS_AS(socket_address::of_path(""), std::invalid_argument);
    CHECK_THROWS_AS(socket_address::of_path(std::string(200, 'x')), std::invalid_argument);
    CHECK(socket_address().family() == AF_UNSPEC);
    CHECK(socket_address().text().empty());
}
