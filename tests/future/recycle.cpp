// SPDX-License-Identifier: BSL-1.0
#include <tandem/future/recycle.hpp>

#include "../support/catch.hpp"
#include "../support/gate.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

using namespace tandem::detail;

TEST_CASE("a magazine gives back what it was given, the newest first", "[recycle]") {
    magazine m;
    std::vector<void*> blocks;
    for (int i = 0; i < 5; ++i) {
        blocks.push_back(::operator new(64));
        m.push(blocks.back());
    }
    CHECK(m.count == 5);
    for (int i = 0; i < 3; ++i) {
        CHECK(m.pop() == blocks.back());
        ::operator delete(blocks.back());
        blocks.pop_back();
    }
    m.free_all();
    CHECK(m.count == 0);
}

TEST_CASE("blocks of any size are distinct, writable and aligned", "[recycle]") {
    std::set<void*> seen;
    std::vector<std::pair<void*, std::size_t>> blocks;
    for (std::size_t bytes = 1; bytes < 1'000; bytes += 7) {
        void* const memory = block_cache::allocate(bytes);
        std::memset(memory, 0x55, bytes);
        CHECK(reinterpret_cast<std::uintptr_t>(memory) % alignof(std::max_align_t) == 0);
        CHECK(seen.insert(memory).second);
        blocks.emplace_back(memory, bytes);
    }
    for (const auto& [memory, bytes] : blocks) block_cache::deallocate(memory, bytes);
}

#if !TANDEM_ASAN  // where every block is a fresh one, so that a use after its end is noticed

TEST_CASE("a thread gets its own block back", "[recycle]") {
    void* const first = block_cache::allocate(100);
    block_cache::deallocate(first, 100);
    void* const second = block_cache::allocate(120);
    CHECK(second == first);
    block_cache::deallocate(second, 120);
}

TEST_CASE("what one thread frees, another uses, and nothing is left at a thread's end",
          "[recycle]") {
    std::vector<void*> blocks;
    for (int i = 0; i < 320; ++i) blocks.push_back(block_cache::allocate(300));
    std::thread([&] {
        for (void* const memory : blocks) block_cache::deallocate(memory, 300);
    }).join();
    std::set<void*> given(blocks.begin(), blocks.end());
    std::size_t again = 0;
    for (auto& memory : blocks) {
        memory = block_cache::allocate(300);
        again += given.count(memory);
    }
    CHECK(again >= 256);
    for (void* const memory : blocks) block_cache::deallocate(memory, 300);
}

#endif

TEST_CASE("blocks wander between threads", "[recycle][pinned]") {
    std::vector<void*> place(64, nullptr);
    std::vector<std::thread> threads;
    std::mutex mutex;  // guards place
    for (unsigned t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            unsigned random = t + 1;
            for (int i = 0; i < 5'000; ++i) {
                random = random * 1664525 + 1013904223;
                void* mine = block_cache::allocate(200);
                std::memset(mine, static_cast<int>(t), 200);
                {
                    const std::lock_guard hold(mutex);
                    std::swap(place[(random >> 16) % place.size()], mine);
                }
                if (mine) {
                    const auto* const bytes = static_cast<const unsigned char*>(mine);
                    if (!std::all_of(bytes, bytes + 200, [&](auto b) { return b == bytes[0]; })) {
                        std::abort();
                    }
                    block_cache::deallocate(mine, 200);
                }
            }
        });
    }
    for (auto& thread : threads) thread.join();
    for (void* const memory : place) {
        if (memory) block_cache::deallocate(memory, 200);
    }
}

TEST_CASE("a block that outlives what a thread keeps is freed all the same", "[recycle]") {
    struct late {
        ~late() {
            block_cache::deallocate(block_cache::allocate(64), 64);
            if (kept) block_cache::deallocate(kept, 64);
        }
        void* kept = nullptr;
    };
    std::thread([] {
        static thread_local late last;  // made first, so destroyed after the magazines
        last.kept = block_cache::allocate(64);
    }).join();
}

TEST_CASE("over-aligned objects are not kept", "[recycle]") {
    struct alignas(256) aligned : recycled {
        char data[300];
    };
    auto* const one = new aligned;
    CHECK(reinterpret_cast<std::uintptr_t>(one) % 256 == 0);
    delete one;
}
