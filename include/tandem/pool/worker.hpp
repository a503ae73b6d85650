// SPDX-License-Identifier: BSL-1.0
// tandem/pool/worker.hpp: the line at the start of main() that makes workers possible anywhere.        level 3
#pragma once

#include <tandem/pool/launch.hpp>

namespace tandem {

/// Starts the helper process that forks workers, while this process has one thread. Call it first
/// in main(): then a process_pool can be made anywhere, whatever threads there are by then.
/// Effects: forks a small process that ends with this one. Calling it again changes nothing. In a
/// process that a pool with start_method::spawn has started, it serves the pool and never returns.
/// Throws: invalid_state if the process has threads already; io_error.
/// Python: `if __name__ == "__main__":`.
inline void worker_main(int argc, char** argv) {
    detail::fork_server::serve_if_spawned(argc, argv);
    detail::fork_server::start_early();
    detail::fork_server::program().store(argc > 0 ? argv[0] : "tandem", std::memory_order_release);
}

/// Whether this process is a worker of a process_pool.
inline bool is_worker() noexcept { return detail::inside_worker(); }

}  // namespace tandem
