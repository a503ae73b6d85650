// SPDX-License-Identifier: BSL-1.0
// Python:  pool = ProcessPoolExecutor(max_workers=2)  # The one change
//          results = list(pool.map(my_module.gcd, NUMBERS))
//
// What gains by it is isolated (it shares no state with anything) and has leverage (little goes in
// and out, much is computed in between): six pairs of numbers, then the characters of an image.
#include <tandem.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "../timed.hpp"

using numbers = std::pair<int, int>;

const std::vector<numbers> pairs = {{1963309, 2265973}, {2030677, 3814172}, {1551645, 2229620},
                                    {2039045, 2020802}, {1823712, 1924928}, {2293129, 1020491}};

// The slow way on purpose: tries every number from the smaller one down.
int gcd(const numbers& pair) {
    const auto [a, b] = pair;
    int divisor = std::min(a, b);
    while (a % divisor != 0 || b % divisor != 0) --divisor;
    return divisor;
}

std::vector<int> gcds(tandem::executor auto& pool) { return pool.map(gcd, pairs); }

// The image is the Mandelbrot set. A character is as dense as the share of its samples in the set.
constexpr int rows = 24, columns = 60;
constexpr int samples = 20;           // along each side of a character
constexpr long long one = 1LL << 26;  // fixed point, so that every machine draws the same

struct place {
    int row, column;
};

bool in_the_set(long long x, long long y) {
    long long a = 0, b = 0;
    for (int step = 0; step < 400; ++step) {
        const auto aa = a * a / one, bb = b * b / one;
        if (aa + bb > 4 * one) return false;
        b = 2 * a * b / one + y;
        a = aa - bb + x;
    }
    return true;
}

char draw(const place& at) {
    int inside = 0;
    for (int i = 0; i < samples; ++i) {
        for (int j = 0; j < samples; ++j) {
            const int right = at.column * samples + j, down = at.row * samples + i;
            const auto x = (2 * right + 1) * one / (40 * samples) - 11 * one / 5;  // -2.2 to 0.8
            const auto y = (2 * down + 1) * one / (20 * samples) - 6 * one / 5;    // -1.2 to 1.2
            inside += in_the_set(x, y);
        }
    }
    return ".,:;+*#%@@"[inside * 9 / (samples * samples)];
}

// Two ints go out and a character comes back, in the order of completion.
std::string image(tandem::executor auto& pool) {
    std::vector<place> places;
    for (int row = 0; row < rows; ++row) {
        for (int column = 0; column < columns; ++column) places.push_back({row, column});
    }
    std::string picture(places.size(), '?');
    auto drawn = pool.imap_unordered(draw, places);
    int done = 0;
    for (auto it = drawn.begin(); it != drawn.end(); ++it) {
        picture[it.index()] = *it;
        if (++done % columns == 0) std::fputc('#', stderr);
    }
    std::fputc('\n', stderr);
    return picture;
}

int main(int argc, char** argv) {
    tandem::worker_main(argc, argv);
    tandem::inline_executor loop;
    tandem::thread_pool threads;
    tandem::process_pool processes;  // the one change

    const auto results = timed("gcd of 6 pairs", "serial", [&] { return gcds(loop); });
    bool agree = results == timed("gcd of 6 pairs", "threads", [&] { return gcds(threads); });
    agree &= results == timed("gcd of 6 pairs", "processes", [&] { return gcds(processes); });
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        const auto [a, b] = pairs[i];
        std::cout << "gcd(" << a << ", " << b << ") = " << results[i] << '\n';
    }

    const auto picture = timed("image", "serial", [&] { return image(loop); });
    agree &= picture == timed("image", "threads", [&] { return image(threads); });
    agree &= picture == timed("image", "processes", [&] { return image(processes); });
    for (std::size_t row = 0; row < rows; ++row) {
        std::cout << picture.substr(row * columns, columns) << '\n';
    }

    std::cout << "serial, threads and processes " << (agree ? "agree" : "DIFFER") << '\n';
    print_timings();

    return agree ? 0 : 1;
}

// What cannot go to another process does not compile, and the message says what to do instead:
//
//   processes.map([factor](const numbers& pair) { return factor * gcd(pair); }, pairs);
// error: tandem: this callable has captures or state, which cannot be checked for pointers; pass
// the state as arguments, or wrap the callable in tandem::bitwise(f) if every capture is plain data
// by value
//
//   processes.for_each([](numbers& pair) { pair.first = gcd(pair); }, pairs);
// error: tandem: the callable cannot be called with these arguments in another process: it gets
// copies there (for map: const elements), so it may not change them
//
//   processes.apply([](const numbers* pair) { return gcd(*pair); }, &pairs[0]);
// error: tandem: a pointer cannot travel to another process, it refers to memory of this one; send
// the value it points to, or a std::vector or std::string
//
//   processes.apply([](std::shared_ptr<int> sum) { ++*sum; }, std::make_shared<int>(0));
// error: tandem: a shared_ptr or weak_ptr cannot travel, processes do not share the object; send
// the value, or a std::unique_ptr to it
