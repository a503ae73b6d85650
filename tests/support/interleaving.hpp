// SPDX-License-Identifier: BSL-1.0
// tests/support/interleaving.hpp: runs threads one step at a time, in an order that a seed chooses.
#pragma once

#include <tandem/core/config.hpp>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

// The code under test takes its atomics, and how it sleeps, as template parameters. Here each
// operation on an atomic is a step, between which the seed decides whose turn it is; and a store
// that is not seq_cst lies in its thread's buffer for a while, as on x86, where others do not see
// it (Owens, Sarkar and Sewell, "A better x86 memory model: x86-TSO", 2009). So a missing seq_cst
// shows, and so does a thread that sleeps for ever. Weaker machines reorder more than this model
// does.
namespace interleaving {

// Fewer where each step is expensive.
inline std::uint64_t rounds(std::uint64_t count) { return TANDEM_TSAN ? count / 10 : count; }

class scheduler {
   public:
    explicit scheduler(std::uint64_t seed) : random_(seed) {}

    // Runs the threads to their ends. Returns false if some slept for ever.
    bool run(const std::vector<std::function<void()>>& bodies) {
        threads_.resize(bodies.size());
        std::vector<std::thread> threads;
        for (std::size_t i = 0; i < bodies.size(); ++i) {
            threads_[i] = std::make_unique<one>();
            threads.emplace_back([this, i, &body = bodies[i]] {
                here() = {this, i};
                {
                    std::unique_lock hold(mutex_);
                    wait_for_turn(hold, i);
                }
                try {
                    body();
                } catch (const stuck&) {
                }
                std::unique_lock hold(mutex_);
                flush(i);
                threads_[i]->state = state::ended;
                choose();
            });
        }
        {
            std::unique_lock hold(mutex_);
            choose();
        }
        for (auto& thread : threads) thread.join();
        return !stuck_;
    }

    // The scheduler of the calling thread, null outside of run().
    static scheduler* current() { return here().owner; }

    // A step of the calling thread: `operation()` is made when it is this thread's turn.
    template <class Operation>
    auto step(Operation operation) {
        std::unique_lock hold(mutex_);
        const auto me = here().index;
        choose();
        wait_for_turn(hold, me);
        return operation();
    }
    // Within a step.
    void flush_mine() { flush(here().index); }
    void delay(const void* where, std::function<void()> write) {
        threads_[here().index]->stores.push_back({where, std::move(write)});
    }
    // Whether a store of this thread to `where` is on its way: the thread itself sees it.
    bool is_delayed(const void* where) const {
        for (const auto& store : threads_[here().index]->stores) {
            if (store.where == where) return true;
        }
        return false;
    }

    // Sleeps on `where` if `still()`, decided in one step.
    template <class Still>
    void park(const void* where, Still still) {
        std::unique_lock hold(mutex_);
        const auto me = here().index;
        choose();
        wait_for_turn(hold, me);
        flush(me);
        if (!still()) return;
        threads_[me]->state = state::asleep;
        threads_[me]->sleeps_on = where;
        choose();
        wait_for_turn(hold, me);
    }
    void unpark(const void* where, int how_many) {
        std::unique_lock hold(mutex_);
        const auto me = here().index;
        choose();
        wait_for_turn(hold, me);
        flush(me);
        for (auto& thread : threads_) {
            if (how_many == 0) break;
            if (thread->state == state::asleep && thread->sleeps_on == where) {
                thread->state = state::ready;
                --how_many;
            }
        }
    }

   private:
    enum class state { ready, asleep, ended };
    struct stuck {};
    struct delayed {
        const void* where;
        std::function<void()> write;
    };
    struct one {
        interleaving::scheduler::state state = state::ready;
        const void* sleeps_on = nullptr;
        std::deque<delayed> stores;
        std::condition_variable turn;
    };
    struct place {
        scheduler* owner = nullptr;
        std::size_t index = 0;
    };
    static place& here() {
        static thread_local place mine;
        return mine;
    }

    void flush(std::size_t index) {
        auto& stores = threads_[index]->stores;
        while (!stores.empty()) {
            stores.front().write();
            stores.pop_front();
        }
    }
    // Lets some delayed stores arrive, then gives a thread the turn.
    void choose() {
        for (auto& thread : threads_) {
            while (!thread->stores.empty() && random_() % 4 == 0) {
                thread->stores.front().write();
                thread->stores.pop_front();
            }
        }
        std::vector<std::size_t> ready;
        bool all_ended = true;
        for (std::size_t i = 0; i < threads_.size(); ++i) {
            if (threads_[i]->state == state::ready) ready.push_back(i);
            all_ended = all_ended && threads_[i]->state == state::ended;
        }
        if (ready.empty()) {
            if (all_ended) return;
            stuck_ = true;  // each that sleeps is told so, in turn
            for (std::size_t i = 0; i < threads_.size(); ++i) {
                if (threads_[i]->state == state::asleep) ready.push_back(i);
            }
        }
        turn_ = ready[random_() % ready.size()];
        threads_[turn_]->turn.notify_one();
    }
    void wait_for_turn(std::unique_lock<std::mutex>& hold, std::size_t me) {
        threads_[me]->turn.wait(hold, [&] { return turn_ == me; });
        if (threads_[me]->state == state::asleep) {
            threads_[me]->state = state::ready;
            throw stuck();
        }
    }

    static constexpr std::size_t nobody = static_cast<std::size_t>(-1);

    std::mt19937_64 random_;
    std::mutex mutex_;  // guards all; held by the thread whose turn it is while it makes a step
    std::vector<std::unique_ptr<one>> threads_;
    std::size_t turn_ = nobody;
    bool stuck_ = false;
};

// Runs the bodies as threads, interleaved as the seed says. Returns false if some slept for ever.
inline bool run(std::uint64_t seed, const std::vector<std::function<void()>>& bodies) {
    return scheduler(seed).run(bodies);
}

// Has what the code under test uses of std::atomic. Outside of run() it is a plain variable.
template <class T>
class atomic {
   public:
    atomic(T value = T()) : value_(value) {}
    atomic(const atomic&) = delete;
    atomic& operator=(const atomic&) = delete;

    T load(std::memory_order) const {
        return in_step([&] { return seen(); });
    }
    void store(T value, std::memory_order order) {
        auto* const scheduler = scheduler::current();
        if (!scheduler) {
            value_ = value;
            return;
        }
        scheduler->step([&] {
            if (order == std::memory_order_seq_cst) {
                scheduler->flush_mine();
                value_ = value;
            } else {
                newest_ = value;
                scheduler->delay(this, [this, value] { value_ = value; });
            }
        });
    }
    T fetch_add(T count, std::memory_order) {
        return modify([&] { return std::exchange(value_, static_cast<T>(value_ + count)); });
    }
    T fetch_sub(T count, std::memory_order) {
        return modify([&] { return std::exchange(value_, static_cast<T>(value_ - count)); });
    }
    bool compare_exchange_strong(T& expected, T desired, std::memory_order,
                                 std::memory_order = std::memory_order_seq_cst) {
        return modify([&] {
            if (value_ != expected) {
                expected = value_;
                return false;
            }
            value_ = desired;
            return true;
        });
    }
    bool compare_exchange_weak(T& expected, T desired, std::memory_order success,
                               std::memory_order failure = std::memory_order_seq_cst) {
        return compare_exchange_strong(expected, desired, success, failure);
    }

   private:
    friend struct parking;

    template <class Operation>
    static auto in_step(Operation operation) {
        auto* const scheduler = scheduler::current();
        return scheduler ? scheduler->step(operation) : operation();
    }
    template <class Operation>
    auto modify(Operation operation) {
        return in_step([&] {
            if (auto* const scheduler = scheduler::current()) scheduler->flush_mine();
            return operation();
        });
    }
    // A thread sees its own delayed stores. Only one thread writes by plain stores, in what is
    // tested here, so one newest value is enough.
    T seen() const {
        const auto* const scheduler = scheduler::current();
        return scheduler && scheduler->is_delayed(this) ? newest_ : value_;
    }

    T value_;
    T newest_{};
};

// Sleeping and waking in the model.
struct parking {
    template <class T>
    static void park(const atomic<T>& word, std::type_identity_t<T> expected) {
        scheduler::current()->park(&word, [&] { return word.value_ == expected; });
    }
    template <class T>
    static void unpark(const atomic<T>& word, int how_many) {
        scheduler::current()->unpark(&word, how_many);
    }
};

}  // namespace interleaving
