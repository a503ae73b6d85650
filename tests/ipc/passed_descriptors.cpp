// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/passed_descriptors.hpp>

#include "support/catch.hpp"

#include <cstddef>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

using namespace tandem::detail;
using tandem::reader;
using tandem::unique_fd;
using tandem::writer;

TEST_CASE("a descriptor without a way along is refused", "[passed_descriptors]") {
    writer out;
    CHECK_THROWS_AS(encode_descriptor(out, 0), tandem::codec_error);
    tandem::encode(out, std::uint32_t{0});
    reader in(out.bytes());
    CHECK_THROWS_AS(decode_descriptor(in), tandem::codec_error);
}

TEST_CASE("descriptors go beside the bytes and are taken by their places", "[passed_descriptors]") {
    auto [a, b] = make_socketpair(SOCK_STREAM);
    auto [x, y] = make_socketpair(SOCK_STREAM);
    writer out;
    std::vector<unique_fd> sent;
    {
        const descriptor_scope here(outgoing_descriptors(), &sent);
        encode_descriptor(out, x.get());
        encode_descriptor(out, y.get());
    }
    CHECK(outgoing_descriptors() == nullptr);
    REQUIRE(sent.size() == 2);
    REQUIRE(send_with(a.get(), out.bytes(), sent, 0) == 8);
    x.reset();
    sent.clear();

    std::byte bytes[8];
    std::vector<unique_fd> came;
    REQUIRE(receive_with(b.get(), bytes, came, 0) == 8);
    REQUIRE(came.size() == 2);
    const descriptor_scope here(incoming_descriptors(), &came);
    reader in(bytes);
    const auto first = decode_descriptor(in);
    CHECK((::fcntl(first.get(), F_GETFD) & FD_CLOEXEC) != 0);
    REQUIRE(::write(first.get(), "z", 1) == 1);
    char byte = 0;
    CHECK(::read(y.get(), &byte, 1) == 1);
    CHECK(byte == 'z');
    // A second taking, and a place that there is not.
    reader again(bytes);
    CHECK_THROWS_AS(decode_descriptor(again), tandem::codec_error);
    writer wrong;
    tandem::encode(wrong, std::uint32_t{7});
    reader none(wrong.bytes());
    CHECK_THROWS_AS(decode_descriptor(none), tandem::codec_error);
}

TEST_CASE("no message takes more descriptors than the kernel does", "[passed_descriptors]") {
    writer out;
    std::vector<unique_fd> sent;
    const descriptor_scope here(outgoing_descriptors(), &sent);
    for (std::size_t i = 0; i < most_passed; ++i) encode_descriptor(out, 0);
    CHECK_THROWS_AS(encode_descriptor(out, 0), tandem::codec_error);
    auto [a, b] = make_socketpair(SOCK_STREAM);
    REQUIRE(send_with(a.get(), out.bytes().first(4), sent, 0) == 4);
    std::byte bytes[4];
    std::vector<unique_fd> came;
    CHECK(receive_with(b.get(), bytes, came, 0) == 4);
    CHECK(came.size() == most_passed);
}
