// SPDX-License-Identifier: BSL-1.0
// Python:  with ThreadPoolExecutor(max_workers=10) as pool:
//              futures = [pool.submit(step_cell, y, x, grid.get, next_grid.set) ...]
//              for future in futures: future.result()
//
// A thread a cell would be made and thrown away each generation. A pool makes its threads once, and
// a future brings what a cell's step came to: its result, or what it threw.
#include <tandem.hpp>

#include <chrono>
#include <cstring>
#include <iostream>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

constexpr char alive = '*';
constexpr char empty = '-';

// A grid whose edges meet, for any number of threads.
class locking_grid {
   public:
    locking_grid(int height, int width)
        : height_(height),
          rows_(static_cast<std::size_t>(height),
                std::string(static_cast<std::size_t>(width), empty)) {}
    // One that is as large, and empty.
    static locking_grid as_large_as(const locking_grid& other) {
        return locking_grid(other.height(), other.width());
    }
    locking_grid(locking_grid&& other) noexcept
        : height_(other.height_), rows_(std::move(other.rows_)) {}
    locking_grid& operator=(locking_grid&& other) noexcept {
        rows_ = std::move(other.rows_);
        return *this;
    }

    int height() const { return height_; }
    int width() const { return static_cast<int>(rows_[0].size()); }
    char get(int y, int x) const {
        const std::lock_guard hold(mutex_);
        return rows_[wrap(y, height())][wrap(x, width())];
    }
    void set(int y, int x, char state) {
        const std::lock_guard hold(mutex_);
        rows_[wrap(y, height())][wrap(x, width())] = state;
    }
    friend std::ostream& operator<<(std::ostream& out, const locking_grid& grid) {
        for (const auto& row : grid.rows_) out << row << '\n';
        return out;
    }

   private:
    static std::size_t wrap(int at, int size) {
        return static_cast<std::size_t>((at + size) % size);
    }

    int height_;
    mutable std::mutex mutex_;  // guards rows_, while cells are stepped
    std::vector<std::string> rows_;
};

int count_neighbors(int y, int x, const auto& get) {
    int count = 0;
    for (const int dy : {-1, 0, 1}) {
        for (const int dx : {-1, 0, 1}) {
            if ((dy != 0 || dx != 0) && get(y + dy, x + dx) == alive) ++count;
        }
    }
    return count;
}

char game_logic(char state, int neighbors) {
    // In the book something that waits for input or output is here, which is why threads help.
    if (state == alive) return neighbors == 2 || neighbors == 3 ? alive : empty;
    return neighbors == 3 ? alive : empty;
}

void step_cell(int y, int x, const auto& get, const auto& set) {
    const char state = get(y, x);
    const int neighbors = count_neighbors(y, x, get);
    set(y, x, game_logic(state, neighbors));
}

// One task a cell: fan out, then fan in.
locking_grid simulate_pool(tandem::thread_pool& pool, const locking_grid& grid) {
    auto next = locking_grid::as_large_as(grid);
    const auto get = [&](int y, int x) { return grid.get(y, x); };
    const auto set = [&](int y, int x, char state) { next.set(y, x, state); };
    const auto step = [&](int y, int x) { step_cell(y, x, get, set); };

    std::vector<tandem::future<void>> cells;
    for (int y = 0; y < grid.height(); ++y) {
        for (int x = 0; x < grid.width(); ++x) cells.push_back(pool.submit(step, y, x));
    }
    for (auto& cell : cells) cell.get();  // throws what the cell's step threw
    return next;
}

char failing_game_logic(char, int) { throw std::runtime_error("Problem with I/O"); }

locking_grid glider() {
    locking_grid grid(5, 9);
    for (const auto& [y, x] : {std::pair(0, 3), {1, 4}, {2, 2}, {2, 3}, {2, 4}}) {
        grid.set(y, x, alive);
    }
    return grid;
}

// --animate: the same for as long as you like, until Ctrl-C.
[[noreturn]] void animate(tandem::thread_pool& pool) {
    for (auto grid = glider();; grid = simulate_pool(pool, grid)) {
        std::cout << "\x1b[H\x1b[2J" << grid << std::flush;
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
}

int main(int argc, char** argv) {
    tandem::thread_pool pool(10);
    if (argc == 2 && std::strcmp(argv[1], "--animate") == 0) animate(pool);

    auto grid = glider();
    for (int generation = 0; generation < 4; ++generation) {
        std::cout << "Generation " << generation << ":\n" << grid;
        grid = simulate_pool(pool, grid);
    }

    // An exception in a task is not lost: it is thrown where the result is asked for.
    auto task = pool.submit(failing_game_logic, alive, 3);
    try {
        task.get();
    } catch (const std::exception& error) {
        std::cout << "Caught exception: " << error.what() << '\n';
    }
}
