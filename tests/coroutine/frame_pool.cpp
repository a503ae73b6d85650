// SPDX-License-Identifier: BSL-1.0
#include <tandem/coroutine/frame_pool.hpp>

#include "../support/catch.hpp"
#include "../support/expect.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

using tandem::detail::frame_pool;

namespace {

void* filled(std::size_t size) {
    void* frame = frame_pool::allocate(size);
    std::memset(frame, 0xab, size);  // all of it is ours
    return frame;
}

}  // namespace

TEST_CASE("a freed frame is the next one of its size", "[frame_pool]") {
    if (TANDEM_ASAN) return;
    void* const first = filled(100);
    frame_pool::deallocate(first, 100);
    void* const second = filled(97);  // the same multiple of 16
    CHECK(second == first);
    void* const third = filled(100);
    CHECK(third != first);
    frame_pool::deallocate(second, 97);
    frame_pool::deallocate(third, 100);
}

TEST_CASE("frames of every size are aligned and apart", "[frame_pool]") {
    std::vector<std::pair<void*, std::size_t>> frames;
    std::set<void*> different;
    for (int round = 0; round < 3; ++round) {
        for (std::size_t size = 1; size < 1200; size += 13) {
            void* const frame = filled(size);
            CHECK(reinterpret_cast<std::uintptr_t>(frame) % __STDCPP_DEFAULT_NEW_ALIGNMENT__ == 0);
            frames.emplace_back(frame, size);
            different.insert(frame);
        }
        CHECK(different.size() == frames.size());
        // In an order that is neither that of a stack nor that of a queue.
        for (std::size_t i = 0; i < frames.size(); ++i) {
            const auto& [frame, size] = frames[i * 7 % frames.size()];
            frame_pool::deallocate(frame, size);
        }
        frames.clear();
        different.clear();
    }
}

TEST_CASE("a stack of frames of one size is made once", "[frame_pool]") {
    if (TANDEM_ASAN) return;
    std::size_t made = 0;
    for (int round = 0; round < 5; ++round) {
        void* frames[100];
        for (void*& frame : frames) frame = filled(200);
        for (int i = 100; i-- > 0;) frame_pool::deallocate(frames[i], 200);
        if (round == 0) made = frame_pool::made();
        CHECK(frame_pool::made() == made);
    }
}

TEST_CASE("what a thread keeps is bounded, and can be given back", "[frame_pool]") {
    std::vector<void*> frames;
    for (int i = 0; i < 3000; ++i) frames.push_back(filled(1000));
    for (void* frame : frames) frame_pool::deallocate(frame, 1000);
    CHECK(frame_pool::kept() <= frame_pool::kept_at_most);
    if (!TANDEM_ASAN) CHECK(frame_pool::kept() > frame_pool::kept_at_most / 2);
    frame_pool::clear();
    CHECK(frame_pool::kept() == 0);
}

TEST_CASE("a frame may be freed by another thread", "[frame_pool]") {
    expectations expect;
    std::vector<void*> frames;
    for (int i = 0; i < 50; ++i) frames.push_back(filled(300));
    std::thread([&] {
        for (void* frame : frames) frame_pool::deallocate(frame, 300);
        const std::size_t before = frame_pool::made();
        for (void*& frame : frames) frame = filled(300);
        expect(TANDEM_ASAN || frame_pool::made() == before);
    }).join();  // what the thread kept it gives back: the leak checkers watch
    for (void* frame : frames) frame_pool::deallocate(frame, 300);
    CHECK(expect.failures() == "");
}

TEST_CASE("frames outlive the thread's own store", "[frame_pool]") {
    // A thread_local made before the store goes away after it.
    struct late {
        void* frame = nullptr;
        ~late() {
            if (frame) frame_pool::deallocate(frame, 64);
            frame_pool::deallocate(frame_pool::allocate(64), 64);
        }
    };
    std::thread([] {
        static thread_local late last;
        last.frame = filled(64);
    }).join();
}
