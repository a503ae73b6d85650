// SPDX-License-Identifier: BSL-1.0
#include <tandem/observe/progress.hpp>

#include <tandem/executor/thread_pool.hpp>

#include "../support/catch.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <list>
#include <ranges>
#include <stdexcept>
#include <string>
#include <vector>

using tandem::progress;
using tandem::progress_style;

namespace {

// A file without a name that a bar writes to, and its text.
class noted {
   public:
    noted() : fd_(::memfd_create("progress", MFD_CLOEXEC)) { REQUIRE(fd_ >= 0); }
    noted(const noted&) = delete;
    noted& operator=(const noted&) = delete;
    ~noted() { ::close(fd_); }
    int fd() const { return fd_; }
    std::string text() const {
        std::string text(4096, '\0');
        const auto size = ::pread(fd_, text.data(), text.size(), 0);
        text.resize(static_cast<std::size_t>(size));
        return text;
    }

   private:
    int fd_;
};

int twice(int x) { return 2 * x; }

}  // namespace

TEST_CASE("a loop with progress gets the elements themselves", "[progress]") {
    noted out;
    std::vector<int> numbers{1, 2, 3};
    for (int& x : progress(numbers, {.fd = out.fd()})) x *= 10;
    CHECK(numbers == std::vector{10, 20, 30});
    CHECK(out.text().substr(0, 8) == "100% 3/3");
}

TEST_CASE("a range that does not know its size is counted", "[progress]") {
    noted out;
    std::list<int> numbers{1, 2, 3, 4};
    int sum = 0;
    for (int x : progress(numbers | std::views::filter([](int n) { return n > 1; }),
                          {.label = "big", .fd = out.fd()})) {
        sum += x;
    }
    CHECK(sum == 9);
    CHECK(out.text().substr(0, 8) == "big  3  ");
}

TEST_CASE("the results of imap, with their index", "[progress]") {
    noted out;
    tandem::thread_pool pool(2);
    const std::vector<int> numbers{5, 6, 7};
    auto results = progress(pool.imap(twice, numbers), pool, {.total = 3, .fd = out.fd()});
    std::size_t next = 0;
    for (auto it = results.begin(); it != results.end(); ++it) {
        CHECK(it.index() == next);
        CHECK(*it == 2 * numbers[next++]);
    }
    CHECK(next == 3);
}

TEST_CASE("a loop that is left early says how far it came", "[progress]") {
    const std::vector<int> numbers(10);
    noted broken;
    int seen = 0;
    for ([[maybe_unused]] int x : progress(numbers, {.fd = broken.fd()})) {
        if (++seen == 4) break;
    }
    CHECK(broken.text().find(" 30% 3/10") == 0);  // the fourth was not done
    noted thrown;
    const auto loop = [&] {
        for ([[maybe_unused]] int x : progress(numbers, {.fd = thrown.fd()})) {
            throw std::runtime_error("stop");
        }
    };
    CHECK_THROWS_WITH(loop(), "stop");
    CHECK(thrown.text().find("  0% 0/10") == 0);
}

TEST_CASE("a loop over nothing has nothing left", "[progress]") {
    noted out;
    for ([[maybe_unused]] int x : progress(std::vector<int>{}, {.fd = out.fd()})) CHECK(false);
    CHECK(out.text().substr(0, 3) == "0  ");
}
