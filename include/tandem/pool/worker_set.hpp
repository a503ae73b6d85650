// SPDX-License-Identifier: BSL-1.0
// tandem/pool/worker_set.hpp: a pool's worker processes: asked for, met, and let go.        level 3
#pragma once

#include <tandem/core/error.hpp>
#include <tandem/pool/launch.hpp>
#include <tandem/pool/worker_handle.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>

namespace tandem::detail {

// What all workers of a pool start with.
struct worker_start {
    start_method method = start_method::forkserver;
    std::vector<std::byte> setup = {};  // what a worker has to do first; empty: nothing
    std::size_t quota = SIZE_MAX;
    std::size_t memory_limit = 0;
    bool keep_stderr = false;
};

// What the options say about that.
inline worker_start start_of(const process_pool_options& options) {
    worker_start how;
    how.method = options.start;
    how.memory_limit = options.memory_limit;
    how.keep_stderr = options.stderr_tail != 0;
    if (options.max_tasks_per_worker > 0) {
        how.quota = static_cast<std::size_t>(options.max_tasks_per_worker);
    }
    if (!options.initializer) return how;
    const auto name = options.initializer.name();
    const auto arguments = options.initializer.arguments();
    const std::uint64_t size = arguments.size();
    const chunk_head head{first_chunk, 1, name.size(),
                          name.size() + sizeof size + arguments.size()};
    writer message;
    message.write(&head, sizeof head);
    message.write(name.data(), name.size());
    message.write(&size, sizeof size);
    message.write(arguments.data(), arguments.size());
    how.setup.assign(message.bytes().begin(), message.bytes().end());
    return how;
}

// The workers of one pool and the connection to the helper that forks them.
// Thread safety: guarded by the pool's mutex; only the manager changes the set.
class worker_set {
   public:
    explicit worker_set(worker_start how = {}) : how_(std::move(how)) {}

    // Throws: what fork_server::get() and open_session() throw.
    void connect() {
        server_ = fork_server::get(how_.method);
        session_ = server_->open_session();
    }

    const std::vector<std::unique_ptr<worker_handle>>& all() const noexcept { return workers_; }
    int session() const noexcept { return session_.get(); }
    std::size_t replaced() const noexcept { return replaced_; }
    bool has_starting() const noexcept {
        return std::ranges::any_of(
            workers_, [](const auto& one) { return one->state == worker_handle::life::starting; });
    }

    // Asks the helper for one more worker. Throws: io_error, broken_pool.
    void request(int slot = 0) {
        auto made = std::make_unique<worker_handle>();
        auto [ours, theirs] = make_socketpair(SOCK_STREAM);
        made->name = ++last_name_;
        made->slot = slot;
        made->socket = std::move(ours);
        made->region = shared_region::create(sizeof(channel_memory));
        unique_fd memory(::fcntl(made->region.fd(), F_DUPFD_CLOEXEC, 3));
        if (!memory) throw_io_error("cannot pass a shared region on", errno);
        std::vector<unique_fd> passed;
        passed.push_back(std::move(theirs));
        passed.push_back(std::move(memory));
        if (how_.keep_stderr) passed.push_back(made->err.open());
        made->quota = how_.quota;
        made->ready = how_.setup.empty();
        made->unsent = how_.setup;
        const fork_request message{made->name, how_.memory_limit, how_.keep_stderr ? 1u : 0u};
        if (!send_packet(session_.get(), &message, sizeof message, passed)) {
            throw broken_pool("process_pool: the helper process is gone");
        }
        made->region.close_fd();
        workers_.push_back(std::move(made));
    }
    void request_replacement(int slot = 0) {
        request(slot);
        ++replaced_;
    }

    // Takes one message of the helper. False: there is none now. Throws: broken_pool if the helper
    // is gone, or if a worker could not be forked and none is left.
    bool take_message(int flags) {
        helper_message message;
        auto received = receive_packet(session_.get(), &message, sizeof message, flags);
        if (received.size < 0) return false;
        if (received.size != sizeof message) {
            throw broken_pool("process_pool: the helper process is gone");
        }
        const auto it = std::ranges::find_if(
            workers_, [&](const auto& one) { return one->name == message.worker; });
        if (it == workers_.end()) return true;
        auto& one = **it;
        switch (message.news) {
            case helper_news::forked:
                one.pid = message.pid;
                // The kernel leaves out a descriptor for which there is no room here.
                if (received.fds.empty()) throw_io_error("cannot receive a pidfd", EMFILE);
                one.pidfd = std::move(received.fds[0]);
                one.state = worker_handle::life::running;
                break;
            case helper_news::ended:
                one.wait_status = message.status;
                one.has_ended = true;
                break;
            case helper_news::failed:
                workers_.erase(it);
                if (workers_.empty()) {
                    throw broken_pool(std::string("process_pool: cannot fork a worker: ") +
                                      std::strerror(message.status));
                }
                break;
        }
        return true;
    }

    // The helper does not answer: it may have been stopped.
    void nudge_helper() noexcept { server_->nudge(); }

    // The helper is gone and says no more: those that it was asked for do not come.
    void give_up_starting() noexcept {
        for (const auto& one : workers_) {
            if (one->state == worker_handle::life::starting) one->has_ended = true;
        }
    }

    std::unique_ptr<worker_handle> remove(const worker_handle& which) noexcept {
        const auto it =
            std::ranges::find_if(workers_, [&](const auto& one) { return one.get() == &which; });
        auto removed = std::move(*it);
        workers_.erase(it);
        return removed;
    }

   private:
    const worker_start how_;
    std::shared_ptr<fork_server> server_;
    unique_fd session_;
    std::vector<std::unique_ptr<worker_handle>> workers_;
    std::uint64_t last_name_ = 0;
    std::size_t replaced_ = 0;
};

}  // namespace tandem::detail
