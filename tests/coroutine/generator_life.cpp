// SPDX-License-Identifier: BSL-1.0
// A generator a cell: Conway's Game of Life, where the rules never see the grid.
#include <tandem/coroutine/frame_pool.hpp>

#include <tandem/coroutine/generator.hpp>

#include "../support/catch.hpp"

#include <string>
#include <variant>
#include <vector>

using tandem::generator;
using tandem::yield_from;

namespace {

struct query {
    int y, x;
};
struct transition {
    int y, x;
    char state;
};
struct tick {};
using step = std::variant<query, transition, tick>;

generator<step, char, int> count_neighbors(int y, int x) {
    int count = 0;
    for (int dy = 1; dy >= -1; --dy) {
        for (int dx = -1; dx <= 1; ++dx) {
            if (dy == 0 && dx == 0) continue;
            const char state = co_yield query{y + dy, x + dx};
            count += state == '*';
        }
    }
    co_return count;
}
generator<step, char> step_cell(int y, int x) {
    const char state = co_yield query{y, x};
    const int neighbors = co_await yield_from(count_neighbors(y, x));
    const bool lives = neighbors == 3 || (neighbors == 2 && state == '*');
    co_yield transition{y, x, lives ? '*' : '-'};
}
generator<step, char> simulate(int height, int width) {
    for (;;) {
        for (int y = 0; y < height; ++y) {
            for (int x = 0; x < width; ++x) co_await yield_from(step_cell(y, x));
        }
        co_yield tick{};
    }
}

using grid = std::vector<std::string>;

grid next_generation(const grid& now, generator<step, char>& sim) {
    const int height = static_cast<int>(now.size());
    const int width = static_cast<int>(now[0].size());
    const auto row = [&](int y) { return static_cast<std::size_t>((y + height) % height); };
    const auto column = [&](int x) { return static_cast<std::size_t>((x + width) % width); };
    grid then = now;
    for (const step* s = sim.next();;) {
        if (const auto* q = std::get_if<query>(s)) {
            s = sim.send(now[row(q->y)][column(q->x)]);
        } else if (const auto* t = std::get_if<transition>(s)) {
            then[row(t->y)][column(t->x)] = t->state;
            s = sim.next();
        } else {
            return then;
        }
    }
}

}  // namespace

TEST_CASE("a glider flies, and comes round", "[generator]") {
    const grid first = {"---*-----", "----*----", "--***----", "---------", "---------"};
    auto sim = simulate(5, 9);
    grid now = first;
    now = next_generation(now, sim);
    CHECK(now == grid{"---------", "--*-*----", "---**----", "---*-----", "---------"});
    for (int i = 1; i < 4 * 5 * 9; ++i) now = next_generation(now, sim);
    CHECK(now == first);
}

TEST_CASE("Life allocates nothing once it has begun", "[generator]") {
    if (TANDEM_ASAN) return;
    grid now = {"---*-----", "----*----", "--***----", "---------", "---------"};
    auto sim = simulate(5, 9);
    now = next_generation(now, sim);
    const auto made = tandem::detail::frame_pool::made();
    for (int i = 0; i < 20; ++i) now = next_generation(now, sim);
    CHECK(tandem::detail::frame_pool::made() == made);
}

TEST_CASE("Life may be dropped after each step", "[generator]") {
    for (int steps = 0; steps < 100; ++steps) {
        auto sim = simulate(3, 3);
        sim.next();
        for (int i = 0; i < steps; ++i) sim.send('*');
    }
}
