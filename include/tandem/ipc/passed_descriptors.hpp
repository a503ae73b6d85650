// SPDX-License-Identifier: BSL-1.0
// tandem/ipc/passed_descriptors.hpp: descriptors that travel beside the bytes of a value.        level 1
#pragma once

#include <tandem/core/error.hpp>
#include <tandem/core/unique_fd.hpp>
#include <tandem/ipc/codec.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>

namespace tandem::detail {

// The kernel's limit for one message is 253.
inline constexpr std::size_t most_passed = 64;

// Where an encoder puts the descriptors that go along; null where bytes alone go.
inline std::vector<unique_fd>*& outgoing_descriptors() noexcept {
    static thread_local std::vector<unique_fd>* list = nullptr;
    return list;
}
// Where a decoder finds those that came along.
inline std::vector<unique_fd>*& incoming_descriptors() noexcept {
    static thread_local std::vector<unique_fd>* list = nullptr;
    return list;
}

// Sets one of the two for a scope.
class descriptor_scope {
   public:
    descriptor_scope(std::vector<unique_fd>*& place, std::vector<unique_fd>* list) noexcept
        : place_(place), before_(std::exchange(place, list)) {}
    descriptor_scope(const descriptor_scope&) = delete;
    descriptor_scope& operator=(const descriptor_scope&) = delete;
    ~descriptor_scope() { place_ = before_; }

   private:
    std::vector<unique_fd>*& place_;
    std::vector<unique_fd>* before_;
};

// Sends a copy of a descriptor along with the value that is being encoded. Throws: codec_error
// where there is no way for it; io_error.
inline void encode_descriptor(writer& out, int fd) {
    auto* list = outgoing_descriptors();
    if (!list) {
        throw codec_error(
            "this value holds a descriptor: it can be an argument of process or submit, no more");
    }
    if (list->size() == most_passed) throw codec_error("too many descriptors in one message");
    unique_fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
    if (!copy) throw_io_error("cannot copy a descriptor", errno);
    encode(out, static_cast<std::uint32_t>(list->size()));
    list->push_back(std::move(copy));
}
// Sends copies of all of them along, in a message that has none yet. Throws: as above.
inline void pass_on(std::span<const unique_fd> fds) {
    writer places;  // known to whoever encoded the values
    for (const auto& fd : fds) encode_descriptor(places, fd.get());
}
// Throws: codec_error if it did not come along, or was taken already.
inline unique_fd decode_descriptor(reader& in) {
    const auto index = decode<std::uint32_t>(in);
    auto* list = incoming_descriptors();
    if (!list || index >= list->size() || !(*list)[index]) {
        throw codec_error("a descriptor did not come along with the value that holds it");
    }
    return std::move((*list)[index]);
}

// Sends some of the bytes, and all of the descriptors with the first of them. Returns, errno: as
// send().
inline ssize_t send_with(int socket, std::span<const std::byte> bytes,
                         std::span<const unique_fd> fds, int flags) noexcept {
    iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(most_passed * sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (!fds.empty()) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
        cmsghdr* head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
        for (std::size_t i = 0; i < fds.size(); ++i) {
            const int fd = fds[i].get();
            std::memcpy(CMSG_DATA(head) + i * sizeof fd, &fd, sizeof fd);
        }
    }
    return retry_interrupted([&] { return ::sendmsg(socket, &message, flags | MSG_NOSIGNAL); });
}
// Receives some bytes, and adds the descriptors that came with them. Returns, errno: as recv().
inline ssize_t receive_with(int socket, std::span<std::byte> bytes, std::vector<unique_fd>& fds,
                            int flags) {
    iovec part{bytes.data(), bytes.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(most_passed * sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const auto n =
        retry_interrupted([&] { return ::recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC); });
    if (n < 0) return n;
    for (cmsghdr* head = CMSG_FIRSTHDR(&message); head; head = CMSG_NXTHDR(&message, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
        const auto count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd;
            std::memcpy(&fd, CMSG_DATA(head) + i * sizeof fd, sizeof fd);
            fds.emplace_back(fd);
        }
    }
    return n;
}

}  // namespace tandem::detail
