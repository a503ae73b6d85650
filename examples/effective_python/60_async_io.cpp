// SPDX-License-Identifier: BSL-1.0
// Python:  async def step_cell(y, x, get, set): ...
//          await asyncio.gather(*tasks)          # fan in
//          grid = asyncio.run(simulate(grid))
//
// A thread a cell is too much, and a pool runs only so many at once. A task is a few hundred bytes:
// each cell gets one, all of them wait for their I/O at the same time, on one thread. No lock
// guards the grid, for a task gives up the thread only where it says co_await.
#include <tandem.hpp>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using tandem::task;

constexpr char alive = '*';
constexpr char empty = '-';

// A grid whose edges meet.
class life_grid {
   public:
    life_grid(int height, int width)
        : rows_(static_cast<std::size_t>(height),
                std::string(static_cast<std::size_t>(width), empty)) {}

    int height() const { return static_cast<int>(rows_.size()); }
    int width() const { return static_cast<int>(rows_[0].size()); }
    char get(int y, int x) const { return rows_[wrap(y, height())][wrap(x, width())]; }
    void set(int y, int x, char state) { rows_[wrap(y, height())][wrap(x, width())] = state; }
    friend std::ostream& operator<<(std::ostream& out, const life_grid& grid) {
        for (const auto& row : grid.rows_) out << row << '\n';
        return out;
    }

   private:
    static std::size_t wrap(int at, int size) {
        return static_cast<std::size_t>((at + size) % size);
    }
    std::vector<std::string> rows_;
};

int count_neighbors(int y, int x, const life_grid& grid) {
    int count = 0;
    for (const int dy : {-1, 0, 1}) {
        for (const int dx : {-1, 0, 1}) {
            if ((dy != 0 || dx != 0) && grid.get(y + dy, x + dx) == alive) ++count;
        }
    }
    return count;
}

task<char> game_logic(char state, int neighbors) {
    co_await tandem::sleep_for(1ms);  // the I/O of the book
    if (state == alive) co_return neighbors == 2 || neighbors == 3 ? alive : empty;
    co_return neighbors == 3 ? alive : empty;
}

// What a cell does; the second one is 3. below.
task<> step_cell(int y, int x, const life_grid& grid, life_grid& next) {
    const char state = grid.get(y, x);
    const int neighbors = count_neighbors(y, x, grid);
    next.set(y, x, co_await game_logic(state, neighbors));
}

// One task a cell: fan out, then fan in.
template <class Step>
task<life_grid> simulate(const life_grid& grid, Step step) {
    life_grid next(grid.height(), grid.width());
    std::vector<task<>> cells;
    for (int y = 0; y < grid.height(); ++y) {
        for (int x = 0; x < grid.width(); ++x) cells.push_back(step(y, x, grid, next));
    }
    co_await tandem::when_all(std::move(cells));
    co_return next;
}

// 2. An exception in a task comes out where its result is awaited.
task<char> failing_game_logic(char, int) {
    co_await tandem::sleep_for(1ms);
    throw std::runtime_error("Problem with I/O");
}
task<> catch_it() {
    try {
        co_await failing_game_logic(alive, 3);
    } catch (const std::exception& error) {
        std::cout << "Caught exception: " << error.what() << '\n';
    }
}

// 3. When counting needs I/O as well, only the functions on the way to it change: they await.
task<int> count_neighbors_with_io(int y, int x, const life_grid& grid) {
    co_await tandem::sleep_for(1ms);
    co_return count_neighbors(y, x, grid);
}
task<> step_cell_with_io(int y, int x, const life_grid& grid, life_grid& next) {
    const char state = grid.get(y, x);
    const int neighbors = co_await count_neighbors_with_io(y, x, grid);
    next.set(y, x, co_await game_logic(state, neighbors));
}

life_grid glider() {
    life_grid grid(5, 9);
    for (const auto& [y, x] : {std::pair(0, 3), {1, 4}, {2, 2}, {2, 3}, {2, 4}}) {
        grid.set(y, x, alive);
    }
    return grid;
}

// --animate: the same for as long as you like, until Ctrl-C.
[[noreturn]] void animate() {
    for (auto grid = glider();; grid = tandem::sync_wait(simulate(grid, step_cell))) {
        std::cout << "\x1b[H\x1b[2J" << grid << std::flush;
        std::this_thread::sleep_for(200ms);
    }
}

// --cells N: so many tasks that all wait at once.
void measure(int cells) {
    const life_grid grid(cells / 100 + 1, 100);
    const auto began = std::chrono::steady_clock::now();
    tandem::sync_wait(simulate(grid, step_cell_with_io));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    std::cerr << grid.height() * grid.width() << " cells in " << took.count() << " s\n";
}

int main(int argc, char** argv) {
    if (argc == 2 && std::strcmp(argv[1], "--animate") == 0) animate();
    if (argc == 3 && std::strcmp(argv[1], "--cells") == 0) {
        measure(std::atoi(argv[2]));
        return 0;
    }

    // 1. One task a cell.
    auto grid = glider();
    for (int generation = 0; generation < 4; ++generation) {
        std::cout << "Generation " << generation << ":\n" << grid;
        grid = tandem::sync_wait(simulate(grid, step_cell));
    }

    tandem::sync_wait(catch_it());

    auto same = glider();
    for (int generation = 0; generation < 4; ++generation) {
        same = tandem::sync_wait(simulate(same, step_cell_with_io));
    }
    std::cout << "With I/O in both: " << (same.get(2, 4) == grid.get(2, 4) ? "the same" : "not so")
              << '\n';
    measure(10'000);
}
