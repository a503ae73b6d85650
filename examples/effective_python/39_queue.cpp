// SPDX-License-Identifier: BSL-1.0
// Python:  threads = [StoppableWorker(download, download_queue, resize_queue), ...]
//          download_queue.close(); download_queue.join()
//
// A pipeline: download, resize and upload work at the same time, on different items. What is hard
// about it is waiting without polling, keeping the queues short, and ending all of it. The queue
// does that.
#include <tandem.hpp>

#include <algorithm>
#include <deque>
#include <iostream>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

struct picture {
    int number;
};
picture download(picture item) { return item; }
picture resize(picture item) { return item; }
picture upload(picture item) { return item; }

std::vector<picture> pictures(int count) {
    std::vector<picture> all;
    for (int i = 0; i < count; ++i) all.push_back({i});
    return all;
}

void say(const char* line) { std::cout << line << '\n'; }

// 1. What one writes first: a list with a lock. Workers that find it empty look again and again.
class polling_queue {
   public:
    void put(picture item) {
        const std::lock_guard hold(mutex_);
        items_.push_back(item);
    }
    std::optional<picture> get() {
        const std::lock_guard hold(mutex_);
        if (items_.empty()) return {};
        const auto item = items_.front();
        items_.pop_front();
        return item;
    }
    std::size_t size() {
        const std::lock_guard hold(mutex_);
        return items_.size();
    }

   private:
    std::mutex mutex_;  // guards items_
    std::deque<picture> items_;
};

void poll() {
    polling_queue to_download, to_resize, to_upload, done;
    long polled[3] = {};
    {
        std::vector<std::jthread> threads;  // asked to stop at the end, or they would poll for ever
        const auto work = [&](auto f, polling_queue& in, polling_queue& out, long& times) {
            threads.emplace_back([f, &in, &out, &times](std::stop_token stop) {
                for (; !stop.stop_requested(); ++times) {
                    if (const auto item = in.get()) {
                        out.put(f(*item));
                    } else {
                        std::this_thread::yield();
                    }
                }
            });
        };
        work(download, to_download, to_resize, polled[0]);
        work(resize, to_resize, to_upload, polled[1]);
        work(upload, to_upload, done, polled[2]);
        for (const auto item : pictures(1000)) to_download.put(item);
        while (done.size() < 1000) std::this_thread::yield();  // and so does this thread
    }
    std::cout << "Processed " << done.size() << " items\n";
    std::cerr << "after polling " << polled[0] + polled[1] + polled[2] << " times\n";
}

// 2. A queue whose pop waits until there is something.
void wait_for_an_item() {
    tandem::queue<int> q, turns;
    std::jthread consumer([&] {
        say("Consumer waiting");
        turns.push(0);
        q.pop();  // runs after the push below
        say("Consumer done");
        turns.push(0);
    });
    turns.pop();
    say("Producer putting");
    q.push(1);
    turns.pop();
    say("Producer done");
}

// 3. A queue of 1 makes the producer wait until the consumer has taken what is there. Two more
// queues take turns, so that the lines come in this order.
void wait_for_room() {
    tandem::queue<int> q(1), was_put(1), was_got(1);
    std::jthread consumer([&] {
        while (const auto i = was_put.pop()) {
            q.pop();
            std::cout << "Consumer got " << *i << '\n';
            was_got.push(*i);
        }
    });
    for (const int i : {1, 2}) {
        q.push(i);
        std::cout << "Producer put " << i << '\n';
        was_put.push(i);
        was_got.pop();
    }
    was_put.close();
    say("Producer done");
}

// 4. join waits until what was pushed is also done.
void wait_for_the_work() {
    tandem::queue<int> in_queue, turns;
    std::jthread consumer([&] {
        say("Consumer waiting");
        turns.push(0);
        in_queue.pop();
        say("Consumer working");
        say("Consumer done");
        in_queue.task_done();
    });
    turns.pop();
    say("Producer waiting");
    in_queue.push(1);
    in_queue.join();
    say("Producer done");
}

// 5. Workers that stop when their queue is closed and drained: the loop ends by itself, for as many
// workers as share the queue. In the book a sentinel stops one of them.
void close_the_queues(int workers_each) {
    tandem::queue<picture> to_download(10), to_resize(10), to_upload(10), done;
    {
        std::vector<std::jthread> threads;
        const auto work = [&](auto f, tandem::queue<picture>& in, tandem::queue<picture>& out) {
            // Each worker owns a share of the next queue's end: the last one closes it.
            const auto next = out.producer();
            for (int i = 0; i < workers_each; ++i) {
                threads.emplace_back([f, &in, next] {
                    for (const picture& item : in) next->push(f(item));
                });
            }
        };
        work(download, to_download, to_resize);
        work(resize, to_resize, to_upload);
        work(upload, to_upload, done);
        to_download.push_range(pictures(1000));
        to_download.close();
    }
    std::cout << done.size() << " items finished\n";
}

// 6. The same in one expression.
void one_expression() {
    const auto done = tandem::pipeline(pictures(1000))
                          .stage(download)
                          .stage(resize, {.workers = 3})
                          .stage(upload)
                          .run();
    std::cout << done.size() << " items finished, "
              << (std::ranges::is_sorted(done, {}, &picture::number) ? "in order\n" : "MIXED UP\n");
}

int main() {
    poll();
    wait_for_an_item();
    wait_for_room();
    wait_for_the_work();
    close_the_queues(1);
    close_the_queues(4);
    one_expression();
}
