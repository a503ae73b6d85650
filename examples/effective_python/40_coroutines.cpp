// SPDX-License-Identifier: BSL-1.0
// Python:  def minimize():
//              current = yield
//              while True:
//                  value = yield current
//                  current = min(value, current)
//
// A function that stops to say something, hears something back, and goes on: thousands of them can
// be under way at once, each as simple as if it were alone. In the Game of Life, with one for each
// cell, the rules ask for the cells that they need, and never see the grid.
//
//   40_coroutines --animate [glider | acorn]    plays Life in the terminal until Ctrl-C
#include <tandem.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

using tandem::generator;
using tandem::yield_from;

// 1. What is sent is what co_yield evaluates to.
generator<std::monostate, std::string> my_coroutine() {
    for (;;) {
        const std::string received = co_yield {};
        std::cout << "Received: " << received << '\n';
    }
}

// 2. A conversation: each number sent is answered with the smallest so far.
generator<int, int> minimize() {
    int current = co_yield 0;
    for (;;) {
        const int value = co_yield current;
        current = std::min(value, current);
    }
}

void talk() {
    auto it = my_coroutine();
    it.next();  // to the first co_yield
    it.send("First");
    it.send("Second");

    auto smallest = minimize();
    smallest.next();
    for (const int value : {10, 4, 22, -1}) std::cout << *smallest.send(value) << '\n';
}

// 3. What the rules of Life have to say.
constexpr char alive = '*';
constexpr char empty = '-';

struct query {  // what is in this cell?
    int y, x;
};
struct transition {  // this goes into that cell
    int y, x;
    char state;
};
struct tick {};  // the generation is complete
using step = std::variant<query, transition, tick>;

std::ostream& operator<<(std::ostream& out, const step& s) {
    if (const auto* q = std::get_if<query>(&s)) {
        return out << "Query(y=" << q->y << ", x=" << q->x << ')';
    }
    if (const auto* t = std::get_if<transition>(&s)) {
        return out << "Transition(y=" << t->y << ", x=" << t->x << ", state='" << t->state << "')";
    }
    return out << "TICK";
}

// Asks for eight cells, and returns how many are alive.
generator<step, char, int> count_neighbors(int y, int x) {
    const char n_ = co_yield query{y + 1, x + 0};  // north
    const char ne = co_yield query{y + 1, x + 1};
    const char e_ = co_yield query{y + 0, x + 1};
    const char se = co_yield query{y - 1, x + 1};
    const char s_ = co_yield query{y - 1, x + 0};
    const char sw = co_yield query{y - 1, x - 1};
    const char w_ = co_yield query{y + 0, x - 1};
    const char nw = co_yield query{y + 1, x - 1};
    const char neighbors[] = {n_, ne, e_, se, s_, sw, w_, nw};
    co_return static_cast<int>(std::ranges::count(neighbors, alive));
}

void count() {
    auto it = count_neighbors(10, 5);
    const char* names[] = {"First", "Second", "Third",   "Fourth",
                           "Fifth", "Sixth",  "Seventh", "Eighth"};
    const std::string_view answers = "**------";
    const step* q = it.next();
    for (std::size_t i = 0; i < 8; ++i) {
        std::cout << names[i] << " yield:  " << *q << '\n';
        q = it.send(answers[i]);
    }
    std::cout << "Count:  " << it.result() << '\n';
}

// 4. What becomes of one cell. It lets count_neighbors ask: the answers go there directly.
char game_logic(char state, int neighbors) {
    if (state == alive) return neighbors == 2 || neighbors == 3 ? alive : empty;
    return neighbors == 3 ? alive : empty;
}
generator<step, char> step_cell(int y, int x) {
    const char state = co_yield query{y, x};
    const int neighbors = co_await yield_from(count_neighbors(y, x));
    co_yield transition{y, x, game_logic(state, neighbors)};
}

void step_one() {
    auto it = step_cell(10, 5);
    std::cout << "Me:       " << *it.next() << '\n';
    std::cout << "Q1:       " << *it.send(alive) << '\n';
    std::cout << "...\n";
    for (int i = 0; i < 4; ++i) it.send(alive);  // the first four neighbours
    for (int i = 0; i < 3; ++i) it.send(empty);
    std::cout << "Outcome:  " << *it.send(empty) << '\n';
}

// 5. All cells, for ever.
generator<step, char> simulate(int height, int width) {
    for (;;) {
        for (int y = 0; y < height; ++y) {
            for (int x = 0; x < width; ++x) co_await yield_from(step_cell(y, x));
        }
        co_yield tick{};
    }
}

// The grid wraps round. It knows nothing of the rules.
class grid {
   public:
    grid(int height, int width)
        : height_(height), width_(width), rows_(index(height), std::string(index(width), empty)) {}

    int height() const { return height_; }
    int width() const { return width_; }
    char get(int y, int x) const { return rows_[wrapped(y, height_)][wrapped(x, width_)]; }
    void set(int y, int x, char state) { rows_[wrapped(y, height_)][wrapped(x, width_)] = state; }
    const std::string& row(int y) const { return rows_[index(y)]; }

   private:
    static std::size_t index(int i) { return static_cast<std::size_t>(i); }
    static std::size_t wrapped(int i, int size) { return index((i % size + size) % size); }

    int height_, width_;
    std::vector<std::string> rows_;
};

// Answers what the rules ask until they say that the generation is complete.
grid live_a_generation(const grid& now, generator<step, char>& sim) {
    grid next(now.height(), now.width());
    const step* s = sim.next();
    for (;;) {
        if (const auto* q = std::get_if<query>(s)) {
            s = sim.send(now.get(q->y, q->x));
        } else if (const auto* t = std::get_if<transition>(s)) {
            next.set(t->y, t->x, t->state);
            s = sim.next();
        } else {
            return next;
        }
    }
}

// 5 and 6. Five generations side by side.
std::string centred(const std::string& text, int width) {
    const auto room = static_cast<std::size_t>(width) - text.size();
    return std::string(room / 2, ' ') + text + std::string(room - room / 2, ' ');
}
void show_generations(grid now) {
    auto sim = simulate(now.height(), now.width());
    std::vector<grid> generations;
    for (int i = 0; i < 5; ++i) {
        generations.push_back(now);
        now = live_a_generation(now, sim);
    }
    const auto line = [&](auto column) {
        std::string text;
        for (std::size_t i = 0; i < generations.size(); ++i) {
            text += (i ? " | " : "") + column(i);
        }
        text.erase(text.find_last_not_of(' ') + 1);
        std::cout << text << '\n';
    };
    line([&](std::size_t i) { return centred(std::to_string(i), now.width()); });
    for (int y = 0; y < now.height(); ++y) {
        line([&](std::size_t i) { return generations[i].row(y); });
    }
}
grid glider(int height, int width) {
    grid g(height, width);
    for (const auto& [y, x] : {std::pair(0, 3), {1, 4}, {2, 2}, {2, 3}, {2, 4}}) g.set(y, x, alive);
    return g;
}
void life() {
    show_generations(glider(5, 9));
    grid other(5, 5);
    for (const auto& [y, x] : {std::pair(1, 1), {2, 2}, {2, 3}, {3, 3}}) other.set(y, x, alive);
    show_generations(other);
}

// 7. Delegation by itself: what is yielded inside comes out, what is returned stays inside.
generator<std::string> one_and_two() {
    co_yield "1";
    co_yield "2";
}
generator<std::string> composed() {
    co_yield "'A'";
    co_await yield_from(one_and_two());
    co_yield "'B'";
}
generator<int, void, int> yields_1_returns_2() {
    co_yield 1;
    co_return 2;
}
generator<int> times_4() {
    const int returned = co_await yield_from(yields_1_returns_2());
    co_yield returned * 4;
}
template <class Values>
void print_list(Values values) {
    std::ostringstream list;
    for (const auto& value : values) list << (list.tellp() > 0 ? ", " : "") << value;
    std::cout << '[' << list.str() << "]\n";
}
void delegate() {
    print_list(composed());
    print_list(times_4());
}

// 8. In the terminal, drawn over itself.
grid acorn(int height, int width) {
    grid g(height, width);
    const int y = height / 2, x = width / 2 - 3;
    for (const auto& [down, right] :
         {std::pair(0, 1), {1, 3}, {2, 0}, {2, 1}, {2, 4}, {2, 5}, {2, 6}}) {
        g.set(y + down, x + right, alive);
    }
    return g;
}
volatile std::sig_atomic_t stopped = 0;
void animate(grid now) {
    std::signal(SIGINT, [](int) { stopped = 1; });
    auto sim = simulate(now.height(), now.width());
    std::cout << "\x1b[2J\x1b[?25l";  // clear; hide the cursor
    for (int i = 0; !stopped; ++i) {
        std::cout << "\x1b[H";
        for (int y = 0; y < now.height(); ++y) {
            for (const char cell : now.row(y)) std::cout << (cell == alive ? "██" : "  ");
            std::cout << '\n';
        }
        std::cout << "generation " << i << std::flush;
        now = live_a_generation(now, sim);
        std::this_thread::sleep_for(std::chrono::milliseconds(60));
    }
    std::cout << "\x1b[?25h\n";
}

int main(int argc, char** argv) {
    const std::vector<std::string_view> arguments(argv + 1, argv + argc);
    if (!arguments.empty() && arguments[0] == "--animate") {
        const bool small = arguments.size() > 1 && arguments[1] == "glider";
        animate(small ? glider(12, 20) : acorn(30, 38));
        return 0;
    }
    talk();
    count();
    step_one();
    life();
    delegate();
}
